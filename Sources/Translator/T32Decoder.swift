// What the instructions of T32 are to the translator. Arm ARM (DDI 0406C) A6.2 (16-bit), A6.3 (32-bit): one table, a
// row for each form, the first that fits counts. Whatever has no row is UNDEFINED or not of this architecture: divide,
// ThumbEE, SETEND, the banked registers' MRS and MSR.
//
// A 16-bit instruction is looked up with its halfword on top. The register fields of 32-bit instructions are called by
// their places: n (19:16), t (15:12), d (11:8), m (3:0).

/// The decoder of T32.
public enum T32Decoder {
  /// Whether a second halfword belongs to an instruction that begins with `first` (A6.1).
  public static func isWide(_ first: UInt16) -> Bool { first >= 0xE800 }

  /// What an instruction is to the translator.
  /// - Parameters:
  ///   - second: the halfword behind the first; not looked at where the instruction has none.
  ///   - address: where it stands, a multiple of 2.
  public static func decode(_ first: UInt16, _ second: UInt16, at address: UInt32) -> Instruction {
    let isWide = isWide(first)
    let encoding = T32Encoding(
      word: UInt32(first) &<< 16 | (isWide ? UInt32(second) : 0), programCounter: address &+ 4)
    let form = form(of: encoding.word, from: isWide ? T32Row.firstWide : 0)
    return Instruction(encoding.operation(form), condition: encoding.condition(form), size: isWide ? 4 : 2)
  }

  private static func form(of word: UInt32, from start: Int) -> T32Form {
    for index in start..<T32Row.all.count {
      let row = T32Row.all[index]
      if word & row.mask == row.value { return row.never.namesPC(in: word) ? .undefined : row.form }
    }
    return .undefined
  }
}

/// What is done with an instruction. The first eight are the departures, by their numbers.
enum T32Form: UInt8 {
  case undefined, supervisorCall, breakpoint, hypervisorCall, secureMonitorCall, waitForInterrupt, waitForEvent
  case unprivilegedAccess
  case copy, synchronize
  // 16-bit instructions.
  case addHigh, compareHigh, moveHigh, exchange, exchangeCall, narrowLiteral, narrowAddress
  case pop, compareAndBranch, maskNarrow, ifThen, narrowConditional, narrowBranch
  // 32-bit instructions.
  case multiple, saveState, returnFromException, tableBranch, dual, dataProcessing, addImmediate
  case conditional, branch, call, callA32, exchangeJazelle, exceptionReturn
  case readStatus, writeStatus, mask, changeMode, load, literal, coprocessor
}

/// Register fields that must not name the PC: a bit for each.
enum T32Fields: UInt8 {
  case none, n, t, nt, d, nd, td, ntd, m, nm, tm, ntm, dm, ndm, tdm, all

  @inline(__always) func namesPC(in word: UInt32) -> Bool {
    (rawValue & 1 != 0 && word &>> 16 & 15 == 15) || (rawValue & 2 != 0 && word &>> 12 & 15 == 15)
      || (rawValue & 4 != 0 && word &>> 8 & 15 == 15) || (rawValue & 8 != 0 && word & 15 == 15)
  }
}

/// The encodings whose bits of `mask` are those of `value`.
struct T32Row {
  let mask: UInt32
  let value: UInt32
  let form: T32Form
  let never: T32Fields

  init(_ mask: UInt32, _ value: UInt32, _ form: T32Form, never: T32Fields = .none) {
    self.mask = mask
    self.value = value
    self.form = form
    self.never = never
  }

  /// The index of the first row of 32-bit instructions.
  static let firstWide = 35

