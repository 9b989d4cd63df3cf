// The way into the guest's kernel and back, when it is the usual one: out of User mode, and the end of an exception in any mode
// but FIQ. All else, and each exception's first time, the translator does (ProcessorState.swift, which says why this is right).

import ARMv7Assembly
import Hypervisor
import SoftwareVirtualization
import Translator

extension Exits {
  /// SVC of User mode. The frame is behind it, and so is where the call returns to.
  func callSupervisor() {
    let entry = context[.entry(.supervisorCall)]
    guard entry != 0 else { return take(.supervisorCall, behind: Self.frame.isT32 ? 2 : 4) }
    leaveUser(.supervisorCall, to: entry, returningTo: Self.frame.programCounter)
  }

  /// Any other exception of User mode, at the frame's PC.
  func leaveUser(_ exception: GuestException) {
    let entry = context[.entry(exception)]
    guard entry != 0 else { return ask(TranslatorRequest.take, exception.rawValue) }
    let offset = exception.returnOffset(isT32: Self.frame.isT32)
    leaveUser(exception, to: entry, returningTo: Self.frame.programCounter &+ offset)
  }

  @inline(__always)
  private func leaveUser(_ exception: GuestException, to entry: UInt32, returningTo link: UInt32) {
    let page = context.statePage
    page[.threadUserReadWrite] = read_tpidrurw()
    enter(page, exception, from: 0, saved: Self.frame.state & ~0x1DF | page[.status] & 0x1DF)
    resumeKernel()
    Self.frame.registers[14] = link
    Self.frame.programCounter = entry
  }

  /// An exception of the guest's kernel itself. Where its code stopped before, the translator has left the guest's PC.
  func leaveKernel(_ exception: GuestException) {
    let page = context.statePage
    let entry = page[.entry(exception)]
    let position = Self.frame.programCounter
    let known = StateSlot.recovery(at: position)
    guard entry != 0, page[known] == position, let from = Mode.bank(page[.status]), from != 1 else {
      return ask(TranslatorRequest.interrupt, exception.rawValue)
    }
    let instruction = page[known + 4]
    let isT32 = instruction & 1 != 0
    enter(
      page, exception, from: from,
      saved: Self.frame.state & 0xF80F_0000 | page[.status] & 0x1DF | (isT32 ? Status.thumb : 0))
    Self.frame.registers[14] = instruction & ~1 &+ exception.returnOffset(isT32: isT32)
    Self.frame.programCounter = entry
    Self.frame.state = Self.frame.state & 0xF80F_0000 | 0x10
  }

  /// The exception's mode, with its banked registers.
  @inline(__always)
  private func enter(_ page: StatePage, _ exception: GuestException, from: UInt32, saved: UInt32) {
    if from != exception.bank {
      if from != 0 { page[.bank(from) + 8] = page[.savedStatus] }
      exchange(page, .bank(from), .bank(exception.bank))
    }
    page[.savedStatus] = saved
    page[.status] = saved & 0x1C0 | exception.masks | exception.mode
  }

  /// Cached code has loaded all registers, and left where the guest goes in the state page.
  func returnFromException(_ code: UInt32) {
    let page = context.statePage
    let saved = page[.savedStatus]
    guard let from = Mode.bank(page[.status]), from != 1 else { return ask(TranslatorRequest.exit, code) }
    let target = page[.target] & (saved & Status.thumb != 0 ? ~1 : ~3)
    if saved & Status.mode == Mode.user {
      changeMode(page, from, 0, saved)
      run(.user)
      // ITSTATE and T with it.
      return resumeUser(at: target, saved & (saved & Status.thumb != 0 ? 0xFE0F_FC20 : 0xF80F_0000))
    }
    guard let to = Mode.bank(saved), to != 1, Status.ifThen(in: saved) == 0 else {
      return ask(TranslatorRequest.exit, code)
    }
    changeMode(page, from, to, saved)
    resumeKernel(at: target | saved &>> 5 & 1, saved)
  }

  @inline(__always)
  private func changeMode(_ page: StatePage, _ from: UInt32, _ to: UInt32, _ saved: UInt32) {
    page[.status] = saved & 0x1DF
    guard from != to else { return }
    page[.bank(from) + 8] = saved
    page[.savedStatus] = page[.bank(to) + 8]
    exchange(page, .bank(from), .bank(to))
  }

  /// By the table of branch targets, as cached code goes there: r0 is the target, r0 and r1 are in the spill slots. Whatever the
  /// guest has put into the table, it goes there in User mode.
  private func resumeKernel(at target: UInt32, _ saved: UInt32) {
    context[.spill0] = Self.frame.registers[0]
    context[.spill1] = Self.frame.registers[1]
    Self.frame.registers[0] = target
    let entry = load32(UInt(Pool.view &+ Pool.table &+ target & 0xFFFC))
    Self.frame.programCounter = entry & ~1
    Self.frame.state = saved & 0xF80F_0000 | (entry & 1) &<< 5 | 0x10
  }

  /// R13 and R14 become those of another mode.
  @inline(__always) private func exchange(_ page: StatePage, _ from: StateSlot, _ to: StateSlot) {
    page[from] = page[.registers + 52]
    page[from + 4] = page[.registers + 56]
    page[.registers + 52] = page[to]
    page[.registers + 56] = page[to + 4]
  }
}
