/// A sequence of random numbers, the same for each seed: a counter, mixed well.
struct Dice {
  private var state: UInt32

  /// The numbers of one test of a seed: no test needs what was before it.
  init(seed: UInt32, test: UInt32) { state = Self.mix(Self.mix(seed &+ 0x9e37_79b9) ^ test) }

  private static func mix(_ word: UInt32) -> UInt32 {
    var word = word
    word = (word ^ word &>> 16) &* 0x7feb_352d
    word = (word ^ word &>> 15) &* 0x846c_a68b
    return word ^ word &>> 16
  }

  mutating func word() -> UInt32 {
    state = state &+ 0x9e37_79b9
    return Self.mix(state)
  }

  /// 0 ..< limit, which is at most 65536.
  mutating func below(_ limit: UInt32) -> UInt32 { ((word() &>> 16) &* limit) &>> 16 }
  mutating func oneIn(_ limit: UInt32) -> Bool { below(limit) == 0 }

  /// The number of one of the bits that are set in a mask of 16.
  mutating func bit(of mask: UInt32) -> UInt32 {
    while true {
      let bit = below(16)
      if mask &>> bit & 1 != 0 { return bit }
    }
  }
}
