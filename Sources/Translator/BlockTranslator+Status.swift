// What reads the PC as data, and what the guest believes to be its processor's status. Each sequence has one store or
// one instruction from which on it is done: before it, the guest is at this instruction, behind it at the next.

extension BlockTranslator {
  /// What is one word: the condition is its own.
  mutating func single(_ operation: Operation, _ condition: UInt32) {
    switch operation {
    case .readState(let register, let slot): writer.load(register, slot, condition)
    case .writeState(let register, let slot): writer.store(register, slot, condition)
    case .readSavedStatus(let register): writer.load(register, .savedStatus, condition)
    case .system(let effect, let register):
      writer.emit(A32.exit(ExitCode.system(effect, register)) & 0x0FFF_FFFF | condition)
    default: break
    }
  }

  /// - Returns: whether it ends the block.
  mutating func leave(_ departure: Departure) -> Bool {
    let code = ExitCode.departure &+ departure.rawValue
    switch departure {
    case .undefined, .supervisorCall, .breakpoint, .unprivilegedAccess:
      leaveKnown(code)
      return departure == .undefined || departure == .supervisorCall
    // The guest goes on behind them.
    default: writer.emit(A32.exit(code))
    }
    return false
  }

  mutating func emulate() { leaveKnown(ExitCode.emulate) }

  mutating func returnFromException(_ word: A32Word) {
    switch word.rawValue & 0x0FFF_F000 {
    // MOVS pc, lr
    case 0x01B0_F000 where word.field(0, 12) == 14: writer.store(14, .target)
    // SUBS pc, lr, #constant
    case 0x025E_F000: subtractFromLink(word)
    case let other:
      guard other &>> 25 == 4, word.condition != 15, loadForReturn(word) else { return emulate() }
    }
    writer.emit(A32.exit(ExitCode.exceptionReturn))
  }

  private mutating func subtractFromLink(_ word: A32Word) {
    writer.spill(0, 2)
    // SUB r0, lr, #constant
    writer.emit(0xE24E_0000 | word.field(0, 12))
    writer.store(0, .target)
    writer.restore(0, 2)
  }

  /// LDM with the PC and S. Behind it the mode alone is still the exception's.
  /// - Returns: whether it has a register to be loaded through.
  private mutating func loadForReturn(_ word: A32Word) -> Bool {
    let list = word.field(0, 15)
    let loaded = list & ~(1 &<< word.rn)
    guard loaded != 0, !(word[21] && list != loaded) else { return false }
    let free = UInt32(truncatingIfNeeded: loaded.trailingZeroBitCount)
    loadTarget(word, through: free)
    writer.emit(A32.loadMultiple(free, list))
    if word[21] {
      move(word.rn, word.rn, plus: word.stepped(0, word.listBytes))
    }
    writer.state.restored(2)
    writer.state.place = .inTarget
    writer.state.unfinished = .exceptionReturn
    return true
  }

  /// An exit behind which the guest's PC is, so that it need not be found. Nobody goes on there.
  private mutating func leaveKnown(_ code: UInt32) {
    guard writer.state.ifThen == 0 else { return writer.emit(A32.exit(code)) }
    writer.emit(A32.exit(code | ExitCode.known))
    writer.emit(writer.state.instruction)
  }

  // MARK: The PC as an operand

  mutating func constant(_ register: UInt32, _ value: UInt32) {
    writer.emit(A32.moveWord(register, value))
    writer.state.place = .behind
    guard value &>> 16 != 0 else { return }
    writer.state.unfinished = .constant(register: register, value: value)
    writer.emit(A32.moveTop(register, value))
  }

  /// Another register holds what the PC would read as. It is the one that is loaded, if that is no operand.
  mutating func substitute(_ word: A32Word, _ value: UInt32) {
    let isLoad = word.field(26, 2) == 1 && word[20] && !(word[25] && word.rm == word.rd)
    let free = isLoad ? word.rd : freeRegister(word)
    writer.spill(free, 2)
    writer.constant(free, value)
    writer.emit(replacing(word, with: free) & 0x0FFF_FFFF | 14 &<< 28)
    writer.state.place = .behind
    if isLoad { writer.state.restored(2) } else { writer.restore(free, 2) }
  }

  /// The second register holds the address until it is loaded itself.
  mutating func loadPair(_ first: UInt32, _ second: UInt32, _ address: UInt32) {
    writer.spill(second, 2)
    writer.constant(second, address)
    writer.emit(A32.load(first, second))
    writer.emit(A32.load(second, second, 4))
    writer.state.place = .behind
    writer.state.restored(2)
  }