  static let all: InlineArray<_, T32Row> = [
    // A6.2: shift, add, subtract, move, compare; data processing.
    Self(0xC000_0000, 0x0000_0000, .copy),
    Self(0xFC00_0000, 0x4000_0000, .copy),
    // Special data instructions, branch and exchange.
    Self(0xFF00_0000, 0x4400_0000, .addHigh),
    Self(0xFF00_0000, 0x4500_0000, .compareHigh),
    Self(0xFF00_0000, 0x4600_0000, .moveHigh),
    Self(0xFF87_0000, 0x4700_0000, .exchange),
    Self(0xFF87_0000, 0x4780_0000, .exchangeCall),
    // LDR (literal), loads and stores, ADR, ADD (SP plus immediate).
    Self(0xF800_0000, 0x4800_0000, .narrowLiteral),
    Self(0xF000_0000, 0x5000_0000, .copy),
    Self(0xE000_0000, 0x6000_0000, .copy),
    Self(0xE000_0000, 0x8000_0000, .copy),
    Self(0xF800_0000, 0xA000_0000, .narrowAddress),
    Self(0xF800_0000, 0xA800_0000, .copy),
    // Miscellaneous: SP plus and minus immediate; CBZ, CBNZ; extend; PUSH and POP of nothing; PUSH; CPS; REV, REV16;
    // REVSH; POP; BKPT.
    Self(0xFF00_0000, 0xB000_0000, .copy),
    Self(0xF500_0000, 0xB100_0000, .compareAndBranch),
    Self(0xFF00_0000, 0xB200_0000, .copy),
    Self(0xF7FF_0000, 0xB400_0000, .undefined),
    Self(0xFE00_0000, 0xB400_0000, .copy),
    Self(0xFFE8_0000, 0xB660_0000, .maskNarrow),
    Self(0xFF80_0000, 0xBA00_0000, .copy),
    Self(0xFFC0_0000, 0xBAC0_0000, .copy),
    Self(0xFF00_0000, 0xBC00_0000, .copy),
    Self(0xFF00_0000, 0xBD00_0000, .pop),
    Self(0xFF00_0000, 0xBE00_0000, .breakpoint),
    // Hints and IT.
    Self(0xFFFF_0000, 0xBF20_0000, .waitForEvent),
    Self(0xFFFF_0000, 0xBF30_0000, .waitForInterrupt),
    Self(0xFF0F_0000, 0xBF00_0000, .copy),
    Self(0xFFF0_0000, 0xBFF0_0000, .undefined),
    Self(0xFF00_0000, 0xBF00_0000, .ifThen),
    // STM and LDM of nothing; STM, LDM; UDF; SVC; B.
    Self(0xF0FF_0000, 0xC000_0000, .undefined),
    Self(0xF000_0000, 0xC000_0000, .copy),
    Self(0xFF00_0000, 0xDE00_0000, .undefined),
    Self(0xFF00_0000, 0xDF00_0000, .supervisorCall),
    Self(0xF000_0000, 0xD000_0000, .narrowConditional),
    Self(0xF800_0000, 0xE000_0000, .narrowBranch),

    // A6.3.5, multiple: STM, STMDB; LDM, LDMDB; SRSDB, SRSIA; RFEDB, RFEIA.
    Self(0xFFD0_A000, 0xE880_0000, .multiple, never: .n),
    Self(0xFFD0_A000, 0xE900_0000, .multiple, never: .n),
    Self(0xFFD0_0000, 0xE890_0000, .multiple, never: .n),
    Self(0xFFD0_0000, 0xE910_0000, .multiple, never: .n),
    Self(0xFFDF_0000, 0xE80D_0000, .saveState),
    Self(0xFFDF_0000, 0xE98D_0000, .saveState),
    Self(0xFFD0_0000, 0xE810_0000, .returnFromException, never: .n),
    Self(0xFFD0_0000, 0xE990_0000, .returnFromException, never: .n),
    // A6.3.6: STREX; LDREX; STREXB, STREXH; STREXD; TBB, TBH; LDREXB, LDREXH; LDREXD; then STRD and LDRD.
    Self(0xFFF0_0000, 0xE840_0000, .copy, never: .ntd),
    Self(0xFFF0_0F00, 0xE850_0F00, .copy, never: .nt),
    Self(0xFFF0_0FE0, 0xE8C0_0F40, .copy, never: .ntm),
    Self(0xFFF0_00F0, 0xE8C0_0070, .copy, never: .all),
    Self(0xFFF0_FFE0, 0xE8D0_F000, .tableBranch, never: .m),
    Self(0xFFF0_0FEF, 0xE8D0_0F4F, .copy, never: .nt),
    Self(0xFFF0_00FF, 0xE8D0_007F, .copy, never: .ntd),
    Self(0xFF60_0000, 0xE840_0000, .undefined),
    Self(0xFE50_0000, 0xE840_0000, .copy, never: .ntd),
    Self(0xFE50_0000, 0xE850_0000, .dual, never: .td),
    // A6.3.11, data processing with a shifted register: PKH and all else; A6.3.1, with a modified immediate.
    Self(0xFFF0_8010, 0xEAC0_0000, .copy, never: .ndm),
    Self(0xFE00_8000, 0xEA00_0000, .dataProcessing, never: .m),
    Self(0xFA00_8000, 0xF000_0000, .dataProcessing),
    // A6.3.3, plain immediate: ADDW and SUBW; MOVW, MOVT; SSAT, SSAT16, USAT, USAT16; SBFX, UBFX; BFI and BFC.
    Self(0xFBF0_8000, 0xF200_0000, .addImmediate, never: .d),
    Self(0xFBF0_8000, 0xF2A0_0000, .addImmediate, never: .d),
    Self(0xFB70_8000, 0xF240_0000, .copy, never: .d),
    Self(0xFF50_8020, 0xF300_0000, .copy, never: .nd),
    Self(0xFB70_8020, 0xF340_0000, .copy, never: .nd),
    Self(0xFFF0_8020, 0xF360_0000, .copy, never: .d),
    // A6.3.4, branches: B (always); BLX; BL.
    Self(0xF800_D000, 0xF000_9000, .branch),
    Self(0xF800_D001, 0xF000_C000, .callA32),
    Self(0xF800_D000, 0xF000_D000, .call),
    // Miscellaneous control: MSR; hints; CPS; CLREX; DSB, DMB; ISB; BXJ; SUBS PC, LR; MRS; HVC; SMC; B (conditional).
    Self(0xFFE0_D020, 0xF380_8000, .writeStatus, never: .n),
    Self(0xFFF0_D7FF, 0xF3A0_8002, .waitForEvent),
    Self(0xFFF0_D7FF, 0xF3A0_8003, .waitForInterrupt),
    Self(0xFFF0_D700, 0xF3A0_8000, .copy),
    Self(0xFFF0_D600, 0xF3A0_8200, .undefined),
    Self(0xFFF0_D100, 0xF3A0_8000, .mask),
    Self(0xFFF0_D100, 0xF3A0_8100, .changeMode),
    Self(0xFFF0_F0F0, 0xF3B0_8020, .copy),
    Self(0xFFF0_F0E0, 0xF3B0_8040, .copy),
    Self(0xFFF0_F0F0, 0xF3B0_8060, .synchronize),
    Self(0xFFF0_D000, 0xF3C0_8000, .exchangeJazelle, never: .n),
    Self(0xFFF0_D000, 0xF3D0_8000, .exceptionReturn),
    Self(0xFFE0_D020, 0xF3E0_8000, .readStatus, never: .d),
    Self(0xFFF0_F000, 0xF7E0_8000, .hypervisorCall),
    Self(0xFFF0_F000, 0xF7F0_8000, .secureMonitorCall),
    Self(0xFB80_D000, 0xF380_8000, .undefined),
    Self(0xF800_D000, 0xF000_8000, .conditional),
    // A6.3.10, A6.3.7 to 9: store and load of a byte, halfword or word. No doublewords, no signed words.
    Self(0xFF60_0000, 0xF860_0000, .undefined),
    Self(0xFF50_0000, 0xF950_0000, .undefined),
    // The offset has 12 bits, is a register, or has 8 bits: unprivileged, with write-back, negative.
    Self(0xFF90_0000, 0xF880_0000, .copy, never: .nt),
    Self(0xFF90_0FC0, 0xF800_0000, .copy, never: .ntm),
    Self(0xFF90_0F00, 0xF800_0E00, .unprivilegedAccess, never: .nt),
    Self(0xFF90_0900, 0xF800_0900, .copy, never: .nt),
    Self(0xFF90_0F00, 0xF800_0C00, .copy, never: .nt),
    Self(0xFE1F_0000, 0xF81F_0000, .literal),
    Self(0xFE90_0000, 0xF890_0000, .load),
    Self(0xFE90_0FC0, 0xF810_0000, .load, never: .m),
    Self(0xFE90_0F00, 0xF810_0E00, .unprivilegedAccess, never: .nt),
    Self(0xFED0_F900, 0xF810_F900, .undefined),
    Self(0xFE90_0900, 0xF810_0900, .load),
    Self(0xFE90_0F00, 0xF810_0C00, .load),
    // A7.7, Advanced SIMD elements and structures.
    Self(0xFF10_0000, 0xF900_0000, .copy, never: .n),
    // A6.3.12, data processing of registers: shift; extend; parallel; saturating, reverse, SEL, CLZ.
    Self(0xFF80_F0F0, 0xFA00_F000, .copy, never: .ndm),
    Self(0xFFE0_F080, 0xFA60_F080, .undefined),
    Self(0xFF80_F080, 0xFA00_F080, .copy, never: .dm),
    Self(0xFFB0_F080, 0xFAB0_F000, .undefined),
    Self(0xFF80_F0B0, 0xFA80_F030, .undefined),
    Self(0xFF80_F080, 0xFA80_F000, .copy, never: .ndm),
    Self(0xFFE0_F0C0, 0xFA80_F080, .copy, never: .ndm),
    Self(0xFFE0_F0F0, 0xFAA0_F080, .copy, never: .ndm),
    // A6.3.16, multiply: MLA; MLS; SMLAxy; SMLAD, SMLAWy; SMLSD, SMMLA; SMMLS; USADA8.
    Self(0xFFF0_00F0, 0xFB00_0000, .copy, never: .ndm),
    Self(0xFFF0_00F0, 0xFB00_0010, .copy, never: .all),
    Self(0xFFF0_00C0, 0xFB10_0000, .copy, never: .ndm),
    Self(0xFFE0_00E0, 0xFB20_0000, .copy, never: .ndm),
    Self(0xFFE0_00E0, 0xFB40_0000, .copy, never: .ndm),
    Self(0xFFF0_00E0, 0xFB60_0000, .copy, never: .all),
    Self(0xFFF0_00F0, 0xFB70_0000, .copy, never: .ndm),
    // A6.3.17, long multiply: SMULL and the like; SMLALxy; SMLALD, SMLSLD; UMAAL.
    Self(0xFF90_00F0, 0xFB80_0000, .copy, never: .all),
    Self(0xFFF0_00C0, 0xFBC0_0080, .copy, never: .all),
    Self(0xFFE0_00E0, 0xFBC0_00C0, .copy, never: .all),
    Self(0xFFF0_00F0, 0xFBE0_0060, .copy, never: .all),
    // A7.4, Advanced SIMD data processing; A6.3.18, coprocessors.
    Self(0xEF00_0000, 0xEF00_0000, .copy),
    Self(0xFC00_0000, 0xEC00_0000, .coprocessor),
  ]
}

