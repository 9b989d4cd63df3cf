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
    enterKernel(.supervisorCall, at: entry, returningTo: Self.frame.programCounter)
  }

  /// Any other exception, at the frame's PC.
  func leaveUser(_ exception: GuestException) {
    let entry = context[.entry(exception)]
    guard entry != 0 else { return ask(TranslatorRequest.take, exception.rawValue) }
    let offset = exception.returnOffset(isT32: Self.frame.isT32)
    enterKernel(exception, at: entry, returningTo: Self.frame.programCounter &+ offset)
  }

  @inline(__always)
  private func enterKernel(_ exception: GuestException, at entry: UInt32, returningTo link: UInt32) {
    context[.threadUserReadWrite] = read_tpidrurw()
    let status = context[.status]
    context[.savedStatus] = Self.frame.state & ~0x1DF | status & 0x1DF
    context[.status] = status & 0x1C0 | exception.masks | exception.mode
    exchange(.bank(0), .bank(exception.bank))
    Self.frame.registers[14] = link
    Self.frame.programCounter = entry
    resumeKernel()
  }

  /// Cached code has loaded all registers, and left where the guest goes in the state page.
  func returnFromException(_ code: UInt32) {
    let saved = context[.savedStatus]
    let target = context[.target]
    let toUser = saved & Status.mode == Mode.user
    guard let from = Mode.bank(context[.status]), let to = Mode.bank(saved), from != 1, to != 1,
      toUser || Status.ifThen(in: saved) == 0
    else { return ask(TranslatorRequest.exit, code) }
    context[.status] = saved & 0x1DF
    if from != to {
      context[.bank(from) + 8] = saved
      exchange(.bank(from), .bank(to))
      context[.savedStatus] = context[.bank(to) + 8]
    }
    Self.frame.state = saved
    let programCounter = saved & Status.thumb != 0 ? target | 1 : target & ~3
    guard toUser else { return resumeKernel(at: programCounter) }
    context[.programCounter] = programCounter
    context[.ifThen] = Status.ifThen(in: saved)
    resumeUser()
  }

  /// By the table of branch targets, as cached code goes there: r0 is the target, r0 and r1 are in the spill slots. Whatever the
  /// guest has put into the table, it goes there in User mode.
  private func resumeKernel(at target: UInt32) {
    context[.spill0] = Self.frame.registers[0]
    context[.spill1] = Self.frame.registers[1]
    Self.frame.registers[0] = target
    let entry = load32(UInt(Pool.view &+ Pool.table &+ target & 0xFFFC))
    Self.frame.programCounter = entry & ~1
    resumeKernel()
    Self.frame.state |= (entry & 1) &<< 5
  }

  /// R13 and R14 become those of another mode.
  @inline(never) private func exchange(_ from: StateSlot, _ to: StateSlot) {
    context[from] = Self.frame.registers[13]
    context[from + 4] = Self.frame.registers[14]
    Self.frame.registers[13] = context[to]
    Self.frame.registers[14] = context[to + 4]
  }
}
