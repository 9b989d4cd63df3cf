// The guest's coprocessor 15: `SystemRegisters` answers, and says what else there is to do.

import ArmArchitecture
import Hypervisor
import SoftwareVirtualization
import Translator

extension Exits {
  func accessCoprocessor(_ access: CoprocessorAccess) {
    let register = Int(bitPattern: UInt(access.register & 15))
    guard register < 15 else { return take(.undefined, behind: 4) }
    var value = Self.frame.registers[register]
    let effect = context.value.system.access(access, &value, OwnIdentification())
    if access.isRead { Self.frame.registers[register] = value }
    apply(effect)
  }

  func apply(_ effect: SystemEffect) {
    switch effect {
    case .nothing: break
    case .undefined: take(.undefined, behind: 4)
    case .control(let changed): changeControl(changed)
    case .vectors: context[.vectors] = context.value.system.vectors
    case .space: context.leaveSpace()
    case .invalidateAll:
      context.shadows.invalidateAll()
      if !context.shadows.holdsAllCode(context.regime) { forgetCode(TranslatorRequest.flushBehind) }
    case .invalidatePage(let page):
      context.shadows.invalidate(page)
      if context.mayHoldCode(page), !context.shadows.holdsCode(page, context.regime) {
        forgetCode(TranslatorRequest.flushBehind)
      }
    case .translate(let address, let isWrite, let isUser):
      let access = Access(address: address, isWrite: isWrite, isUser: isUser)
      do throws(TranslationFault) {
        context.value.system.setPhysicalAddress(.success(try context.walk.translate(access)))
      } catch { context.value.system.setPhysicalAddress(.failure(error)) }
    }
  }

  /// SCTLR: what is at an address may be something else now.
  func changeControl(_ changed: UInt32) {
    context[.control] = context.value.system.control
    context[.vectors] = context.value.system.vectors
    // M, AFE.
    guard changed & (1 | 1 &<< 29) != 0 else { return }
    context.shadows.invalidateAll()
    context.leaveSpace()
    forgetCode(TranslatorRequest.flushBehind)
  }

  /// All code is translated anew.
  /// - Parameter request: `flush`, or behind an instruction that left `flushBehind`.
  func forgetCode(_ request: UInt32) {
    context.shadows.unprotectAll()
    context.forgetCodePages()
    ask(request, 0)
  }
}
