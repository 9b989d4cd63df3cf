// What the distributor of a GICv2 has and that of a GICv3 has not (IHI 0048 4.3): targets as bytes, and the register
// that sends software-generated interrupts.

import Appliance
import ArmArchitecture
import Synchronization
import VirtualDevices

extension Core where H: VirtualizationExtensions {
  /// GICD_ITARGETSR, GICD_SGIR and ICPIDR2.
  /// - Returns: what is loaded.
  func accessSecond(
    _ frame: InterruptFrame, _ register: InterruptRegister, _ isStore: Bool, _ value: UInt32, _ mask: UInt32
  ) -> UInt32 {
    guard let owner = frame.owner else { return 0 }
    if register.kind == .secondArchitecture { return 0x2B }
    if register.kind == .softwareInterrupt { return isStore ? sendSecond(from: owner, value) : 0 }
    // With one CPU there is nothing to choose (IHI 0048 4.3.12).
    guard frame.machine.value.record.virtualCPUCount > 1 else { return 0 }
    guard register.bank != 0 else { return isStore ? 0 : owner.value.bit &* 0x0101_0101 }
    guard let bank = frame.bank(register.bank) else { return 0 }
    let first = bank &* 32 &+ register.place &* 4
    if isStore { return setTargets(frame.machine, first, value, mask) }
    var targets: UInt32 = 0
    var byte: UInt32 = 0
    while byte < 4 {
      let route = UInt32(frame.machine.value.routes[Int((first &+ byte) & 63)])
      if route < 8 { targets |= 1 &<< (route &+ byte &* 8) }
      byte &+= 1
    }
    return targets
  }

  /// An interrupt with several targets goes to the first of them.
  private func setTargets(
    _ machine: VirtualMachineReference, _ first: UInt32, _ value: UInt32, _ mask: UInt32
  ) -> UInt32 {
    var byte: UInt32 = 0
    while byte < 4 {
      let targets = value &>> (byte &* 8) & 0xFF
      if mask &>> (byte &* 8) & 0xFF != 0 {
        machine.value.routes[Int((first &+ byte) & 63)] =
          targets == 0 ? 0xFF : UInt8(truncatingIfNeeded: targets.trailingZeroBitCount)
      }
      byte &+= 1
    }
    return noticeRaised(machine, bank: first &>> 5, 0xF &<< (first & 31))
  }

  /// GICD_SGIR: target list filter 25:24, target list 23:16, interrupt 3:0.
  private func sendSecond(from guest: VirtualCPUReference, _ value: UInt32) -> UInt32 {
    var targets = value &>> 16 & 0xFF
    if value &>> 24 & 3 == 1 { targets = ~guest.value.bit }
    if value &>> 24 & 3 == 2 { targets = guest.value.bit }
    let interrupt = InterruptNumber(value & 15)
    forEach(of: guest.value.machine, in: targets) { target in
      setSender(of: interrupt, at: target, guest.value.index)
      pend(interrupt, to: target)
    }
    return 0
  }

  /// Of several that sent the same interrupt, the last one is told.
  @inline(__always) private func setSender(
    of interrupt: InterruptNumber, at target: VirtualCPUReference, _ sender: UInt32
  ) {
    let place = Int(interrupt.rawValue & 15)
    if UInt32(target.value.senders[place]) != sender { target.value.recalled.store(1, ordering: .releasing) }
    target.value.senders[place] = UInt8(truncatingIfNeeded: sender)
  }
}
