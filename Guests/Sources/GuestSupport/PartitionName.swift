// Names of VMs as FF-A has them here: in the place of a partition's UUID.

import Appliance

/// At most 16 characters, padded with zeros.
public struct PartitionName: Equatable {
  /// The bytes as two little-endian words.
  public private(set) var words: InlineArray<2, UInt64> = [0, 0]

  public init(_ low: UInt64, _ high: UInt64) { words = [low, high] }

  public init(_ text: StaticString) {
    self.init { $0 < text.utf8CodeUnitCount ? text.utf8Start[$0] : 0 }
  }

  /// The word that follows `prefix` in the boot arguments.
  public init?(after prefix: StaticString) {
    let found = BoardTree.property { $0.hasPrefix("bootargs\0", at: $1.name) }
    guard let (blob, arguments) = found else { return nil }
    for position in arguments.value..<arguments.value + arguments.length
    where blob.hasPrefix(prefix, at: position) {
      self.init { blob.byte(at: position + prefix.utf8CodeUnitCount + $0) }
      return
    }
    return nil
  }

  /// Takes bytes up to a zero or a space.
  private init(_ byte: (Int) -> UInt8) {
    for index in 0..<16 {
      let value = byte(index)
      guard value != 0, value != UInt8(ascii: " ") else { return }
      words[index &>> 3] |= UInt64(value) &<< UInt64(8 &* (index & 7))
    }
  }

  public static func == (left: PartitionName, right: PartitionName) -> Bool {
    left.words[0] == right.words[0] && left.words[1] == right.words[1]
  }
}
