/// What an MCR or VMSR asks the hypervisor for.
public enum SystemEffect: UInt32, Sendable {
  /// SCTLR is written.
  case control = 0
  /// The guest's tables or its ASID are others now: TTBR0, TTBR1, TTBCR, CONTEXTIDR.
  case space
  /// FPEXC was written.
  case floatingPoint
  /// The TLB forgets everything, everything of an ASID but what is global, a page.
  case invalidateAll, invalidateSpace, invalidatePage
  /// The guest wants to know what an access would find: ATS1C, whose result is PAR. Bit 0: a store; bit 1: with the
  /// permissions of User mode.
  case translateRead = 8
  case translateWrite, translateUserRead, translateUserWrite

  /// - Parameter name: CRn, opc1, CRm, opc2, of coprocessor 15: four bits each.
  init?(ofWriting name: UInt32) {
    switch name {
    case 0x1000: self = .control
    case 0x2000, 0x2001, 0x2002, 0xD001: self = .space
    case 0x7080...0x7083: self.init(rawValue: 8 &+ name & 3)
    default: self.init(ofInvalidating: name)
    }
  }

  /// c8: CRm says which TLB, 3 and 5 to 7; opc2 what of it: all, a page, an ASID, a page of every ASID (B3.18.7).
  private init?(ofInvalidating name: UInt32) {
    guard name & 0xFF00 == 0x8000, 0xE8 &>> (name &>> 4 & 15) & 1 != 0 else { return nil }
    switch name & 15 {
    case 0: self = .invalidateAll
    case 1, 3: self = .invalidatePage
    case 2: self = .invalidateSpace
    default: return nil
    }
  }
}

/// Coprocessor 15 (Arm ARM DDI 0406C, B3.17) for cached code. Most of its registers are words of the state page, which
/// cached code reads and writes itself; what changes more than that leaves the cache.
enum SystemControl {
  /// MCR or MRC of coprocessor 14 or 15.
  static func decode(_ word: A32Word) -> Operation {
    let name = encoding(word)
    guard word[8] else {
      // DBGDIDR says that there is no debug; nothing else of coprocessor 14 is there.
      return word[20] && name == 0 ? .constant(register: word.rd, value: 0) : .leave(.undefined)
    }
    if name & 0xFF00 == 0x7000, !word[20], let operation = maintenance(name & 0xFF) { return operation }
    if isAbsent(name) { return word[20] ? .constant(register: word.rd, value: 0) : .nothing }
    if word[20] {
      return readSlot(name).map { .readState(register: word.rd, $0) } ?? .leave(.undefined)
    }
    return write(name, word)
  }

  private static func write(_ name: UInt32, _ word: A32Word) -> Operation {
    if isChecked(name) { return .emulate(word: word.rawValue, isReturn: false) }
    if let slot = slot(name) { return .writeState(register: word.rd, slot) }
    guard let effect = SystemEffect(ofWriting: name) else { return .leave(.undefined) }
    guard effect == .space, let slot = readSlot(name) else { return .system(effect, register: word.rd) }
    return .changeState(register: word.rd, slot, effect)
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

  /// VMRS and VMSR of what only a kernel has (B9.3.22); nil for all else.
  static func floatingPoint(_ word: A32Word) -> Operation? {
    guard word.rawValue & 0x0FE0_0FFF == 0x0EE0_0A10 else { return nil }
    switch (word.rn, word[20]) {
    case (1, _): return nil
    case _ where word.rd == 15: return .leave(.undefined)
    case (0, false): return .nothing
    case (8, false): return .changeState(register: word.rd, .floatingPointControl, .floatingPoint)
    case (8, true): return .readState(register: word.rd, .floatingPointControl)
    case (0, true): return .readState(register: word.rd, .floatingPointIdentification)
    case (6, true): return .readState(register: word.rd, .mediaFeatures1)
    case (7, true): return .readState(register: word.rd, .mediaFeatures0)
    default: return .leave(.undefined)
    }
  }

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
    case 0xC000:
      self[.vectorBase] = value & ~31
      forgetEntries()
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
