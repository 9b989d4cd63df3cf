// T32 instructions (ARM DDI 0406C, A6) one at a time, so that an IT block may have them.

extension Generator {
  mutating func unitT32() {
    switch dice.below(40) {
    case 0..<18: singleT32()
    case 18..<20: indexedTransferT32()
    case 20: exclusive()
    case 21..<23: statusT32()
    case 23: if dice.oneIn(3) { coprocessor() } else { threadRegister() }
    case 24: exception()
    case 25..<30: if depth < 2 { ifThen() } else { singleT32() }
    default: if depth < 2 { branchT32() } else { singleT32() }
    }
  }

  /// One instruction that may be conditional.
  mutating func singleT32() {
    switch dice.below(14) {
    case 0..<3: if let low = lowTarget() { narrowProcessing(low) } else { wideProcessing() }
    case 3: highProcessing()
    case 4..<7: wideProcessing()
    case 7: wordArithmeticT32()
    case 8..<10: narrowTransferT32()
    case 10..<12: wideTransferT32()
    case 12: multipleTransferT32()
    default: literalT32()
    }
  }

  // MARK: 16 bits

  private mutating func narrowProcessing(_ low: UInt32) {
    switch dice.below(7) {
    case 0: halfword(dice.below(3) &<< 11 | (1 &+ dice.below(31)) &<< 6 | lowSource() &<< 3 | low)
    case 1: halfword(0x1800 | dice.below(4) &<< 9 | dice.below(8) &<< 6 | lowSource() &<< 3 | low)
    case 2: halfword(0x2000 | dice.below(4) &<< 11 | low &<< 8 | dice.below(256))
    case 3, 4: halfword(0x4000 | dice.below(16) &<< 6 | lowSource() &<< 3 | low)
    case 5: halfword(0xb200 | dice.below(4) &<< 6 | lowSource() &<< 3 | low)
    default:
      let reversal = dice.below(3)
      halfword(0xba00 | (reversal == 2 ? 3 : reversal) &<< 6 | lowSource() &<< 3 | low)
    }
  }

  /// ADD, CMP and MOV of any registers, ADR, ADD of SP.
  private mutating func highProcessing() {
    let register = target()
    let fields = (register & 8) &<< 4 | register & 7
    switch dice.below(7) {
    case 0: halfword(0x4400 | fields | dice.bit(of: 0xdfff) &<< 3)
    case 1: halfword(0x4500 | (8 &+ dice.below(5)) &<< 3 | dice.below(8))
    case 2: halfword(0x4600 | fields | dice.bit(of: 0xffff) &<< 3)
    case 3:
      if let low = lowTarget() { halfword(0xa000 | low &<< 8 | dice.below(256)) } else { halfword(0xbf00) }
    case 4:
      if let low = lowTarget() { halfword(0xa800 | low &<< 8 | dice.below(256)) } else { halfword(0xbf00) }
    case 5 where !isFunction: halfword(0xb000 | dice.below(2) &<< 7 | dice.below(8))
    default: wide(0xf20f | dice.below(2) &* 0xa0, dice.below(8) &<< 12 | register &<< 8 | dice.below(256))
    }
  }

  // MARK: 32 bits

  private mutating func wideProcessing() {
    if dice.oneIn(4) { return shiftByRegister() }
    let kind = wideOperation()
    let isTest = kind & 0x100 != 0
    let flags: UInt32 = isTest || dice.oneIn(2) ? 1 : 0
    let first = (kind & 15) &<< 5 | flags &<< 4 | (kind & 0x200 != 0 ? 15 : source())
    let register = isTest ? 15 : target()
    if dice.oneIn(2) {
      wide(
        0xf000 | dice.below(2) &<< 10 | first, dice.below(8) &<< 12 | register &<< 8 | 1 &+ dice.below(255))
    } else {
      wide(0xea00 | first, dice.below(8) &<< 12 | register &<< 8 | dice.below(16) &<< 4 | source())
    }
  }

  /// The operation's number, with 0x100 for a test and 0x200 for a move.
  private mutating func wideOperation() -> UInt32 {
    switch dice.below(16) {
    case 0: 0
    case 1: 1
    case 2: 2
    case 3: 3
    case 4: 4
    case 5, 6: 8
    case 7: 10
    case 8: 11
    case 9: 13
    case 10: 14
    case 11: 0x100
    case 12: 0x104
    case 13: 0x108
    case 14: 0x10d
    default: dice.oneIn(2) ? 0x202 : 0x203
    }
  }

  private mutating func shiftByRegister() {
    wide(0xfa00 | dice.below(8) &<< 4 | source(), 0xf000 | target() &<< 8 | source())
  }

  private mutating func wordArithmeticT32() {
    switch dice.below(7) {
    case 0: wide(0xfb00 | source(), source() &<< 12 | target() &<< 8 | dice.below(2) &<< 4 | source())
    case 1:
      let (low, high) = twoTargets()
      wide(0xfb80 | dice.below(4) &<< 5 | source(), low &<< 12 | high &<< 8 | source())
    case 2: fieldT32()
    case 3:
      wide(0xf200 | dice.below(2) &* 0xa0 | source(), dice.below(8) &<< 12 | target() &<< 8 | dice.below(256))
    case 4:
      wide(
        0xf240 | dice.below(2) &<< 7 | dice.below(16), dice.below(8) &<< 12 | target() &<< 8 | dice.below(256))
    case 5: unaryT32()
    default:
      wide(0xfa80 | dice.below(2) &<< 4 | source(), 0xf000 | target() &<< 8 | dice.below(2) &<< 6 | source())
    }
  }

  private mutating func fieldT32() {
    let low = dice.below(32)
    let width = 1 &+ dice.below(32 &- low)
    let fields = (low &>> 2) &<< 12 | target() &<< 8 | (low & 3) &<< 6
    switch dice.below(3) {
    case 0: wide(0xf340 | source(), fields | width &- 1)
    case 1: wide(0xf3c0 | source(), fields | width &- 1)
    default: wide(0xf360 | (dice.oneIn(3) ? 15 : source()), fields | low &+ width &- 1)
    }
  }

  /// REV and its kin, CLZ, SEL, extensions.
  private mutating func unaryT32() {
    let operand = source()
    switch dice.below(4) {
    case 0: wide(0xfa90 | operand, 0xf080 | target() &<< 8 | dice.below(4) &<< 4 | operand)
    case 1: wide(0xfab0 | operand, 0xf080 | target() &<< 8 | operand)
    case 2: wide(0xfaa0 | source(), 0xf080 | target() &<< 8 | operand)
    default:
      wide(
        0xfa00 | dice.below(6) &<< 4 | (dice.oneIn(2) ? 15 : source()),
        0xf080 | target() &<< 8 | dice.below(4) &<< 4 | operand)
    }
  }
}
