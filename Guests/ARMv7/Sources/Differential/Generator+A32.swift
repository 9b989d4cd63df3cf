// A32 instructions that compute (ARM DDI 0406C, A5.2 and A5.4).

extension Generator {
  mutating func unitA32() {
    switch dice.below(40) {
    case 0..<9: dataProcessingA32()
    case 9..<11: wordArithmeticA32()
    case 11..<17: transferA32()
    case 17..<20: multipleTransferA32()
    case 20: literalA32()
    case 21: exclusive()
    case 22..<25: statusA32()
    case 25: if dice.oneIn(3) { coprocessor() } else { threadRegister() }
    case 26: exception()
    case 27: hintA32()
    case 28: storesOfCounterA32()
    default: if depth < 2 { branchA32() } else { dataProcessingA32() }
    }
  }

  mutating func a32(_ word: UInt32) { self.word(condition() &<< 28 | word) }

  // MARK: Data processing

  mutating func dataProcessingA32() {
    let operation = dice.below(16)
    let isTest = operation & 0xc == 8
    let flags: UInt32 = isTest || dice.oneIn(2) ? 1 : 0
    let move = operation & 0xd == 0xd
    let fixed = operation &<< 21 | flags &<< 20 | (isTest ? 0 : target() &<< 12)
    switch dice.below(4) {
    case 0: a32(1 &<< 25 | fixed | (move ? 0 : anySource() &<< 16) | dice.below(4096))
    case 1: a32(fixed | (move ? 0 : source() &<< 16) | source() &<< 8 | dice.below(4) &<< 5 | 0x10 | source())
    default: a32(fixed | (move ? 0 : anySource() &<< 16) | dice.below(128) &<< 5 & 0xfe0 | anySource())
    }
  }

  // MARK: Multiplications, fields, saturation, bytes

  mutating func wordArithmeticA32() {
    switch dice.below(6) {
    case 0: multiplyA32()
    case 1: longMultiplyA32()
    case 2: fieldA32()
    case 3: a32(parallel() | source() &<< 16 | target() &<< 12 | source())
    case 4: a32(unary() | target() &<< 12 | source())
    default:
      a32(0x0300_0000 | dice.below(2) &<< 22 | dice.below(16) &<< 16 | target() &<< 12 | dice.below(4096))
    }
  }

  private mutating func multiplyA32() {
    let operands = target() &<< 16 | source() &<< 8 | source()
    switch dice.below(5) {
    case 0: a32(0x0000_0090 | dice.below(2) &<< 20 | operands)
    case 1: a32(0x0020_0090 | dice.below(2) &<< 20 | operands | source() &<< 12)
    case 2: a32(0x0060_0090 | operands | source() &<< 12)
    case 3: a32(0x0100_0080 | dice.below(4) &<< 5 | operands | source() &<< 12)
    default: a32(0x0160_0080 | dice.below(4) &<< 5 | operands)
    }
  }

  private mutating func longMultiplyA32() {
    let (low, high) = twoTargets()
    let operands = high &<< 16 | low &<< 12 | source() &<< 8 | source()
    if dice.oneIn(5) { return a32(0x0040_0090 | operands) }
    a32(0x0080_0090 | dice.below(8) &<< 20 | operands)
  }

  private mutating func fieldA32() {
    let low = dice.below(32)
    let width = 1 &+ dice.below(32 &- low)
    let extracted = (width &- 1) &<< 16 | target() &<< 12 | low &<< 7 | source()
    switch dice.below(4) {
    case 0: a32(0x07a0_0050 | extracted)
    case 1: a32(0x07e0_0050 | extracted)
    case 2: a32(0x07c0_0010 | (low &+ width &- 1) &<< 16 | target() &<< 12 | low &<< 7 | source())
    default: a32(0x07c0_001f | (low &+ width &- 1) &<< 16 | target() &<< 12 | low &<< 7)
    }
  }

  /// Rn, Rd and Rm: parallel additions, SEL, packing, extending additions, saturating ones.
  private mutating func parallel() -> UInt32 {
    switch dice.below(8) {
    case 0: 0x0680_0fb0  // SEL
    case 1: 0x0680_0010 | dice.below(32) &<< 7 | dice.below(2) &<< 6  // PKHBT, PKHTB
    case 2: 0x0680_0070 | dice.below(4) &<< 10 | extensionKind() &<< 20
    case 3: 0x0100_0050 | dice.below(4) &<< 21  // QADD, QSUB, QDADD, QDSUB
    default: 0x0600_0f10 | signedness() &<< 20 | parallelOperation() &<< 5
    }
  }
  private mutating func signedness() -> UInt32 {
    let value = dice.below(6)
    return value < 3 ? value &+ 1 : value &+ 2
  }
  private mutating func parallelOperation() -> UInt32 {
    let value = dice.below(6)
    return value < 5 ? value : 7
  }
  private mutating func extensionKind() -> UInt32 {
    let value = dice.below(6)
    return value < 3 ? (value == 1 ? 2 : value == 2 ? 3 : 0) : (value == 3 ? 4 : value == 4 ? 6 : 7)
  }

  /// Rd and Rm: CLZ, reversals, extensions, saturation.
  private mutating func unary() -> UInt32 {
    switch dice.below(7) {
    case 0: 0x016f_0f10
    case 1: 0x06bf_0f30
    case 2: 0x06bf_0fb0
    case 3: 0x06ff_0f30
    case 4: 0x06ff_0fb0
    case 5: 0x068f_0070 | dice.below(4) &<< 10 | extensionKind() &<< 20
    default: 0x06a0_0010 | dice.below(2) &<< 22 | dice.below(32) &<< 16 | dice.below(64) &<< 6
    }
  }

  // MARK: Hints and barriers

  /// NOP, YIELD, WFE or SEV. Nothing ends a WFI here.
  mutating func hint() -> UInt32 {
    let number = dice.below(4)
    return number == 3 ? 4 : number
  }

  mutating func hintA32() {
    switch dice.below(6) {
    case 0: a32(0x0320_f000 | hint())
    case 1: word(0xf57f_f05f)
    case 2: word(0xf57f_f04f)
    case 3: word(0xf57f_f06f)
    case 4: word(0xf57f_f01f)
    default: word(0xf5d0_f000 | pointer() &<< 16 | dice.below(4096))
    }
  }
}
