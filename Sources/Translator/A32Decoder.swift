/// Decodes the A32 instructions of ARMv7-A (Arm ARM DDI 0406C, A5), with VFP and Advanced SIMD, without the divide,
/// virtualization and multiprocessing extensions' new encodings.
///
/// An instruction that is copied neither reads nor writes the PC, and does the same in User mode as in any other.
public enum A32Decoder {
  /// - Parameter address: where the instruction lies; it reads the PC as 8 more.
  public static func decode(_ word: UInt32, at address: UInt32) -> Instruction {
    let bits = A32Word(word)
    guard bits.condition != 15 else { return Instruction(unconditional(bits, pc: address &+ 8)) }
    return Instruction(conditional(bits, pc: address &+ 8), condition: bits.condition)
  }

  /// A5.1, by bits 27:25.
  private static func conditional(_ word: A32Word, pc: UInt32) -> Operation {
    switch word.field(25, 3) {
    case 0: return registers(word, pc)
    case 1: return immediate(word, pc)
    case 2: return wordAccess(word, pc)
    case 3: return word[4] ? media(word) : wordAccess(word, pc)
    case 4: return multipleAccess(word)
    case 5:
      let target = pc &+ word.branchOffset
      return word[24] ? .call(to: target) : .branch(to: target)
    default: return coprocessor(word, pc)
    }
  }

  // MARK: Data processing (A5.2)

  private static func registers(_ word: A32Word, _ pc: UInt32) -> Operation {
    if word[7] && word[4] {
      guard word.field(5, 2) == 0 else { return halfwordAccess(word, pc) }
      return word[24] ? exclusive(word) : copy(!word.has15(at: 16, 12, 8, 0))
    }
    // Opcodes TST, TEQ, CMP, CMN without S are other instructions (A5.2.12, A5.2.13).
    if word.field(23, 2) == 2 && !word[20] {
      return word[7] ? copy(!word.has15(at: 16, 12, 8, 0)) : miscellaneous(word, pc)
    }
    guard !word[4] else { return copy(!word.has15(at: word.isTest ? 0 : 12, word.isMove ? 0 : 16, 8, 0)) }
    return dataProcessing(word, pc, readsPC: word.rm == 15)
  }

  private static func immediate(_ word: A32Word, _ pc: UInt32) -> Operation {
    if word.field(23, 2) == 2 && !word[20] {
      // MOVW and MOVT, MSR and hints (A5.2.11).
      guard word[21] else { return copy(word.rd != 15) }
      guard word.field(16, 4) == 0, !word[22] else { return writeStatus(word) }
      return hint(word)
    }
    return dataProcessing(word, pc, readsPC: false)
  }

  /// - Parameter readsPC: Rm is the PC.
  private static func dataProcessing(_ word: A32Word, _ pc: UInt32, readsPC: Bool) -> Operation {
    if word.isTest {
      guard word.rd != 15 else { return .leave(.undefined) }
    } else if word.rd == 15 {
      return word[20]
        ? .emulate(word: word.rawValue, isReturn: true)
        : .computedBranch(word: word.rawValue, value: pc, calls: false)
    }
    let usesPC = readsPC || (!word.isMove && word.rn == 15)
    guard usesPC else { return .copy }
    if word.rawValue & 0x0FFF_0FFF == 0x01A0_000F {
      return .constant(register: word.rd, value: pc)
    }
    // ADR (A8.8.12): ADD or SUB of an immediate, without S.
    if word[25], !word[20] {
      if word.opcode == 4 { return .constant(register: word.rd, value: pc &+ word.modifiedImmediate) }
      if word.opcode == 2 { return .constant(register: word.rd, value: pc &- word.modifiedImmediate) }
    }
    return .substitute(word: word.rawValue, value: pc)
  }

