// Random sequences of instructions: what a kernel's code is made of, and what it is hardly ever made of.

import Machine

/// What is decided once for a sequence.
struct Plan {
  /// It may change between A32 and T32, where it has both.
  var hasA32 = true
  var hasT32 = true
  /// Mask of the registers that point into the data, and stay there.
  var pointers: UInt32 = 0
  /// Mask of the registers that count a loop's rounds; functions leave them alone.
  var counters: UInt32 = 0
  /// The vectors whose handlers return into the sequence, as a mask; the others end it.
  var resumed: UInt32 = 0
  /// The mode it begins in.
  var mode = Mode.supervisor
}

/// Writes the code of one sequence.
struct Generator {
  var dice: Dice
  var plan = Plan()
  /// Where the next instruction goes.
  var address = Layout.code
  var isT32 = false
  /// The mode in which the next instruction runs.
  var mode: UInt32 = 0
  /// Whether it may not change: other paths lead to what comes.
  var keepsMode = false
  /// Whether LR may not change, nor exceptions be taken: it is a function.
  var isFunction = false
  /// How deep it is in what is skipped or repeated.
  var depth: UInt32 = 0
  /// Mask of the registers that may be written.
  var free: UInt32 = 0
  /// Addresses of the functions, with bit 0 for T32.
  var functionA32: UInt32 = 0
  var functionT32: UInt32 = 0

  /// - Parameters:
  ///   - a32: whether it may be A32.
  ///   - t32: whether it may be T32.
  init(_ dice: Dice, a32: Bool, t32: Bool) {
    self.dice = dice
    makePlan(a32, t32)
  }

  private mutating func makePlan(_ a32: Bool, _ t32: Bool) {
    let kind = dice.below(3)
    plan.hasA32 = a32 && (kind != 1 || !t32)
    plan.hasT32 = t32 && (kind != 0 || !a32)
    plan.mode = dice.oneIn(2) ? Mode.supervisor : Mode.privileged(dice.below(6))
    plan.pointers = 1 &<< dice.below(8) | 1 &<< dice.below(13)
    free = 0x5fff & ~plan.pointers
    plan.counters = 1 &<< dice.bit(of: free & 0xff) | 1 &<< dice.bit(of: free & 0xff)
    // A handler of aborts skips four bytes, which are an instruction in A32 only.
    if dice.oneIn(2) { plan.resumed |= 1 &<< 2 }
    if dice.oneIn(3) { plan.resumed |= 1 &<< 1 }
    if !plan.hasT32, dice.oneIn(4) { plan.resumed |= 1 &<< 3 }
    if !plan.hasT32, dice.oneIn(4) { plan.resumed |= 1 &<< 4 }
    if plan.resumed & 0xe == 0xe { plan.resumed &= ~(1 &<< dice.bit(of: 0xe)) }
    plan.mode = possible(plan.mode)
  }

  /// Whether aborts are resumed, so that no branch may depend on what memory holds.
  var resumesAborts: Bool { plan.resumed & 0x18 != 0 }

  /// - Returns: where the sequence begins, bit 0 for T32.
  mutating func write() -> UInt32 {
    clear_words(Layout.vectors, (1 &+ Layout.codePages) &* Layout.page / 4)
    writeVectors()
    mode = plan.mode
    address = Layout.code
    writeFunctions()
    address = Layout.code &+ 0xf00 &+ dice.below(128) &* 4
    isT32 = plan.hasT32 && (!plan.hasA32 || dice.oneIn(2))
    if isT32, dice.oneIn(2) { address = address &+ 2 }
    let start = address | (isT32 ? 1 : 0)
    units(4 &+ dice.below(21))
    end()
    publish()
    return start
  }

  private func publish() {
    for line in 0..<((1 &+ Layout.codePages) &* Layout.page) / 32 { publish_line(Layout.vectors &+ line &* 32) }
    publish_end()
  }

  // MARK: Units

  /// One or more instructions that belong together: no branch leads between them.
  mutating func unit() {
    if isT32 { unitT32() } else { unitA32() }
  }

  mutating func units(_ count: UInt32) {
    for _ in 0..<count { unit() }
  }

  /// Some that other paths may skip or repeat, `keeping` registers unwritten.
  mutating func nested(_ count: UInt32, keeping: UInt32 = 0) {
    let saved = (free, keepsMode)
    free &= ~keeping
    keepsMode = true
    depth = depth &+ 1
    let state = isT32
    units(count)
    if isT32 != state { changeState() }
    depth = depth &- 1
    (free, keepsMode) = saved
  }

  /// What ends the sequence for certain.
  mutating func end() {
    if !isFunction, dice.oneIn(6) { accessNothing() }
    if plan.resumed & 2 == 0 { return undefined() }
    if plan.resumed & 4 == 0 { return supervisorCall() }
    breakpoint()
  }

  /// A load or a branch to where nothing is mapped, if that ends the sequence.
  private mutating func accessNothing() {
    let register = target()
    let isFetch = dice.oneIn(2)
    guard plan.resumed &>> (isFetch ? 3 : 4) & 1 == 0 else { return }
    constant(register, Layout.hole &+ dice.below(64) &* 4 &+ (isFetch && nextState() ? 1 : 0))
    if isFetch {
      if isT32 { halfword(0x4700 | register &<< 3) } else { word(0xe12f_ff10 | register) }
    } else {
      if isT32 {
        wide(0xf8d0 | register, register &<< 12)
      } else {
        word(0xe590_0000 | register &<< 16 | register &<< 12)
      }
    }
  }

  // MARK: Functions

  private mutating func writeFunctions() {
    keepsMode = true
    isFunction = true
    let saved = free
    free &= ~plan.counters & ~(1 &<< 14)
    if plan.hasA32 { functionA32 = function(t32: false) }
    if plan.hasT32 { functionT32 = function(t32: true) }
    free = saved
    isFunction = false
    keepsMode = false
  }

  /// A small function: a unit or two, then one of the ways to return.
  private mutating func function(t32: Bool) -> UInt32 {
    address = (address &+ 3) & ~3
    if t32, dice.oneIn(2) { halfword(0xbf00) }
    isT32 = t32
    let start = address | (t32 ? 1 : 0)
    let saves = !resumesAborts && dice.oneIn(2)
    if saves { push(1 &<< 14) }
    nested(1 &+ dice.below(2))
    if saves { pop(1 &<< 15) } else { returnByLink() }
    end()
    return start
  }

  // MARK: Words

  mutating func word(_ value: UInt32) {
    write32(address, value)
    address = address &+ 4
  }
  mutating func halfword(_ value: UInt32) {
    write16(address, UInt16(truncatingIfNeeded: value))
    address = address &+ 2
  }
  /// A T32 instruction of two halfwords.
  mutating func wide(_ first: UInt32, _ second: UInt32) {
    halfword(first)
    halfword(second)
  }
}
