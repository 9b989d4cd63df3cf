// Requests to the translator, and how the guest goes on when it has answered.

import ARMv7Assembly
import Hypervisor
import SoftwareVirtualization
import Translator

extension Exits {
  /// Starts the translator with a request.
  @inline(never) func ask(_ request: UInt32, _ argument: UInt32) {
    if context.value.running == .user { tellPlace() }
    run(.translator)
    Self.frame.registers[0] = request
    Self.frame.registers[1] = argument
    Self.frame.registers[13] = Pool.stackTop
    Self.frame.programCounter = Pool.translator
    // User mode, T32.
    Self.frame.state = 0x30
  }

  /// Where the guest's User mode is.
  func tellPlace() {
    context[.programCounter] = Self.frame.programCounter | Self.frame.state &>> 5 & 1
    context[.ifThen] = Status.ifThen(in: Self.frame.state)
    context[.threadUserReadWrite] = read_tpidrurw()
  }

  func handleTranslator(_ kind: UInt32) {
    switch kind {
    case Exit.supervisorCall: answerTranslator()
    // Its access to the guest's memory.
    case Exit.dataAbort: abortTranslator()
    default: lose()
    }
  }

  func abortTranslator() {
    let status = read_dfsr()
    let isFetch = context[.abort] == GuestException.prefetchAbort.rawValue
    abort(Access(address: read_dfar(), isWrite: status & 1 &<< 11 != 0, isFetch: isFetch), status)
  }

  func answerTranslator() {
    switch Self.frame.registers[0] {
    case TranslatorCall.resume:
      resumeKernel()
      forgetChanged()
    case TranslatorCall.user: resumeUser()
    case TranslatorCall.checkUser: checkUser(Self.frame.registers[1], isWrite: Self.frame.registers[2] != 0)
    case TranslatorCall.protect: context.protect(Self.frame.registers[1], Self.frame.registers[2])
    case TranslatorCall.publish: publish(Self.frame.registers[1], Self.frame.registers[2])
    default: lose()
    }
  }

  /// LDRT, STRT and their kin.
  func checkUser(_ address: UInt32, isWrite: Bool) {
    let access = Access(address: address, isWrite: isWrite, isUser: true)
    do throws(TranslationFault) { _ = try context.walk.translate(access) } catch { take(access, error) }
  }

  func resumeKernel() {
    run(.kernel)
    Self.frame.state = Self.frame.state & 0xF80F_0000 | 0x10
  }

  func resumeUser() {
    run(.user)
    let programCounter = context[.programCounter]
    resumeUser(
      at: programCounter & ~1,
      Self.frame.state & 0xF80F_0000 | Status.ifThen(context[.ifThen]) | (programCounter & 1) &<< 5)
  }

  @inline(never) func resumeUser(at programCounter: UInt32, _ state: UInt32) {
    context.activateSpace()
    context.shadows.tighten()
    loadThreadRegisters()
    Self.frame.programCounter = programCounter
    Self.frame.state = state | 0x10
  }

  func publish(_ address: UInt32, _ count: UInt32) {
    // Whatever the guest says: no more than a page, and of the cache, which is there.
    guard address &- Pool.codeCache < Pool.cacheSize else { return }
    let end = address &+ min(count, 4096)
    var line = address & ~31
    while line < end {
      write_dccmvau(line)
      line = line &+ 32
    }
    data_barrier()
    write_iciallu(0)
    data_barrier()
    instruction_barrier()
  }

  /// The guest damaged its own code cache, or the translator: its VM stops.
  @inline(never) func lose() {
    let guest = self.guest
    enterCore { $0.handleSystemError(guest) }
  }
}
