/// A sequence of random numbers (SplitMix64).
struct Dice {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var value = state
    value = (value ^ value &>> 30) &* 0xBF58_476D_1CE4_E5B9
    value = (value ^ value &>> 27) &* 0x94D0_49BB_1331_11EB
    return value ^ value &>> 31
  }

  /// 0 ..< limit.
  mutating func below(_ limit: UInt64) -> UInt64 { next() % limit }
  mutating func oneIn(_ limit: UInt64) -> Bool { below(limit) == 0 }
  mutating func word() -> UInt32 { UInt32(truncatingIfNeeded: next()) }
  /// One of them.
  mutating func pick<let count: Int>(_ values: InlineArray<count, UInt64>) -> UInt64 {
    values[Int(below(UInt64(count)))]
  }
  mutating func pick<let count: Int>(_ values: InlineArray<count, UInt32>) -> UInt32 {
    values[Int(below(UInt64(count)))]
  }

  /// Numbers that programs get wrong: small, all ones, single bits, addresses, anything.
  mutating func value() -> UInt64 {
    switch below(8) {
    case 0: return below(64)
    case 1: return ~0
    case 2: return 1 &<< below(64)
    case 3: return 0
    case 4: return Battle.memoryBase &+ below(1 << 30)
    case 5: return UInt64(word())
    case 6: return ~below(4096)
    default: return next()
    }
  }

  /// Eight registers: a function number and what programs get wrong.
  mutating func registers(_ function: UInt64) -> InlineArray<8, UInt64> {
    [function, value(), value(), value(), value(), value(), value(), value()]
  }
}
