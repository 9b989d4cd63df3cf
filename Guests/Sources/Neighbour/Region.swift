// The memory that is watched: a region filled with a pattern, and what came with the image and never changes.

import GuestMachine
import GuestSupport

/// Memory behind the image, filled with a pattern of its addresses; the image's code and constants, summed up.
struct Region {
  private let base = (image_end_address() + 4095) & ~4095
  private let size: UInt64
  private var position: UInt64 = 0
  private let imageSum: UInt64
  /// Bytes looked at for each tick.
  private static let stepSize: UInt64 = 8192

  init(mebibytes: UInt64) {
    size = max(mebibytes, 1) << 20
    imageSum = Self.sum(from: image_address(), to: constant_end_address())
  }

  func fill() {
    for address in stride(from: base, to: base + size, by: 8) { write64(address, Self.pattern(address)) }
  }

  private static func pattern(_ address: UInt64) -> UInt64 { address &* 0x9E37_79B9_7F4A_7C15 }

  /// Looks at the next part.
  mutating func step() -> Damage? {
    let start = base + position
    position = (position + Self.stepSize) % size
    return Self.damage(from: start, to: start + Self.stepSize)
  }

  /// Looks at everything.
  func damage() -> Damage? {
    let sum = Self.sum(from: image_address(), to: constant_end_address())
    if sum != imageSum { return Damage(what: "image", detail: sum ^ imageSum) }
    return Self.damage(from: base, to: base + size)
  }

  private static func damage(from start: UInt64, to end: UInt64) -> Damage? {
    for address in stride(from: start, to: end, by: 8) where read64(address) != pattern(address) {
      return Damage(what: "memory", detail: address)
    }
    return nil
  }

  /// Of 32-bit words; each counts by its place.
  private static func sum(from start: UInt64, to end: UInt64) -> UInt64 {
    var sum: UInt64 = 0xCBF2_9CE4_8422_2325
    for address in stride(from: start, to: end, by: 4) {
      sum = (sum ^ UInt64(read32(address))) &* 0x100_0000_01B3
    }
    return sum
  }
}
