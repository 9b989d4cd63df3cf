// The memory that is watched: a region filled with a pattern, and what came with the image and never changes.

import GuestMachine

/// Memory behind the image, filled with a pattern of its addresses; the image's code and constants, summed up.
struct Region {
  private let base = (image_end_address() &+ 4095) & ~4095
  private let size: UInt32
  private var position: UInt32 = 0
  private let imageSum: UInt32
  /// Bytes looked at for each tick.
  private static let stepSize: UInt32 = 8192

  init(mebibytes: UInt32) {
    size = max(mebibytes, 1) &<< 20
    imageSum = Self.imageSum()
  }

  func fill() {
    for address in stride(from: base, to: base &+ size, by: 4) { write32(address, Self.pattern(address)) }
  }

  private static func pattern(_ address: UInt32) -> UInt32 { address &* 0x9E37_79B1 }

  /// Looks at the next part.
  mutating func step() -> Damage? {
    let start = base &+ position
    position = (position &+ Self.stepSize) % size
    return Self.damage(from: start, to: start &+ Self.stepSize)
  }

  /// Looks at everything.
  func damage() -> Damage? {
    let sum = Self.imageSum()
    if sum != imageSum { return Damage(what: "image", detail: sum ^ imageSum) }
    return Self.damage(from: base, to: base &+ size)
  }

  private static func damage(from start: UInt32, to end: UInt32) -> Damage? {
    for address in stride(from: start, to: end, by: 4) where read32(address) != pattern(address) {
      return Damage(what: "memory", detail: address)
    }
    return nil
  }

  /// Each word counts by its place.
  private static func imageSum() -> UInt32 {
    var sum: UInt32 = 0x811C_9DC5
    for address in stride(from: image_address(), to: constant_end_address(), by: 4) {
      sum = (sum ^ read32(address)) &* 0x0100_0193
    }
    return sum
  }
}