  /// A5.2.12: MRS, MSR, BX, BXJ, BLX, CLZ, saturating addition, BKPT, HVC, SMC.
  private static func miscellaneous(_ word: A32Word, _ pc: UInt32) -> Operation {
    switch (word.field(4, 3), word.field(21, 2)) {
    case (0, 0), (0, 2):
      // Bit 9: the banked registers of the Virtualization Extensions.
      guard !word[9], word.rd != 15 else { return .leave(.undefined) }
      return word[22] ? .readSavedStatus(register: word.rd) : .readStatus(register: word.rd)
    case (0, _): return word[9] || word.rm == 15 ? .leave(.undefined) : writeStatus(word)
    case (1, 1), (2, 1):
      guard word.rm != 15 || !word[5] else { return .leave(.undefined) }
      return .computedBranch(word: 0xE12F_FF10 | word.rm, value: pc, calls: false)
    case (3, 1):
      guard word.rm != 15 else { return .leave(.undefined) }
      return .computedBranch(word: 0xE12F_FF30 | word.rm, value: pc, calls: true)
    case (1, 3): return copy(!word.has15(at: 12, 0))
    case (5, _): return copy(!word.has15(at: 16, 12, 0))
    case (7, 1): return .leave(.breakpoint)
    case (7, 2): return .leave(.hypervisorCall)
    case (7, 3): return .leave(.secureMonitorCall)
    default: return .leave(.undefined)
    }
  }

  /// MSR, both forms (B9.3.11, B9.3.12). Bits 16 to 19 choose bytes of the register, from the lowest.
  private static func writeStatus(_ word: A32Word) -> Operation {
    guard word.field(16, 4) != 0 else { return .leave(.undefined) }
    if word[22] { return .writeSavedStatus(word: word.rawValue) }
    // The upper two bytes may be written in User mode.
    return word.field(16, 2) == 0 ? .copy : .writeStatus(word: word.rawValue)
  }

  private static func hint(_ word: A32Word) -> Operation {
    switch word.field(0, 8) {
    case 2: return .leave(.waitForEvent)
    case 3: return .leave(.waitForInterrupt)
    default: return .copy
    }
  }

  /// SWP, LDREX, STREX and their kin (A5.2.10).
  private static func exclusive(_ word: A32Word) -> Operation {
    let isDouble = word.field(21, 2) == 1
    let register = word[20] ? word.rd : word.rm
    return copy(
      !word.has15(at: 16, 12) && register != 15 && !(isDouble && (register & 1 != 0 || register == 14)))
  }

  // MARK: Loads and stores (A5.2.8, A5.2.9, A5.3, A5.5)

  private static func halfwordAccess(_ word: A32Word, _ pc: UInt32) -> Operation {
    let isDouble = word[6] && !word[20]
    if !word[24] && word[21] { return .leave(isDouble ? .undefined : .unprivilegedAccess) }
    // A register offset or, with bit 22, an immediate one; LDRD and STRD have two registers.
    guard word.rd != 15, word[22] || word.rm != 15, !isDouble || (word.rd & 1 == 0 && word.rd != 14) else {
      return .leave(.undefined)
    }
    return baseAccess(word, pc)
  }

  private static func wordAccess(_ word: A32Word, _ pc: UInt32) -> Operation {
    if !word[24] && word[21] { return .leave(.unprivilegedAccess) }
    guard !word[25] || word.rm != 15 else { return .leave(.undefined) }
    guard word.rd == 15 else { return baseAccess(word, pc) }
    guard !word[22], word.rn != 15 || !word.writesBack else { return .leave(.undefined) }
    return word[20]
      ? .loadedBranch(word: word.rawValue, value: pc)
      : .substitute(word: word.rawValue, value: pc)
  }

  /// Only the base can be the PC.
  private static func baseAccess(_ word: A32Word, _ pc: UInt32) -> Operation {
    guard word.rn == 15 else { return .copy }
    return word.writesBack ? .leave(.undefined) : .substitute(word: word.rawValue, value: pc)
  }

