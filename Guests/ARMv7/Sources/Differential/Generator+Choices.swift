// What an instruction is made of: registers, conditions, values.

extension Generator {
  /// A register that may be written.
  mutating func target() -> UInt32 { dice.bit(of: free) }
  /// A low one, or nil if none is free.
  mutating func lowTarget() -> UInt32? { free & 0xff == 0 ? nil : dice.bit(of: free & 0xff) }
  /// Two of them that are not the same.
  mutating func twoTargets() -> (UInt32, UInt32) {
    let first = target()
    return (first, dice.bit(of: free & ~(1 &<< first)))
  }
  /// An even one whose neighbour may be written too, and that neighbour.
  mutating func targetPair() -> (UInt32, UInt32)? {
    let pairs = free & free &>> 1 & 0x1555
    guard pairs != 0 else { return nil }
    let first = dice.bit(of: pairs)
    return (first, first &+ 1)
  }

  /// r0…r12 or LR.
  mutating func source() -> UInt32 { dice.bit(of: 0x5fff) }
  mutating func lowSource() -> UInt32 { dice.below(8) }
  /// Any register, seldom the PC.
  mutating func anySource() -> UInt32 { dice.oneIn(10) ? 15 : dice.bit(of: 0x7fff) }

  /// A register that points into the data; a function's return address on the stack is left alone.
  mutating func pointer() -> UInt32 {
    dice.bit(of: plan.pointers | (isFunction ? 0 : 1 &<< 13))
  }
  /// One of r0…r7, or nil if there is none.
  mutating func lowPointer() -> UInt32? {
    plan.pointers & 0xff == 0 ? nil : dice.bit(of: plan.pointers & 0xff)
  }

  /// A list of registers to load, not empty.
  mutating func loadedList(_ mask: UInt32 = 0x7fff) -> UInt32 {
    let list = dice.word() & (dice.oneIn(2) ? dice.word() : 0xffff) & free & mask
    return list == 0 ? 1 &<< dice.bit(of: free & mask) : list
  }
  /// A list of registers to store, not empty.
  mutating func storedList(_ mask: UInt32 = 0x7fff) -> UInt32 {
    let list = dice.word() & (dice.oneIn(2) ? dice.word() : 0xffff) & mask
    return list == 0 ? 1 &<< dice.bit(of: mask) : list
  }

  /// Mostly "always", in A32's field or in T32's.
  mutating func condition() -> UInt32 { dice.oneIn(3) ? dice.below(14) : 14 }

  /// An offset within the data, mostly a small multiple of four.
  mutating func offset(_ limit: UInt32) -> UInt32 {
    if dice.oneIn(16) { return dice.below(limit) }
    return (dice.oneIn(8) ? dice.below(64) : dice.below(16) &* 4) % limit
  }

  /// By how much a base changes: most often a multiple of four.
  mutating func step() -> UInt32 { dice.oneIn(24) ? dice.below(32) : dice.below(8) &* 4 }

  /// A value for the CPSR or an SPSR: any flags and masks, little-endian, without IT, A32.
  mutating func status(_ mode: UInt32) -> UInt32 { dice.word() & 0xf80f_01c0 | mode }

  /// The mode for what comes next.
  mutating func nextMode() -> UInt32 { keepsMode ? mode : possible(Mode.privileged(dice.below(6))) }

  /// Not Abort mode where aborts are resumed: one in a function would change what the function returns by.
  func possible(_ mode: UInt32) -> UInt32 { resumesAborts && mode == Mode.abort ? Mode.supervisor : mode }

  var isUser: Bool { mode == Mode.user }

  /// Functions are called in any mode.
  var hasSavedStatus: Bool { !isFunction && mode != Mode.system && mode != Mode.user }
}
