// Stores to pages from which code was translated: each is done alone, from a scratch place, while its page is open; what it
// changed is forgotten.

import ARMv7Assembly
import Hypervisor
import SoftwareVirtualization
import Translator

extension Exits {
  /// A store to a page from which code was translated.
  func changeCode(_ access: Access, _ physical: UInt32) {
    switch context.value.running {
    case .kernel where context.value.step.isActive: beginStep(access, physical)
    case .kernel:
      // What was translated goes before its bytes change, for the place in it is found by them.
      let isFirst = context.value.step.dropped != physical && context.shadows.isCode(physical)
      context.value.step.dropped = physical
      isFirst ? forgetCode(at: physical) : beginStep(access, physical)
    case .user: forgetCode(at: physical)
    case .translator:
      // It goes on; what it changed is forgotten when it has ended.
      open(access)
      context.value.step.changed = physical
    }
  }

  /// Opens the page for the store, and puts it where nothing else happens.
  func beginStep(_ access: Access, _ physical: UInt32) {
    if !context.value.step.isActive {
      context.value.step = Step(
        isActive: true, position: Self.frame.programCounter, state: Self.frame.state, size: 4,
        pages: InlineArray(repeating: access.address), changed: 0, dropped: 0)
      copyStore()
    }
    context.value.step.pages[1] = access.address
    if context.shadows.isCode(physical) { context.value.step.changed = physical }
    open(access)
  }

  func open(_ access: Access) {
    // It was found a moment ago.
    _ = try? context.shadows.fill(access, overCode: true)
  }

  /// The store and an SVC behind it. The guest's interrupts wait for it, but no others: it may be what the guest has put
  /// there since, and go on for ever.
  func copyStore() {
    let source = UInt(Self.frame.programCounter)
    if Self.frame.isT32 {
      let first = load16(source)
      let isWide = T32Decoder.isWide(UInt16(truncatingIfNeeded: first))
      context.value.step.size = isWide ? 4 : 2
      // NOP, SVC #0 twice.
      store32(UInt(Pool.step), first | (isWide ? secondHalfword(source) : 0xBF00) &<< 16)
      store32(UInt(Pool.step &+ 4), 0xDF00_DF00)
    } else {
      store32(UInt(Pool.step), load32(source))
      store32(UInt(Pool.step &+ 4), 0xEF00_0000)
    }
    publish(Pool.step, 8)
    Self.frame.programCounter = Pool.step
    // Without ITSTATE: its condition was met.
    Self.frame.state &= 0xF80F_0030
  }

  /// The store is done, or cannot be.
  func leaveStep(behind: Bool) {
    let step = context.value.step
    context.value.step.isActive = false
    context.shadows.invalidate(step.pages[0])
    context.shadows.invalidate(step.pages[1])
    Self.frame.programCounter = step.position
    Self.frame.state = step.state
    if behind { Self.frame.skip(to: step.position &+ step.size) }
  }

  func endStep() {
    leaveStep(behind: true)
    forgetChanged()
  }

  /// What was translated from where a store has been is forgotten.
  func forgetChanged() {
    let changed = context.value.step.changed
    context.value.step.changed = 0
    if changed != 0 { forgetCode(at: changed) }
  }

  /// - Parameters: requests for the page, and for all code.
  @inline(never) func forgetCode(
    at physical: UInt32, _ drop: UInt32 = TranslatorRequest.drop, _ flush: UInt32 = TranslatorRequest.flush
  ) {
    guard physical != CodePageTag.many, let page = context.shadows.unprotect(physical) else {
      return forgetCode(flush)
    }
    context.forgetCodePage(page)
    ask(drop, page)
  }
}