/// One instruction and its fields.
struct T32Encoding {
  let word: UInt32
  /// What it reads from the PC: its address and 4.
  let programCounter: UInt32

  private var n: UInt32 { word &>> 16 & 15 }
  private var t: UInt32 { word &>> 12 & 15 }
  private var d: UInt32 { word &>> 8 & 15 }
  private var m: UInt32 { word & 15 }
  /// Rd of a 16-bit instruction that reaches all registers, and its Rm.
  private var highD: UInt32 { word &>> 20 & 8 | word &>> 16 & 7 }
  private var highM: UInt32 { word &>> 19 & 15 }

  func condition(_ form: T32Form) -> UInt32 {
    switch form {
    case .narrowConditional: word &>> 24 & 15
    case .conditional: word &>> 22 & 15
    default: 14
    }
  }

  /// What an instruction of a form does.
  func operation(_ form: T32Form) -> Operation {
    switch form {
    case .copy: .copy
    case .synchronize: .synchronize
    case .addHigh: addHigh
    case .compareHigh: highD == 15 || highM == 15 ? .leave(.undefined) : .copy
    case .moveHigh: moveHigh
    case .exchange: exchange(highM, calls: false)
    case .exchangeCall: highM == 15 ? .leave(.undefined) : exchange(highM, calls: true)
    case .narrowLiteral: .substitute(word: 0xE59F_0000 | narrowT &<< 12, value: narrowAddress)
    case .narrowAddress: .constant(register: narrowT, value: narrowAddress)
    case .pop: .multipleLoadBranch(word: 0xE8BD_8000 | word &>> 16 & 0xFF)
    case .compareAndBranch: compareAndBranch
    case .maskNarrow: .maskInterrupts(mask: word &>> 10 & 0x1C0, disable: word & 1 &<< 20 != 0)
    case .ifThen: .ifThen(state: word &>> 16 & 0xFF)
    case .narrowConditional: .branch(to: target(signed(word &<< 8, shift: 24) &<< 1))
    case .narrowBranch: .branch(to: target(signed(word &<< 5, shift: 21) &<< 1))
    default: wideOperation(form)
    }
  }

