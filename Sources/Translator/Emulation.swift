// Instructions that the translator does itself, in their A32 encoding: the frame's registers are the guest's,
// `.programCounter` is at the instruction. Memory is read and written before anything else changes, because an access
// that aborts ends all this.

extension Translator {
  /// Does the instruction that the guest is at.
  func perform() -> Outcome {
    let programCounter = self[.programCounter]
    self[.abort] = GuestException.dataAbort.rawValue
    let instruction = Instruction.fetch(space, programCounter)
    switch instruction.operation {
    case .maskInterrupts(let mask, let disable):
      self[.status] = disable ? self[.status] | mask : self[.status] & ~mask
    case .writeStatus(let word):
      let word = A32Word(word)
      writeStatus(statusOperand(word), mask: word.field(16, 4))
    case .writeSavedStatus(let word):
      let word = A32Word(word)
      let bytes = Translator.bytes(word.field(16, 4))
      self[.savedStatus] = self[.savedStatus] & ~bytes | statusOperand(word) & bytes
    case .emulate(let word, let isReturn):
      if isReturn { return performReturn(A32Word(word)) }
      performAccess(A32Word(word))
    case .multipleLoadBranch(let word): return loadAll(A32Word(word))
    default: return .lost
    }
    enter(programCounter &+ instruction.size, ifThen: ITState.advanced(self[.ifThen]))
    return .resume
  }

  /// MSR's operand, register or immediate.
  private func statusOperand(_ word: A32Word) -> UInt32 {
    word[25] ? word.modifiedImmediate : register(word.rm)
  }

  private static func bytes(_ mask: UInt32) -> UInt32 {
    (mask & 1) &* 0xFF | (mask &>> 1 & 1) &* 0xFF00 | (mask &>> 2 & 1) &* 0xFF_0000 | (mask &>> 3)
      &* 0xFF00_0000
  }

  private func performAccess(_ word: A32Word) {
    if word.field(25, 3) == 4 {
      word.condition == 15 ? storeReturnState(word) : transferAll(word)
    } else if word.field(25, 3) == 7 {
      writeSystemRegister(word)
    } else {
      // CPS with a mode, and perhaps masks.
      let mask = word.rawValue & 0x1C0
      if word[19] { self[.status] = word[18] ? self[.status] | mask : self[.status] & ~mask }
      changeMode(word.field(0, 5))
    }
  }

  // MARK: LDM and STM

  /// LDM and STM of User mode's registers, and STM of the PC.
  private func transferAll(_ word: A32Word) {
    let bytes = word.listBytes
    let base = register(word.rn)
    var address = word.lowest(base, bytes)
    for number: UInt32 in 0..<16 where word.field(number, 1) != 0 {
      let place = word[22] ? userAddress(number) : registerAddress(number)
      if word[20] {
        space.setWord(place, space.word(address))
      } else {
        space.setWord(address, number == 15 ? self[.programCounter] &+ 8 : space.word(place))
      }
      address = address &+ 4
    }
    if word[21] { setRegister(word.rn, word.stepped(base, bytes)) }
  }

  /// LDM with the PC, when the code in the cache has no register for it.
  private func loadAll(_ word: A32Word) -> Outcome {
    let target = loadList(word)
    enter(target)
    return .resume
  }

  /// Loads a list with the PC.
  /// - Returns: what the PC gets.
  private func loadList(_ word: A32Word) -> UInt32 {
    let bytes = word.listBytes
    let base = register(word.rn)
    var address = word.lowest(base, bytes)
    // The last word first: then all of it is there.
    let target = space.word(address &+ bytes &- 4)
    _ = space.word(address)
    for number: UInt32 in 0..<15 where word.field(number, 1) != 0 {
      setRegister(number, space.word(address))
      address = address &+ 4
    }
    if word[21] { setRegister(word.rn, word.stepped(base, bytes)) }
    return target
  }

  /// Where User mode's register is.
  private func userAddress(_ number: UInt32) -> UInt32 {
    let bank = Mode.bank(self[.status])
    if number >= 13, number < 15, bank != 0 { return bankAddress(0, number &- 13) }
    if number >= 8, number < 13, bank == 1 {
      return layout.state &+ StateSlot.fastRegisters.rawValue &+ 4 &* (number &- 8)
    }
    return registerAddress(number)
  }

  // MARK: Exceptions' ends and beginnings

  /// RFE, LDM with the PC and S, data processing with the PC and S.
  private func performReturn(_ word: A32Word) -> Outcome {
    if word.condition == 15 { return returnFromMemory(word) }
    let status = self[.savedStatus]
    let target = word.field(25, 3) == 4 ? loadList(word) : compute(word)
    return returnFromException(to: target, status: status)
  }

  /// RFE (B9.3.13).
  private func returnFromMemory(_ word: A32Word) -> Outcome {
    let base = register(word.rn)
    let address = word.lowest(base, 8)
    let target = space.word(address)
    let status = space.word(address &+ 4)
    if word[21] { setRegister(word.rn, word.stepped(base, 8)) }
    return returnFromException(to: target, status: status)
  }

  /// SRS (B9.3.16): to the stack of any mode.
  private func storeReturnState(_ word: A32Word) {
    let mode = word.field(0, 5)
    guard let bank = Mode.bank(mode) else { return }
    let place = bank == Mode.bank(self[.status]) ? registerAddress(13) : bankAddress(bank, 0)
    let base = space.word(place)
    let address = word.lowest(base, 8)
    space.setWord(address, register(14))
    space.setWord(address &+ 4, self[.savedStatus])
    if word[21] { space.setWord(place, word.stepped(base, 8)) }
  }

  // MARK: Data processing

  /// The result of a data-processing instruction with an immediate, or a register shifted by one (A5.2.1).
  private func compute(_ word: A32Word) -> UInt32 {
    let first = operand(word.rn)
    let second = word[25] ? word.modifiedImmediate : shifted(word)
    let carry = self[.flags] &>> 29 & 1
    switch word.opcode {
    case 0: return first & second
    case 1: return first ^ second
    case 2: return first &- second
    case 3: return second &- first
    case 4: return first &+ second
    case 5: return first &+ second &+ carry
    case 6: return first &- second &- 1 &+ carry
    case 7: return second &- first &- 1 &+ carry
    case 12: return first | second
    case 13: return second
    case 14: return first & ~second
    default: return ~second
    }
  }

  private func operand(_ number: UInt32) -> UInt32 {
    number == 15 ? self[.programCounter] &+ 8 : register(number)
  }

  /// Rm shifted by a constant; 0 means 32, but for LSL and ROR, which is RRX then (A8.4.3).
  private func shifted(_ word: A32Word) -> UInt32 {
    let value = operand(word.rm)
    let amount = word.field(7, 5)
    switch word.field(5, 2) {
    case 0: return value &<< amount
    case 1: return amount == 0 ? 0 : value &>> amount
    case 2: return UInt32(bitPattern: Int32(bitPattern: value) &>> Int32(bitPattern: amount == 0 ? 31 : amount))
    default:
      return amount == 0
        ? value &>> 1 | (self[.flags] &>> 29 & 1) &<< 31
        : value &>> amount | value &<< (32 &- amount)
    }
  }
}
