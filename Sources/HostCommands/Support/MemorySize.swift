import ArgumentParser

/// A number of bytes, written as people write it: `256MiB`, `1GiB`, `512KiB`.
public struct MemorySize: Equatable, Comparable, Sendable, CustomStringConvertible {
  public let bytes: UInt64

  public init(bytes: UInt64) {
    self.bytes = bytes
  }

  public static func mebibytes(_ count: UInt64) -> MemorySize { MemorySize(bytes: count << 20) }

  /// Reads `256MiB`; nil where there is no number, no unit, or more than fits 64 bits.
  public init?(_ text: String) {
    let digits = text.prefix { $0.isASCII && $0.isNumber }
    let unit = text.dropFirst(digits.count).drop { $0 == " " }
    guard let count = UInt64(digits), let shift = Self.shifts[String(unit)] else { return nil }
    let bytes = count.multipliedReportingOverflow(by: 1 << shift)
    guard !bytes.overflow else { return nil }
    self.bytes = bytes.partialValue
  }

  private static let shifts: [String: UInt64] = ["KiB": 10, "MiB": 20, "GiB": 30]

  public static func < (left: MemorySize, right: MemorySize) -> Bool { left.bytes < right.bytes }

  /// The largest unit that gives a whole number; bytes when none does.
  public var description: String {
    for (unit, shift) in [("GiB", 30), ("MiB", 20), ("KiB", 10)] where bytes != 0 && bytes % (1 << shift) == 0 {
      return "\(bytes >> shift)\(unit)"
    }
    return "\(bytes) bytes"
  }

  /// Rounded up to whole mebibytes, for messages that compare sizes.
  public var roundedDescription: String { "\((bytes + (1 << 20) - 1) >> 20) MiB" }

  /// Rounded up to a multiple of `unit`, a power of two.
  public func rounded(upTo unit: UInt64) -> MemorySize {
    MemorySize(bytes: (bytes + unit - 1) & ~(unit - 1))
  }
}

extension MemorySize: ExpressibleByArgument {
  public init?(argument: String) {
    self.init(argument)
  }
}
