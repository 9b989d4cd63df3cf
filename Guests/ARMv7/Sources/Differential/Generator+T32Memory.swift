// T32 loads and stores (ARM DDI 0406C, A6.2.4, A6.3.5 to A6.3.9).

extension Generator {
  // MARK: 16 bits

  mutating func narrowTransferT32() {
    let load: UInt32 = isFunction || dice.oneIn(2) ? 1 &<< 11 : 0
    guard let value = load != 0 ? lowTarget() : dice.below(8) else { return wideTransferT32() }
    guard let base = lowPointer(), !dice.oneIn(5) else {
      return halfword(0x9000 | load | value &<< 8 | dice.below(16))
    }
    let fields = load | dice.below(dice.oneIn(4) ? 32 : 8) &<< 6 | base &<< 3 | value
    switch dice.below(3) {
    case 0: halfword(0x6000 | fields)
    case 1: halfword(0x7000 | fields)
    default: halfword(0x8000 | fields)
    }
  }

  /// PUSH, POP, LDMIA and STMIA of low registers, LDM and STM of any.
  mutating func multipleTransferT32() {
    guard !dice.oneIn(2), let base = lowPointer(), free & 0xff != 0 else { return wideMultipleT32() }
    switch dice.below(isFunction ? 2 : 4) {
    case 0: halfword(0xc800 | base &<< 8 | loadedList(0xff))
    case 1: halfword(0xc000 | base &<< 8 | storedList(0xff & ~(1 &<< base)))
    case 2: halfword(0xb400 | dice.below(2) &<< 8 | storedList(0xff))
    default: halfword(0xbc00 | loadedList(0xff))
    }
  }

  private mutating func wideMultipleT32() {
    let writes = dice.oneIn(2)
    let base = pointer()
    let mode: UInt32 = dice.oneIn(2) ? 0x80 : 0x100
    let first = 0xe800 | mode | (writes ? 0x20 : 0) | base
    if dice.oneIn(2) {
      let list = loadedList()
      // One register alone is UNPREDICTABLE.
      guard list & (list &- 1) != 0 else { return wide(0xf8d0 | base, dice.bit(of: list) &<< 12) }
      wide(first | 0x10, list)
    } else {
      let list = storedList(0x5fff & ~(writes ? 1 &<< base : 0))
      guard list & (list &- 1) != 0 else { return wide(0xf8c0 | base, dice.bit(of: list) &<< 12) }
      wide(first, list)
    }
  }

  mutating func pushT32(_ list: UInt32) {
    if list & ~0x40ff == 0 { return halfword(0xb400 | (list &>> 14) &<< 8 | list & 0xff) }
    let isOne = list & (list &- 1) == 0
    if isOne { wide(0xf84d, dice.bit(of: list) &<< 12 | 0xd04) } else { wide(0xe92d, list) }
  }
  mutating func popT32(_ list: UInt32) {
    if list & ~0x80ff == 0 { return halfword(0xbc00 | (list &>> 15) &<< 8 | list & 0xff) }
    let isOne = list & (list &- 1) == 0
    if isOne { wide(0xf85d, dice.bit(of: list) &<< 12 | 0xb04) } else { wide(0xe8bd, list) }
  }

  // MARK: 32 bits

  mutating func wideTransferT32() {
    let base = pointer()
    if dice.oneIn(5) { return dualTransferT32(base) }
    let load: UInt32 = dice.oneIn(2) ? 0x10 : 0
    let size = dice.below(3) &<< 5
    let signed: UInt32 = load != 0 && size < 0x40 && dice.oneIn(3) ? 0x100 : 0
    switch dice.below(3) {
    case 0:
      let value = load != 0 ? target() : dice.bit(of: 0x5fff)
      wide(0xf880 | signed | size | load | base, value &<< 12 | offset(4096))
    case 1:
      let value = load != 0 ? target() : dice.bit(of: 0x5fff)
      wide(0xf800 | signed | size | load | base, value &<< 12 | 0xc00 | offset(256))
    default:
      let value = load != 0 ? target() : dice.bit(of: 0x5fff & ~(1 &<< base))
      let before: UInt32 = dice.oneIn(2) ? 0x400 : 0
      wide(0xf800 | signed | size | load | base, value &<< 12 | 0x900 | before | dice.below(2) &<< 9 | step())
    }
  }

  private mutating func dualTransferT32(_ base: UInt32) {
    let (first, second) = twoTargets()
    let registers = first &<< 12 | second &<< 8
    let load = dice.below(2) &<< 4
    switch dice.below(3) {
    case 0: wide(0xe860 | dice.below(2) &<< 7 | load | base, registers | dice.below(8))
    case 1: wide(0xe960 | dice.below(2) &<< 7 | load | base, registers | dice.below(8))
    default: wide(0xe940 | dice.below(2) &<< 7 | load | base, registers | dice.below(64))
    }
  }

  /// An index in a register, which is made small before, but for now and then.
  mutating func indexedTransferT32() {
    let index = target()
    if !dice.oneIn(12) { wide(0xf000 | source(), index &<< 8 | 1 &+ dice.below(255)) }
    if let value = lowTarget(), let base = lowPointer(), index < 8, dice.oneIn(2) {
      return halfword(0x5000 | dice.below(8) &<< 9 | index &<< 6 | base &<< 3 | value)
    }
    let load: UInt32 = dice.oneIn(2) ? 0x10 : 0
    let value = load != 0 ? target() : dice.bit(of: 0x5fff)
    wide(0xf800 | dice.below(3) &<< 5 | load | pointer(), value &<< 12 | dice.below(4) &<< 4 | index)
  }

  /// Loads relative to the counter: of what was written before, or of what comes.
  mutating func literalT32() {
    switch dice.below(4) {
    case 0:
      guard let low = lowTarget() else { return halfword(0xbf00) }
      halfword(0x4800 | low &<< 8 | dice.below(32))
    case 1:
      let (first, second) = twoTargets()
      wide(0xe95f, first &<< 12 | second &<< 8 | dice.below(64))
    default:
      let size = dice.below(3) &<< 5
      let signed: UInt32 = size < 0x40 && dice.oneIn(3) ? 0x100 : 0
      wide(0xf81f | signed | size, target() &<< 12 | dice.below(256))
    }
  }

  mutating func exclusiveT32() {
    let (status, value) = twoTargets()
    let base = pointer()
    let start = address
    if dice.oneIn(2) {
      wide(0xe850 | base, value &<< 12 | 0xf00)
      wide(0xf100 | value, value &<< 8 | 1)
      wide(0xe840 | base, value &<< 12 | status &<< 8)
    } else {
      let size = dice.below(2) &<< 4
      wide(0xe8d0 | base, value &<< 12 | 0xf4f | size)
      wide(0xf100 | value, value &<< 8 | 1)
      wide(0xe8c0 | base, value &<< 12 | 0xf40 | size | status)
    }
    wide(0xf1b0 | status, 0xf00)
    wideBranch(to: start, condition: 1)
  }
}
