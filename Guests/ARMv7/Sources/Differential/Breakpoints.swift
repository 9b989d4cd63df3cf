import Machine

/// Hardware breakpoints at random places of the cache. They stop in front of an instruction of either state, and change
/// no code.
struct Breakpoints {
  private var dice: Dice
  let isActive: Bool
  private var isSet = false
  /// How often one was met.
  private(set) var hits: UInt32 = 0

  init(_ dice: Dice, isActive: Bool) {
    self.dice = dice
    self.isActive = isActive
    if isActive { enable_breakpoints() }
  }

  /// All six at halfwords of the next 128 bytes or of all code, a few times.
  /// - Parameters:
  ///   - address: where the code goes on.
  ///   - end: where the newest code ends.
  mutating func set(near address: UInt32, end: UInt32) {
    guard isActive, hits < 8, !dice.oneIn(4) else { return }
    isSet = true
    let (start, bytes) = dice.oneIn(2) ? (address, 128) : (Layout.cache, end &- Layout.cache)
    for number in 0..<6 as Range<UInt32> {
      let place = start &+ dice.below(bytes / 2 & 0xffff) &* 2
      // DBGBCR: of which halfword (BAS), User mode only, enabled.
      set_breakpoint(number, place & ~3, (place & 2 != 0 ? 0xc : 0x3) &<< 5 | 5)
    }
  }

  mutating func clear() {
    guard isSet else { return }
    isSet = false
    for number in 0..<6 as Range<UInt32> { set_breakpoint(number, 0, 0) }
  }

  /// One was met.
  /// - Returns: what happens to the cache then (`Step.interrupt`).
  mutating func hit() -> UInt32 {
    hits = hits &+ 1
    switch dice.below(4) {
    case 0: return 1
    case 1: return Layout.code &+ 0xf00 &+ dice.below(128) &* 4
    default: return 0
    }
  }
}
