// Random bytes for the guests' `rng-seed` and `kaslr-seed`: the block cipher Speck128/128 (Beaulieu et al. 2013)
// over a counter, under a key that mixes what the board and the device image offer. A guest that knows its own seeds
// learns nothing of its neighbour's.

/// A keyed generator of 64-bit words.
struct SeedGenerator {
  /// Two 64-bit words.
  struct Block {
    var upper: UInt64 = 0
    var lower: UInt64 = 0

    /// One round: rotations by 8 and 3.
    @inline(__always) mutating func mix(with key: UInt64) {
      upper = ((upper &>> 8 | upper &<< 56) &+ lower) ^ key
      lower = (lower &<< 3 | lower &>> 61) ^ upper
    }
  }

  private var key = Block()
  private var counter: UInt64 = 0

  init() {}

  /// Adds entropy to the key.
  @inline(__always) mutating func mix(_ word: UInt64) { key = encrypt(Block(upper: word, lower: ~word)) }

  /// Different for every VM, even where two take their seeds at the same time.
  mutating func next(for machine: UInt32) -> UInt64 {
    counter &+= 1
    return encrypt(Block(upper: UInt64(machine), lower: counter)).upper
  }

  /// 32 rounds; the key schedule is the round itself.
  @inline(never) private func encrypt(_ block: Block) -> Block {
    var block = block
    var schedule = key
    var round: UInt64 = 0
    while round < 32 {
      block.mix(with: schedule.lower)
      schedule.mix(with: round)
      round &+= 1
    }
    return block
  }
}
