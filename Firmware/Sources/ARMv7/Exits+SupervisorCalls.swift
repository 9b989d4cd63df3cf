// The way from User mode into the guest's kernel and back, when it is the usual one: a supervisor call, and MOVS pc, lr. All
// else, and the first call, the translator does (ProcessorState.swift, which says why this is right).

import ARMv7Assembly
import Hypervisor
import SoftwareVirtualization
import Translator

extension Exits {
  func callSupervisor() {
    let entry = context[.callEntry]
    guard entry != 0 else { return take(.supervisorCall, behind: Self.frame.isT32 ? 2 : 4) }
    context[.threadUserReadWrite] = read_tpidrurw()
    let status = context[.status]
    // ITSTATE is already that of the next instruction.
    context[.savedStatus] = Self.frame.state & ~0x1DF | status & 0x1DF
    context[.status] = status & 0x140 | 0x80 | Mode.supervisor
    exchange(.userBank, .supervisorBank)
    Self.frame.registers[14] = Self.frame.programCounter
    Self.frame.programCounter = entry
    resumeKernel()
  }

  func returnFromSupervisor(_ code: UInt32) {
    let saved = context[.savedStatus]
    guard context[.status] & Status.mode == Mode.supervisor, saved & Status.mode == Mode.user else {
      return ask(TranslatorRequest.exit, code)
    }
    let target = Self.frame.registers[14]
    context[.status] = saved & 0x1DF
    context[.programCounter] = saved & Status.thumb != 0 ? target | 1 : target & ~3
    context[.ifThen] = saved & Status.thumb != 0 ? Status.ifThen(in: saved) : 0
    exchange(.supervisorBank, .userBank)
    Self.frame.state = saved
    resumeUser()
  }

  /// R13 and R14 become those of another mode.
  private func exchange(_ from: StateSlot, _ to: StateSlot) {
    context[from] = Self.frame.registers[13]
    context[StateSlot(rawValue: from.rawValue &+ 4)] = Self.frame.registers[14]
    Self.frame.registers[13] = context[to]
    Self.frame.registers[14] = context[StateSlot(rawValue: to.rawValue &+ 4)]
  }
}
