// What of the guest's coprocessor 15 changes how it translates, and its floating-point unit.

import Hypervisor
import SoftwareVirtualization
import Translator

extension Exits {
  /// - Parameter code: of an exit.
  func answerSystem(_ code: UInt32) {
    let value = Self.frame.registers[Int(bitPattern: UInt(ExitCode.register(code)))]
    context.forgetDevices()
    guard let effect = SystemEffect(rawValue: code &>> 12 & 15) else { return lose() }
    switch effect {
    case .control: writeControl(value)
    case .space:
      context.leaveSpace()
      forgetLocalCode()
    case .floatingPoint: Machine.loadFloatingPointControl()
    case .invalidateAll:
      context.shadows.invalidateAll()
      if !context.shadows.holdsAllCode() { forgetCode(TranslatorRequest.flushBehind) }
    case .invalidateSpace:
      context.shadows.invalidate(identifier: value)
      forgetLocalCode()
    case .invalidatePage:
      context.shadows.invalidate(value & ~4095)
      forgetRemapped(value & ~4095)
    case .translateRead, .translateWrite, .translateUserRead, .translateUserWrite:
      translate(value, isWrite: effect.rawValue & 1 != 0, isUser: effect.rawValue & 2 != 0)
    }
  }

  private func translate(_ address: UInt32, isWrite: Bool, isUser: Bool) {
    do throws(TranslationFault) {
      let page = try context.walk.translate(Access(address: address, isWrite: isWrite, isUser: isUser))
      context[.physicalAddress] = TranslationResult.success(page)
    } catch {
      context[.physicalAddress] = TranslationResult.failure(error)
    }
  }

  /// SCTLR: what is at an address may be something else now.
  private func writeControl(_ value: UInt32) {
    let old = context[.control]
    let new = old & ~ControlRegister.writable | value & ControlRegister.writable
    context[.control] = new
    guard (old ^ new) & ControlRegister.translating != 0 else { return }
    context.shadows.invalidateAll()
    context.leaveSpace()
    forgetCode(TranslatorRequest.flushBehind)
  }

  /// A page may be another one now than that which code was translated from.
  private func forgetRemapped(_ page: UInt32) {
    let old = context.codePage(page)
    guard old != 0, old != context.shadows.codePage(page) else { return }
    forgetCode(at: old, TranslatorRequest.dropBehind, TranslatorRequest.flushBehind)
  }

  /// What one address space alone has is something else now.
  private func forgetLocalCode() {
    if context.value.hasLocalCode { forgetCode(TranslatorRequest.flushBehind) }
  }

  /// All code is translated anew.
  /// - Parameter request: `flush`, or behind an instruction that left `flushBehind`.
  @inline(never) func forgetCode(_ request: UInt32) {
    context.shadows.unprotectAll()
    context.forgetCodePages()
    ask(request, 0)
  }
}
