// Trapped system registers: a few act, the identification registers answer by their rule, debug registers
// read as zero and ignore writes, everything else does not exist.

import ArmArchitecture

extension Core {
  /// Answers a trapped `MRS` or `MSR`.
  @inline(never) func accessSystemRegister(
    _ guest: VirtualCPUReference, _ access: SystemRegisterAccess, _ syndrome: ExceptionSyndrome
  ) -> VirtualCPUReference {
    let register = access.register
    if register.isIdentification {
      guard access.isRead else { return raiseUndefined(guest) }
      let index = register.identificationIndex
      guest.value[access.transfer] = IdentificationRule.rule(for: index).apply(to: hardware.identification(index))
    } else {
      switch register {
      case .softwareInterruptGroup1, .softwareInterruptGroup0:
        guard !access.isRead else { return raiseUndefined(guest) }
        let group: UInt32 = register == .softwareInterruptGroup1 ? ~0 : 0
        sendSoftwareInterrupt(from: guest, group: group, guest.value[access.transfer])
      case .softwareInterruptAlias:  // for the other security state, which does not exist
        guard !access.isRead else { return raiseUndefined(guest) }
      case .monitorDebugControl: accessDebugControl(guest, access)
      default:
        guard register.isDebug || register == .auxiliaryControl else { return raiseUndefined(guest) }
        if access.isRead { guest.value[access.transfer] = 0 }
      }
    }
    skipInstruction(syndrome)
    return resume(guest)
  }

  /// MDSCR_EL1 with software step (SS) and kernel debugging (KDE), which need no further register.
  private func accessDebugControl(_ guest: VirtualCPUReference, _ access: SystemRegisterAccess) {
    if access.isRead {
      guest.value[access.transfer] = hardware.read(.guestDebugControl)
    } else {
      hardware.write(.guestDebugControl, guest.value[access.transfer] & 0x2001)
    }
  }
}
