// The command line, from the list of tags that a kernel gets: `name` or `name=number`.

import Machine

/// What the one who started this program wants of it.
struct BootArguments {
  /// Address of the first character; of a zero, where there is no command line.
  private var text = tags_address()

  private static let commandLine: UInt32 = 0x5441_0009

  /// Looks for ATAG_CMDLINE. Each tag begins with its size in words and what it is; the last one has the size 0.
  init() {
    while read32(text) != 0, read32(text &+ 4) != Self.commandLine { text = text &+ read32(text) &<< 2 }
    if read32(text) != 0 { text = text &+ 8 }
  }

  private func byte(_ address: UInt32) -> UInt8 {
    UInt8(truncatingIfNeeded: read32(address & ~3) &>> ((address & 3) &<< 3))
  }

  private func isEnd(_ byte: UInt8) -> Bool {
    byte == 0 || byte == UInt8(ascii: " ") || byte == UInt8(ascii: "=")
  }

  private func hasWord(_ word: StaticString, at address: UInt32) -> Bool {
    for index in 0..<word.utf8CodeUnitCount {
      // In bounds by the loop's range.
      guard unsafe word.utf8Start[index] == byte(address &+ UInt32(truncatingIfNeeded: index)) else {
        return false
      }
    }
    return isEnd(byte(address &+ UInt32(truncatingIfNeeded: word.utf8CodeUnitCount)))
  }

  /// The address behind the word.
  private func end(of word: StaticString) -> UInt32? {
    var address = text
    var isStart = true
    while byte(address) != 0 {
      if isStart, hasWord(word, at: address) {
        return address &+ UInt32(truncatingIfNeeded: word.utf8CodeUnitCount)
      }
      isStart = byte(address) == UInt8(ascii: " ")
      address = address &+ 1
    }
    return nil
  }

  /// Whether the word stands there, alone or with a value.
  func contains(_ word: StaticString) -> Bool { end(of: word) != nil }

  /// The decimal number after `word=`.
  func number(_ word: StaticString) -> UInt32? {
    guard var address = end(of: word), byte(address) == UInt8(ascii: "=") else { return nil }
    var value: UInt32 = 0
    address = address &+ 1
    while case let digit = byte(address), digit >= 48, digit <= 57 {
      value = value &* 10 &+ UInt32(digit &- 48)
      address = address &+ 1
    }
    return value
  }
}