  /// A register that none of the instruction's fields names, nor the second one of LDRD and STRD.
  private func freeRegister(_ word: A32Word) -> UInt32 {
    var free: UInt32 = 0
    while free == word.rn || free == word.rd || free == word.rd &+ 1 || free == word.field(8, 4)
      || free == word.rm
    {
      free = free &+ 1
    }
    return free
  }

  /// The instruction with a register where it reads the PC.
  func replacing(_ word: A32Word, with register: UInt32) -> UInt32 {
    var result = word.rawValue
    let isDataProcessing = word.field(26, 2) == 0 && (word[25] || !(word[7] && word[4]))
    if word.rn == 15, !(isDataProcessing && word.isMove) { result = result & ~0xF_0000 | register &<< 16 }
    // Rm, of data processing in its register form alone.
    if isDataProcessing, !word[25], word.rm == 15 { result = result & ~0xF | register }
    // Rt of STR.
    if word.field(26, 2) == 1, !word[20], word.rd == 15 { result = result & ~0xF000 | register &<< 12 }
    return result
  }

  // MARK: CPSR and SPSR

  /// The upper half is the real one, the lower half the guest's.
  mutating func readStatus(_ register: UInt32) {
    let scratch: UInt32 = register == 0 ? 1 : 0
    writer.spill(scratch, 2)
    writer.load(scratch, .status)
    // MRS
    writer.emit(0xE10F_0000 | register &<< 12)
    writer.state.place = .behind
    writer.state.unfinished = .status(register: register)
    // PKHBT register, scratch, register
    writer.emit(0xE680_0010 | scratch &<< 16 | register &<< 12 | register)
    writer.state.unfinished = .nothing
    writer.restore(scratch, 2)
  }

  /// MSR of the lowest byte from a register: it is stored where only I and F may change. Everything else the translator
  /// does.
  mutating func writeStatus(_ word: A32Word) {
    guard !word[25], !word[17] else { return emulate() }
    let changes: UInt32 = word.rm == 0 ? 1 : 0
    let pointer: UInt32 = word.rm == 2 ? 1 : 2
    writer.spill(changes, 2)
    writer.spill(pointer, 3)
    writer.load(changes, .status)
    // EOR; AND with all bits but T
    writer.emit(0xE020_0000 | changes &<< 16 | changes &<< 12 | word.rm)
    writer.emit(0xE200_00DF | changes &<< 16 | changes &<< 12)
    writer.load(pointer, .commit)
    // ADD pointer, pointer, changes, LSL #12; STRB rm, [pointer]
    writer.emit(0xE080_0600 | pointer &<< 16 | pointer &<< 12 | changes)
    writer.emit(0xE5C0_0000 | pointer &<< 16 | word.rm &<< 12)
    writer.state.place = .behind
    // The upper bytes can be written in User mode; not before, as the instruction's condition may depend on them.
    if word.field(18, 2) != 0 {
      writer.state.unfinished = .flags(register: word.rm, mask: word.field(16, 4) & 12)
      writer.emit(word.rawValue & 0x0FFC_FFFF | 14 &<< 28)
      writer.state.unfinished = .nothing
    }
    writer.restore(pointer, 3)
    writer.restore(changes, 2)
  }

  mutating func writeSavedStatus(_ word: A32Word) {
    guard !word[25], word.field(16, 4) == 15 else { return emulate() }
    writer.store(word.rm, .savedStatus)
  }

  /// CPSID and CPSIE. What may unmask an interrupt is stored where a pending one is noticed.
  mutating func maskInterrupts(_ mask: UInt32, _ disable: Bool) {
    writer.spill(0, 2)
    if !disable { writer.spill(1, 3) }
    writer.load(0, .status)
    // ORR or BIC of bits 8:6, a constant rotated right by 26.
    writer.emit((disable ? 0xE380_0D00 : 0xE3C0_0D00) | mask &>> 6)
    if disable {
      writer.store(0, .status)
      writer.state.place = .behind
    } else {
      writer.load(1, .commit)
      // ADD r1, r1, #0x80000, the page of a change of I
      writer.emit(A32.add(1, 1, encoded: 0x702))
      writer.emit(A32.store(0, 1))
      writer.state.place = .behind
      writer.restore(1, 3)
    }
    writer.restore(0, 2)
  }
}