  private static func multipleAccess(_ word: A32Word) -> Operation {
    let loadsPC = word[20] && word[15]
    guard word.rn != 15, word.field(0, 16) != 0 else { return .leave(.undefined) }
    if word[22] {
      // The S bit: an exception return, or User mode's registers.
      return loadsPC || !word[21] ? .emulate(word: word.rawValue, isReturn: loadsPC) : .leave(.undefined)
    }
    if word[20], word[21], word[Int(word.rn)] { return .leave(.undefined) }
    if loadsPC { return .multipleLoadBranch(word: word.rawValue) }
    return word[15] ? .emulate(word: word.rawValue, isReturn: false) : .copy
  }

  // MARK: Media (A5.4)

  private static func media(_ word: A32Word) -> Operation {
    switch word.field(23, 2) {
    // Parallel addition; packing, saturation and reversal, where Rn 15 is an extension without addition.
    case 0: return copy(!word.has15(at: 16, 12, 0))
    case 1:
      // Packing and SEL read Rn.
      let readsRn = word.field(20, 3) == 0 && word.field(5, 3) != 3
      return copy(!word.has15(at: 12, 0) && !(readsRn && word.rn == 15))
    // Signed multiplication; bits 22:20 1 and 3 are divisions. Ra 15: without addition.
    case 2:
      let isDivision = word.field(20, 3) | 2 == 3
      // The long ones and SMMLS have no form without it.
      let needsRa = word.field(20, 3) == 4 || (word.field(20, 3) == 5 && word[7])
      return copy(!word.has15(at: 16, 8, 0) && !isDivision && !(needsRa && word.rd == 15))
    default:
      switch word.field(20, 3) {
      case 0: return copy(!word.has15(at: 16, 8, 0) && word.field(5, 3) == 0)
      case 2, 3, 6, 7: return copy(!word.has15(at: 12, 0) && word.field(5, 2) == 2)
      // BFC is BFI with Rn 15.
      case 4, 5: return copy(word.rd != 15 && word.field(5, 2) == 0)
      default: return .leave(.undefined)
      }
    }
  }

  // MARK: Coprocessors (A5.6, A7)

  private static func coprocessor(_ word: A32Word, _ pc: UInt32) -> Operation {
    if word.field(24, 4) == 15 { return .leave(.supervisorCall) }
    let number = word.field(8, 4)
    if number == 10 || number == 11 { return floatingPoint(word, pc) }
    guard number >= 14, word.field(24, 4) == 14, word[4], word.rd != 15 else { return .leave(.undefined) }
    return SystemControl.decode(word)
  }

  /// Coprocessors 10 and 11 (A7.5 to A7.9).
  static func floatingPoint(_ word: A32Word, _ pc: UInt32) -> Operation {
    if let operation = SystemControl.floatingPoint(word) { return operation }
    if word.field(24, 4) == 14 {
      // Transfers of one register: with R15 only the flags of VMRS.
      return copy(!word[4] || word.rd != 15 || word.rawValue & 0x0FFF_0FFF == 0x0EF1_0A10)
    }
    // Transfers of two registers.
    if word.field(21, 4) == 2 { return copy(!word.has15(at: 16, 12)) }
    guard word.rn == 15 else { return .copy }
    return word[21] ? .leave(.undefined) : .substitute(word: word.rawValue, value: pc)
  }

  // MARK: Without a condition (A5.7)

  private static func unconditional(_ word: A32Word, pc: UInt32) -> Operation {
    switch word.field(25, 3) {
    case 0: return word.field(20, 5) == 16 ? changeState(word) : .leave(.undefined)
    case 1: return .copy
    case 2, 3: return hintOrBarrier(word)
    case 4:
      let isReturn = word[20]
      guard word[22] != isReturn, !isReturn || word.rn != 15 else { return .leave(.undefined) }
      return .emulate(word: word.rawValue, isReturn: isReturn)
    case 5: return .call(to: (pc &+ word.branchOffset &+ (word[24] ? 2 : 0)) | 1)
    default: return .leave(.undefined)
    }
  }

