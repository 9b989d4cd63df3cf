// What the portable part asks of the virtual machine that it runs in. The device's own implementation is one instruction
// or one call for each of these; the tests' is a scripted machine.

import Drivers
import Virtio

/// What made the server wake up.
public struct ServerEvents {
  /// A client has stored, rung a doorbell or changed its phase (SGI 8).
  public var isNotified = false
  /// The alarm.
  public var isAlarm = false
  /// Shared interrupts of the board: bit n for number 32 + n.
  public var devices: UInt64 = 0

  public init() {}
}

/// What the server asks the hypervisor to do to one VM (DeviceServer.md, "Signals to a VM").
public struct Signal: Equatable {
  /// Virtual CPUs that go on, a bit each.
  public var releases: UInt32 = 0
  /// Places whose interrupt becomes pending, a bit each.
  public var interrupts: UInt32 = 0
  /// `MachineControl`.
  public var control: UInt32 = 0

  public init() {}

  public var isEmpty: Bool { releases | interrupts | control == 0 }
}

/// Bits of `Signal.control`.
public enum MachineControl {
  public static let start: UInt32 = 1
  public static let stop: UInt32 = 2
  public static let restart: UInt32 = 4
  public static let pause: UInt32 = 8
  public static let resume: UInt32 = 16
}

/// The virtual machine of the server.
public protocol ServerMachine {
  associatedtype Registers: DeviceRegisters

  /// The server's own place in the phone.
  var place: Int { get }
  /// The registers of a device of the board, at its own address.
  func registers(at address: UInt64) -> Registers
  /// What VM `index` shares: `size` bytes of its memory from 0x4000_0000 on, which lie at `busStart` on the bus.
  func memory(of index: Int, size: UInt64, busStart: UInt64) -> MemoryView
  /// Does to VM `index` what a signal says.
  func signal(_ index: Int, _ signal: Signal)
  /// Lets VM `index` wake the server by a notification.
  func acceptNotifications(from index: Int)
  /// Takes the notifications that came, so that the next ones wake the server again.
  func clearNotifications()
  /// Lets a shared interrupt of the board (32…95) through.
  func enable(interrupt: UInt32)
  /// Everything that happened since the last call; with `sleeping`, waits until there is something.
  func events(sleeping: Bool) -> ServerEvents
  /// Lets interrupts of the board's devices come again: bit n for number 32 + n. The server has acknowledged them there, so
  /// that one which is level-triggered does not come at once.
  func end(devices: UInt64)
  /// CNTVCT_EL0, and its ticks in a second.
  var counter: UInt64 { get }
  var frequency: UInt64 { get }
  /// One `isAlarm` when the counter gets there.
  func setAlarm(at counter: UInt64)
  /// A full barrier: earlier stores are seen before later loads are made, by devices too.
  func barrier()
  /// Makes what was written visible to those who read past the caches.
  func clean(_ memory: MemoryView)
  /// A character on the server's console.
  func write(_ character: UInt8)
}

extension ServerMachine {
  public func write(_ text: StaticString) {
    // In bounds by the loop's range.
    for index in 0..<text.utf8CodeUnitCount { unsafe write(text.utf8Start[index]) }
  }

  public func write(decimal value: UInt64) {
    if value > 9 { write(decimal: value / 10) }
    write(48 &+ UInt8(truncatingIfNeeded: value % 10))
  }
}