  private func wideOperation(_ form: T32Form) -> Operation {
    switch form {
    case .multiple: multiple
    case .saveState: .emulate(word: 0xF84D_0500 | addressing | word & 31, isReturn: false)
    case .returnFromException: .emulate(word: 0xF810_0A00 | addressing | n &<< 16, isReturn: true)
    case .tableBranch: .tableBranch(base: n, index: m, halfwords: word & 16 != 0)
    case .dual: dual
    case .dataProcessing: dataProcessing
    case .addImmediate: addImmediate
    case .conditional: .branch(to: target(conditionalOffset))
    case .branch: .branch(to: target(offset))
    case .call: .call(to: target(offset))
    case .callA32: .call(to: alignedPC &+ offset)
    case .exchangeJazelle: exchange(n, calls: false)
    case .exceptionReturn: .emulate(word: 0xE25E_F000 | word & 0xFF, isReturn: true)
    case .readStatus: isSaved ? .readSavedStatus(register: d) : .readStatus(register: d)
    case .writeStatus: writeStatus
    case .mask: .maskInterrupts(mask: word &<< 1 & 0x1C0, disable: word & 0x200 != 0)
    case .changeMode:
      .emulate(word: 0xF100_0000 | word &<< 9 & 0xE_0000 | word &<< 1 & 0x1C0 | word & 31, isReturn: false)
    case .load: load
    case .literal: literal
    case .coprocessor: A32Decoder.decode(word, at: alignedPC &- 8).operation
    default: .leave(Departure(rawValue: UInt32(form.rawValue)) ?? .undefined)
    }
  }

