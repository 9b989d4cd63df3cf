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

  /// The same phone's hypervisor on the CPU that executes this.
  public var onThisCPU: Core {
    let affinity = hardware.ownAffinity
    var index: UInt32 = 0
    while phone.value.cpu(index).value.affinity != affinity { index &+= 1 }
    return Core(hardware: hardware, cpu: phone.value.cpu(index))
  }

  /// Makes the scheduler of a physical CPU look again.
  @inline(never) func alert(_ other: PhysicalCPUReference) {
    other.value.attention.store(1, ordering: .releasing)
    guard !(other == cpu) else { return }
    hardware.write(.softwareInterrupt, other.value.alertCommand.load(ordering: .acquiring))
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
  static var watchdog: InterruptNumber { InterruptNumber(41) }
  /// The timers that software makes, where the board's CPUs have none.
  static var dualTimer: InterruptNumber { InterruptNumber(42) }
  /// Notifications of other VMs: a software-generated interrupt.
  static var notification: InterruptNumber { InterruptNumber(8) }
  /// Both timers: tied to physical interrupts.
  static var timers: UInt32 { 1 << 27 | 1 << 30 }
}
