// Random bytes for the guests' `rng-seed` and `kaslr-seed`: SipHash-2-4 (Aumasson, Bernstein 2012) of a
// counter, under a key that mixes what the board and the device image offer. A guest that knows its own
// seeds learns nothing of its neighbour's.

/// A keyed generator of 64-bit words.
struct SeedGenerator {
  private var key: (UInt64, UInt64) = (0, 0)
  private var counter: UInt64 = 0

  init() {}

  /// Adds entropy to the key.
  mutating func mix(_ word: UInt64) {
    key.0 = hash(word)
    key.1 ^= hash(~word)
  }

  mutating func next() -> UInt64 {
    counter &+= 1
    return hash(counter)
  }

  private func hash(_ message: UInt64) -> UInt64 {
    var state = InlineArray<4, UInt64>(repeating: 0)
    state[0] = key.0 ^ 0x736F_6D65_7073_6575
    state[1] = key.1 ^ 0x646F_7261_6E64_6F6D
    state[2] = key.0 ^ 0x6C79_6765_6E65_7261
    state[3] = key.1 ^ 0x7465_6462_7974_6573 ^ message
    Self.mix(&state, rounds: 2)
    state[0] ^= message
    state[3] ^= 8 << 56
    Self.mix(&state, rounds: 2)
    state[0] ^= 8 << 56
    state[2] ^= 0xFF
    Self.mix(&state, rounds: 4)
    return state[0] ^ state[1] ^ state[2] ^ state[3]
  }

  private static func mix(_ v: inout InlineArray<4, UInt64>, rounds: Int) {
    for _ in 0..<rounds {
      v[0] &+= v[1]
      v[1] = rotate(v[1], 13) ^ v[0]
      v[0] = rotate(v[0], 32)
      v[2] &+= v[3]
      v[3] = rotate(v[3], 16) ^ v[2]
      v[0] &+= v[3]
      v[3] = rotate(v[3], 21) ^ v[0]
      v[2] &+= v[1]
      v[1] = rotate(v[1], 17) ^ v[2]
      v[2] = rotate(v[2], 32)
    }
  }

  private static func rotate(_ value: UInt64, _ count: UInt64) -> UInt64 {
    value &<< count | value &>> (64 &- count)
  }
}
