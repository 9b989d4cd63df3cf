import GuestSupport

extension Dice {
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
