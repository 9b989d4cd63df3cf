/// Coprocessor 15 (Arm ARM DDI 0406C, B3.17) for cached code. Most of its registers are words of the state page, which
/// cached code reads and writes itself; what changes more than that leaves the cache.
enum SystemControl {
  /// MCR or MRC of coprocessor 14 or 15.
  static func decode(_ word: A32Word) -> Operation {
    let name = encoding(word)
    guard word[8] else {
      // DBGDIDR says that there is no debug; nothing else of coprocessor 14 is there.
      return word[20] && name == 0
        ? .constant(register: word.rd, value: 0) : .coprocessor(word: word.rawValue)
    }
    if name & 0xFF00 == 0x7000, !word[20], let operation = maintenance(name & 0xFF) { return operation }
    if isAbsent(name) { return word[20] ? .constant(register: word.rd, value: 0) : .nothing }
    if word[20] {
      guard let slot = readSlot(name) else { return .coprocessor(word: word.rawValue) }
      return .readState(register: word.rd, slot)
    }
    if isChecked(name) { return .emulate(word: word.rawValue, isReturn: false) }
    guard let slot = slot(name) else { return .coprocessor(word: word.rawValue) }
    return .writeState(register: word.rd, slot)
  }

  /// CRn, opc1, CRm, opc2: four bits each.
  static func encoding(_ word: A32Word) -> UInt32 {
    word.field(16, 4) &<< 12 | word.field(21, 3) &<< 8 | word.field(0, 4) &<< 4 | word.field(5, 3)
  }

  /// Cache and branch predictor maintenance, and the barriers of ARMv6 (B3.18.6).
  /// - Parameter operation: CRm and opc2.
  private static func maintenance(_ operation: UInt32) -> Operation? {
    switch operation {
    case 0x54: return .synchronize
    case 0xA4, 0xA5: return .copy
    default:
      // Rows 1, 5, 6, 10, 11, 14.
      return 0x4C62 &>> (operation &>> 4) & 1 != 0 ? .nothing : nil
    }
  }

  /// Performance counters, cache lockdown, DMA of older cores, what the implementation defines; ADFSR, AIFSR, the TLB's
  /// lockdown, FCSEIDR, ISR: zero, whatever is written.
  private static func isAbsent(_ name: UInt32) -> Bool {
    switch name {
    case 0x5010, 0x5011, 0xA000, 0xA001, 0xC010, 0xD000: true
    // c9, c11, c15.
    default: 0x8A00 &>> (name &>> 12) & 1 != 0
    }
  }

  /// CPACR, VBAR, CSSELR: not every value can be written.
  private static func isChecked(_ name: UInt32) -> Bool { name == 0x1002 || name == 0xC000 || name == 0x0200 }

  /// A register that is written as a word.
  private static func slot(_ name: UInt32) -> StateSlot? {
    switch name {
    case 0x1001: .auxiliaryControl
    case 0x3000: .domains
    case 0x5000: .dataFaultStatus
    case 0x5001: .instructionFaultStatus
    case 0x6000: .dataFaultAddress
    case 0x6002: .instructionFaultAddress
    case 0x7040: .physicalAddress
    case 0xA020: .primaryRemap
    case 0xA021: .normalRemap
    case 0xD002: .threadUserReadWrite
    case 0xD003: .threadUserReadOnly
    case 0xD004: .threadPrivileged
    default: nil
    }
  }

  /// One that is read as a word.
  private static func readSlot(_ name: UInt32) -> StateSlot? {
    switch name {
    case 0x0000..<0x0030: .identification(name &>> 4, name & 7)
    case 0x0100: .cacheSize
    case 0x0101: .cacheLevels
    case 0x0200: .cacheSelection
    case 0x1000: .control
    case 0x1002: .coprocessorAccess
    case 0x2000: .table0
    case 0x2001: .table1
    case 0x2002: .tableControl
    case 0xC000: .vectorBase
    case 0xD001: .context
    default: slot(name)
    }
  }
}

extension Translator {
  /// MCR of a register that takes only some values.
  func writeSystemRegister(_ word: A32Word) {
    let value = register(word.rd)
    switch SystemControl.encoding(word) {
    // Only the floating-point unit is there.
    case 0x1002: self[.coprocessorAccess] = value & 0xF0_0000
    case 0xC000: self[.vectorBase] = value & ~31
    default:
      self[.cacheSelection] = value & 15
      let offset = StateSlot.cacheSizes.rawValue &+ 4 &* (value & 15)
      self[.cacheSize] = value & 15 < StateSlot.cacheSizeCount ? self[StateSlot(rawValue: offset)] : 0
    }
  }

  /// Where exceptions go: VBAR, or the high vectors (SCTLR.V); bit 0 set if they are taken in T32 (SCTLR.TE).
  var vectors: UInt32 {
    let control = self[.control]
    return (control & 1 &<< 13 != 0 ? 0xFFFF_0000 : self[.vectorBase]) | control &>> 30 & 1
  }
}
