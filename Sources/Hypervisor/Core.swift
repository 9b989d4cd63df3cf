import ArmArchitecture
import Drivers
import Synchronization
import VirtualDevices

/// The hypervisor on one physical CPU. A value of two words: it owns nothing, so every entry makes its own.
public struct Core<H: Hardware> {
  let hardware: H
  public let cpu: PhysicalCPUReference

  @inline(__always) public init(hardware: H, cpu: PhysicalCPUReference) {
    self.hardware = hardware
    self.cpu = cpu
  }

  @inline(__always) var phone: PhoneReference { cpu.value.phone }

  /// Makes the scheduler of a physical CPU look again.
  @inline(never) func alert(_ other: PhysicalCPUReference) {
    other.value.attention.store(1, ordering: .releasing)
    if !(other == cpu) { interrupt(other) }
  }

  /// Sends the hypervisor's own software-generated interrupt (ICC_SGI1R_EL1).
  private func interrupt(_ other: PhysicalCPUReference) {
    let affinity = other.value.affinity
    hardware.write(
      .softwareInterrupt,
      1 &<< (affinity & 15) | (affinity &>> 8 & 0xFF) &<< 16 | (affinity &>> 16 & 0xFF) &<< 32
        | (affinity &>> 32 & 0xFF) &<< 48 | (affinity &>> 4 & 15) &<< 44
        | UInt64(PhysicalInterrupt.alert.rawValue) &<< 24)
  }
}

/// Interrupts of the board that have a fixed number.
enum PhysicalInterrupt {
  /// The software-generated interrupt by which CPUs alert each other.
  static var alert: InterruptNumber { InterruptNumber(7) }
  /// The hypervisor's own timer (CNTHP).
  static var alarm: InterruptNumber { InterruptNumber(26) }
  /// The virtual CPU interface's maintenance interrupt (Server Base System Architecture).
  static var maintenance: InterruptNumber { InterruptNumber(25) }
}

/// Interrupts of the machine that every guest sees.
enum GuestInterrupt {
  static var virtualTimer: InterruptNumber { InterruptNumber(27) }
  static var physicalTimer: InterruptNumber { InterruptNumber(30) }
  static var uart: InterruptNumber { InterruptNumber(33) }
  /// Both timers: tied to physical interrupts.
  static var timers: UInt32 { 1 << 27 | 1 << 30 }
}