  // MARK: 16-bit instructions

  private var narrowT: UInt32 { word &>> 24 & 7 }
  private var narrowAddress: UInt32 { alignedPC &+ word &>> 14 & 0x3FC }

  private var addHigh: Operation {
    if highD != 15 {
      return highM == 15
        ? .substitute(word: 0xE080_000F | highD &<< 16 | highD &<< 12, value: programCounter) : .copy
    }
    return highM == 15
      ? .leave(.undefined) : .computedBranch(word: 0xE08F_F000 | highM, value: programCounter, calls: false)
  }

  private var moveHigh: Operation {
    if highD == 15 { return .computedBranch(word: 0xE1A0_F000 | highM, value: programCounter, calls: false) }
    return highM == 15 ? .constant(register: highD, value: programCounter) : .copy
  }

  private func exchange(_ register: UInt32, calls: Bool) -> Operation {
    .computedBranch(
      word: (calls ? 0xE12F_FF30 : 0xE12F_FF10) | register, value: programCounter, calls: calls)
  }

  private var compareAndBranch: Operation {
    .compareAndBranch(
      register: word &>> 16 & 7, ifZero: word & 1 &<< 27 == 0,
      to: target(word &>> 18 & 0x3E | word &>> 19 & 0x40))
  }

  // MARK: Branches

  private var alignedPC: UInt32 { programCounter & ~3 }

  private func target(_ offset: UInt32) -> UInt32 { (programCounter &+ offset) | 1 }

  private func signed(_ value: UInt32, shift: UInt32) -> UInt32 {
    UInt32(bitPattern: Int32(bitPattern: value) &>> Int32(bitPattern: shift))
  }

  /// S:I1:I2:imm10:imm11:0, where I1 is NOT (J1 EOR S) and I2 alike.
  private var offset: UInt32 {
    let sign = signed(word &<< 5, shift: 31)
    let inverse = ~(word ^ sign)
    let high = sign &<< 31 | (inverse & 0x2000) &<< 17 | (inverse & 0x800) &<< 18
    return signed(high | (word & 0x3FF_0000) &<< 3 | (word & 0x7FF) &<< 8, shift: 7)
  }

