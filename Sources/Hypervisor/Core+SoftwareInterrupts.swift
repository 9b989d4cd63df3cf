import Appliance
import ArmArchitecture
import Synchronization
import VirtualDevices

extension Core where H: VirtualizationExtensions {
  /// A software-generated interrupt to oneself, like the one before.
  @inline(__always) func sendAgain(to guest: VirtualCPUReference, _ value: UInt64) -> Bool {
    value & 0x01FF_F0FF_00FF_FFFF == UInt64(guest.value.bit) && redeliver(Self.interrupt(value), to: guest)
  }

  @inline(__always) private static func interrupt(_ value: UInt64) -> InterruptNumber {
    InterruptNumber(UInt32(truncatingIfNeeded: value &>> 24) & 15)
  }

  /// ICC_SGI1R_EL1 and ICC_SGI0R_EL1 (IHI 0069 12.2.31): target list 15:0, interrupt 27:24, IRM 40; affinities of
  /// 1 and above, and the range selector, name nobody. A target takes it in the group that it has chosen.
  /// - Parameter group: ~0 for Group 1, 0 for Group 0.
  @inline(never) func sendSoftwareInterrupt(from guest: VirtualCPUReference, group: UInt32, _ value: UInt64)
    -> VirtualCPUReference
  {
    let interrupt = Self.interrupt(value)
    var targets = UInt32(truncatingIfNeeded: value) & 0xFFFF
    if value & 0x00FF_F0FF_00FF_0000 != 0 { targets = 0 }
    if value & 1 << 40 != 0 { targets = ~guest.value.bit }
    forEach(of: guest.value.machine, in: targets) { target in
      let isOfGroup = (target.value.bank.value.group.load(ordering: .relaxed) ^ group) & interrupt.bit == 0
      if isOfGroup { pend(interrupt, to: target) }
    }
    return resume(guest)
  }

  /// The virtual CPUs of a VM whose bits are set; the other bits name nobody.
  @inline(__always) func forEach(
    of machine: VirtualMachineReference, in bits: UInt32, _ body: (VirtualCPUReference) -> Void
  ) {
    var rest = bits & ((1 &<< UInt32(machine.value.record.virtualCPUCount)) &- 1)
    while rest != 0 {
      body(machine.value.virtualCPU(UInt32(truncatingIfNeeded: rest.trailingZeroBitCount)))
      rest &= rest &- 1
    }
  }
}
