// The virtual machine that the server runs in: one instruction or one call for most of it.

import DeviceServer
import Drivers
import GuestMachine
import GuestSupport
import Virtio

/// Registers of a device of the board.
struct BoardRegisters: DeviceRegisters {
  let base: UInt64

  func read32(_ offset: UInt32) -> UInt32 { GuestMachine.read32(base &+ UInt64(offset)) }
  func write32(_ offset: UInt32, _ value: UInt32) { GuestMachine.write32(base &+ UInt64(offset), value) }
  func read64(_ offset: UInt32) -> UInt64 { GuestMachine.read64(base &+ UInt64(offset)) }
  func write64(_ offset: UInt32, _ value: UInt64) { GuestMachine.write64(base &+ UInt64(offset), value) }
}

struct StewardMachine: ServerMachine {
  /// The hypervisor's notification interrupt, and the virtual timer's.
  private static let notification: UInt64 = 8
  private static let timer: UInt64 = 27

  /// Own partition.
  let identity: UInt64

  /// Lets notifications and the alarm through. Interrupts stay masked: they end the waiting and are never taken.
  func start() {
    write32(PrivateInterrupts(0).setEnable, 1 << 8 | 1 << 27)
    for word in UInt64(1)..<3 where !InterruptController.isVersion2 {
      write32(Distributor.group(word), 0xFFFF_FFFF)
    }
  }

  var place: Int { Int(truncatingIfNeeded: identity &- 1) & 7 }

  func registers(at address: UInt64) -> BoardRegisters { BoardRegisters(base: address) }

  func memory(of index: Int, size: UInt64, busStart: UInt64) -> MemoryView {
    AddressSpace.client(index, size: size, bus: busStart)
  }

  func signal(_ index: Int, _ signal: Signal) {
    var message = FrameworkMessage(FrameworkFunction.set, identity &<< 16 | UInt64(index &+ 1))
    message.registers[3] = UInt64(signal.releases | signal.interrupts &<< 16)
    message.registers[4] = UInt64(signal.control)
    message.call()
  }

  func acceptNotifications(from index: Int) {
    var message = FrameworkMessage(FrameworkFunction.bind, UInt64(index &+ 1) &<< 16 | identity, 0, 1)
    message.call()
  }

  func clearNotifications() {
    var message = FrameworkMessage(FrameworkFunction.get, identity, 2)
    message.call()
  }

  func enable(interrupt: UInt32) {
    guard interrupt >= 32, interrupt < 96 else { return }
    let number = UInt64(interrupt)
    write8(Distributor.priority(number), 0xA0)
    Distributor.route(number, to: 0)
    write32(Distributor.setEnable(number >> 5), 1 << (interrupt & 31))
  }

  func events(sleeping: Bool) -> ServerEvents {
    var events = ServerEvents()
    if sleeping { wait_for_interrupt() }
    // As many as there are, so that a stuck one does not keep the server here.
    for _ in 0..<66 {
      let interrupt = ProcessorInterface.acknowledge()
      guard interrupt < ProcessorInterface.spurious - 3 else { break }
      note(interrupt, &events)
      // A device raises its own until the server has looked at it, and all have the same priority.
      if events.devices != 0 { break }
      ProcessorInterface.end(interrupt)
    }
    return events
  }

  func end(devices: UInt64) {
    var left = devices
    while left != 0 {
      ProcessorInterface.end(UInt64(left.trailingZeroBitCount) &+ 32)
      left &= left &- 1
    }
  }

  private func note(_ interrupt: UInt64, _ events: inout ServerEvents) {
    switch interrupt {
    case Self.notification: events.isNotified = true
    case Self.timer:
      write_CNTV_CTL_EL0(0)
      events.isAlarm = true
    case 32..<96: events.devices |= 1 &<< (interrupt &- 32)
    default: break
    }
  }

  var counter: UInt64 { read_CNTVCT_EL0() }
  var frequency: UInt64 { read_CNTFRQ_EL0() }

  func setAlarm(at counter: UInt64) {
    write_CNTV_CVAL_EL0(counter)
    write_CNTV_CTL_EL0(1)
  }

  func barrier() { memory_barrier() }

  func clean(_ memory: MemoryView) { clean_to_coherency(memory.address, memory.size) }

  func write(_ character: UInt8) { Console.write(byte: character) }
}