  /// S:J2:J1:imm6:imm11:0.
  private var conditionalOffset: UInt32 {
    let high = (word & 1 &<< 26) &<< 5 | (word & 0x800) &<< 19 | (word & 0x2000) &<< 16
    return signed(high | (word & 0x3F_0000) &<< 7 | (word & 0x7FF) &<< 12, shift: 11)
  }

  // MARK: Status

  private var isSaved: Bool { word & 1 &<< 20 != 0 }

  /// The upper two bytes of the CPSR may be written in User mode.
  private var writeStatus: Operation {
    let move = 0xE120_F000 | (word & 0xF00) &<< 8 | n
    if d == 0 { return .leave(.undefined) }
    if !isSaved && d & 3 == 0 { return .copy }
    return isSaved ? .writeSavedStatus(word: move | 1 &<< 22) : .writeStatus(word: move)
  }

  /// P, U and W of SRS and RFE in A32: before and down, or after and up.
  private var addressing: UInt32 { (word & 1 &<< 24 == 0 ? 1 &<< 24 : 1 &<< 23) | word & 1 &<< 21 }

  // MARK: Data processing

  /// Compares have no Rd and set the flags, moves have no Rn: 15 stands there.
  private var dataProcessing: Operation {
    let opcode = word &>> 21 & 15
    let exists = 0x6D1F &>> opcode & 1 != 0
    let compares = 0x2111 &>> opcode & 1 != 0 && word & 1 &<< 20 != 0
    let moves = 0xC &>> opcode & 1 != 0
    return exists && (d != 15 || compares) && (n != 15 || moves) ? .copy : .leave(.undefined)
  }

  /// ADDW and SUBW; of the PC it is ADR.
  private var addImmediate: Operation {
    let immediate = word &>> 15 & 0x800 | word &>> 4 & 0x700 | word & 0xFF
    return n == 15 ? .constant(register: d, value: relative(immediate, adds: word & 1 &<< 23 == 0)) : .copy
  }

  private func relative(_ offset: UInt32, adds: Bool) -> UInt32 {
    adds ? alignedPC &+ offset : alignedPC &- offset
  }

  // MARK: Loads

  private var isAdded: Bool { word & 1 &<< 23 != 0 }
  private var isWord: Bool { word & 1 &<< 22 != 0 }

  private var multiple: Operation {
    if word & 0xFFFF == 0 { return .leave(.undefined) }
    return word & 0x8000 == 0 ? .copy : .multipleLoadBranch(word: word)
  }

  /// LDRD. With write-back, a literal is UNPREDICTABLE.
  private var dual: Operation {
    if n != 15 { return .copy }
    if word & 1 &<< 21 != 0 { return .leave(.undefined) }
    return .loadPair(first: t, second: d, from: relative(word &<< 2 & 0x3FC, adds: isAdded))
  }

  /// A byte or halfword to the PC is a hint: PLD, PLI.
  private var load: Operation {
    if t != 15 { return .copy }
    return isWord ? .loadedBranch(word: loadedBranch, value: alignedPC) : .nothing
  }

  private var loadedBranch: UInt32 {
    let base = 0xE410_F000 | n &<< 16
    if isAdded { return base | 0x180_0000 | word & 0xFFF }
    if word & 0x800 == 0 { return base | 0x380_0000 | word &<< 3 & 0x180 | m }
    // What writes back in any case has no W in A32.
    let writesBack = (word & word &>> 2 & 0x100) &<< 13
    return base | (word & 0x600) &<< 14 | writesBack | word & 0xFF
  }

  /// A load relative to the PC, as A32's without offset: that of LDRH has eight bits only.
  private var literal: Operation {
    let value = relative(word & 0xFFF, adds: isAdded)
    if t == 15 { return isWord ? .loadedBranch(word: 0xE59F_F000, value: value) : .nothing }
    return .substitute(word: literalLoad | 15 &<< 16 | t &<< 12, value: value)
  }

  private var literalLoad: UInt32 {
    let isSigned = word &>> 24 & 1
    let isHalfword = word &>> 21 & 1
    if isSigned | isHalfword != 0 { return 0xE1D0_0090 | isSigned &<< 6 | isHalfword &<< 5 }
    return isWord ? 0xE590_0000 : 0xE5D0_0000
  }
}
