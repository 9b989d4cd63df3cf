// Trapped system registers: a few act, the identification registers answer by their rule, debug registers
// read as zero and ignore writes, everything else does not exist.

import ArmArchitecture

extension Core where H: VirtualizationExtensions {
  /// Answers a trapped `MRS` or `MSR`.
  @inline(never) func accessSystemRegister(
    _ guest: VirtualCPUReference, _ access: SystemRegisterAccess, _ syndrome: ExceptionSyndrome
  ) -> VirtualCPUReference {
    let register = access.register
    if H.interruptControllerGeneration == 3, register == .softwareInterruptGroup1, !access.isRead {
      skipInstruction(syndrome)
      let value = guest.value[access.transfer]
      if sendAgain(to: guest, value) { return resume(guest) }
      return sendSoftwareInterrupt(from: guest, group: ~0, value)
    }
    if register.isIdentification { return readIdentification(guest, access, syndrome) }
    if register == .auxiliaryControl || register.isDebug && register != .monitorDebugControl {
      if access.isRead { guest.value[access.transfer] = 0 }
      return finish(guest, syndrome)
    }
    return accessRareRegister(guest, access, syndrome)
  }

  @inline(never) private func accessRareRegister(
    _ guest: VirtualCPUReference, _ access: SystemRegisterAccess, _ syndrome: ExceptionSyndrome
  ) -> VirtualCPUReference {
    switch access.register {
    case .monitorDebugControl: return accessDebugControl(guest, access, syndrome)
    case .softwareInterruptGroup0 where H.interruptControllerGeneration == 3 && !access.isRead:
      skipInstruction(syndrome)
      return sendSoftwareInterrupt(from: guest, group: 0, guest.value[access.transfer])
    // For the other security state, which does not exist.
    case .softwareInterruptAlias where H.interruptControllerGeneration == 3 && !access.isRead:
      return finish(guest, syndrome)
    default: return raiseUndefined(guest)
    }
  }

  /// The CPU's own value, cut by the register's rule.
  @inline(never) private func readIdentification(
    _ guest: VirtualCPUReference, _ access: SystemRegisterAccess, _ syndrome: ExceptionSyndrome
  ) -> VirtualCPUReference {
    guard access.isRead else { return raiseUndefined(guest) }
    let index = access.register.identificationIndex
    let rule = IdentificationRule.rule(for: index)
    // Only registers with something to show are read: no others need exist.
    let native = rule.allowed != 0 ? hardware.identification(index) : 0
    var value = rule.apply(to: native)
    // ID_AA64PFR0.GIC and ID_PFR1.GIC: system registers.
    if H.interruptControllerGeneration == 2, index == 4 &<< 3 || index == 1 &<< 3 | 1 {
      value &= ~(0xFF &<< 24)
    }
    guest.value[access.transfer] = value
    return finish(guest, syndrome)
  }

  /// MDSCR_EL1 with software step (SS) and kernel debugging (KDE), which need no further register.
  private func accessDebugControl(
    _ guest: VirtualCPUReference, _ access: SystemRegisterAccess, _ syndrome: ExceptionSyndrome
  ) -> VirtualCPUReference {
    if access.isRead {
      guest.value[access.transfer] = hardware.read(.guestDebugControl)
    } else {
      hardware.write(.guestDebugControl, guest.value[access.transfer] & 0x2001)
    }
    return finish(guest, syndrome)
  }
}