  /// CPS; SETEND is left out: our own accesses to the state page are little-endian.
  private static func changeState(_ word: A32Word) -> Operation {
    guard !word[16], !word[5], word.field(18, 2) != 1, word.field(17, 3) != 0 else { return .leave(.undefined) }
    guard !word[17] else { return .emulate(word: word.rawValue, isReturn: false) }
    return .maskInterrupts(mask: word.rawValue & 0x1C0, disable: word[18])
  }

  /// Element loads of Advanced SIMD, preloads, barriers (A5.7.1).
  private static func hintOrBarrier(_ word: A32Word) -> Operation {
    if word.field(24, 4) == 4, !word[20] { return copy(word.rn != 15) }
    if word.field(20, 8) == 0x57 {
      switch word.field(4, 4) {
      case 1, 4, 5: return .copy
      case 6: return .synchronize
      default: return .leave(.undefined)
      }
    }
    // Preloads, and the space of those to come.
    guard word.field(20, 2) == 1, !word[25] || !word[4] else { return .leave(.undefined) }
    return .nothing
  }

  private static func copy(_ isAllowed: Bool) -> Operation { isAllowed ? .copy : .leave(.undefined) }
}

/// The bits of an A32 instruction.
struct A32Word {
  let rawValue: UInt32

  @inline(__always) init(_ rawValue: UInt32) { self.rawValue = rawValue }

  @inline(__always) subscript(_ bit: Int) -> Bool { rawValue &>> UInt32(truncatingIfNeeded: bit) & 1 != 0 }
  @inline(__always) func field(_ low: UInt32, _ width: UInt32) -> UInt32 {
    rawValue &>> low & (1 &<< width &- 1)
  }

  var condition: UInt32 { rawValue &>> 28 }
  var rn: UInt32 { field(16, 4) }
  /// Rd of data processing and Rt of loads and stores.
  var rd: UInt32 { field(12, 4) }
  var rm: UInt32 { field(0, 4) }
  var opcode: UInt32 { field(21, 4) }
  /// TST, TEQ, CMP, CMN.
  var isTest: Bool { field(23, 2) == 2 }
  /// MOV and shifts, MVN: they have no Rn.
  var isMove: Bool { opcode | 2 == 15 }
  /// Of a load or store: the base changes.
  var writesBack: Bool { !self[24] || self[21] }
  /// Of LDM and STM: what the list takes in memory.
  var listBytes: UInt32 { 4 &* UInt32(truncatingIfNeeded: field(0, 16).nonzeroBitCount) }
  /// Of a transfer of so many bytes: its lowest address, by the bits P (24) and U (23).
  func lowest(_ base: UInt32, _ bytes: UInt32) -> UInt32 {
    (self[23] ? base : base &- bytes) &+ (self[24] == self[23] ? 4 : 0)
  }
  /// The base behind it.
  func stepped(_ base: UInt32, _ bytes: UInt32) -> UInt32 { self[23] ? base &+ bytes : base &- bytes }
  /// Of a branch, in bytes.
  var branchOffset: UInt32 { UInt32(bitPattern: Int32(bitPattern: rawValue &<< 8) &>> 6) }
  /// A5.2.4: eight bits, rotated.
  var modifiedImmediate: UInt32 {
    let rotation = field(8, 4) &* 2
    let value = field(0, 8)
    return value &>> rotation | value &<< (32 &- rotation)
  }

  /// Whether one of the four-bit fields at these bits is 15.
  @inline(__always)
  func has15(at first: UInt32, _ second: UInt32 = 28, _ third: UInt32 = 28, _ fourth: UInt32 = 28) -> Bool {
    field(first, 4) == 15 || field(second, 4) == 15 || field(third, 4) == 15 || field(fourth, 4) == 15
  }
}
