// The words of /chosen/bootargs: `name` or `name=number`.

import Appliance

/// What the one who started this guest wants of it.
public struct BootArguments {
  private let blob: Blob
  private let start: Int
  private let length: Int

  /// Reads the device tree; without one there are no words.
  public init() {
    let found = BoardTree.property { blob, property in blob.hasPrefix("bootargs\0", at: property.name) }
    blob = found?.blob ?? Blob(base: UnsafeRawPointer(bitPattern: 8).unsafelyUnwrapped, count: 0)
    (start, length) = (found?.property.value ?? 0, found?.property.length ?? 0)
  }

  /// Whether the word stands among the arguments, alone or with a value.
  public func contains(_ word: StaticString) -> Bool { position(after: word) != nil }

  /// The decimal number after `word=`.
  public func number(_ word: StaticString) -> UInt64? {
    guard var position = position(after: word), blob.byte(at: position) == UInt8(ascii: "=") else { return nil }
    var value: UInt64 = 0
    position += 1
    while case let digit = blob.byte(at: position), digit >= 48, digit <= 57 {
      value = value &* 10 &+ UInt64(digit &- 48)
      position += 1
    }
    return value
  }

  /// Whether `word=text` stands among the arguments.
  public func has(_ word: StaticString, _ text: StaticString) -> Bool {
    guard let position = position(after: word), blob.byte(at: position) == UInt8(ascii: "=") else {
      return false
    }
    return blob.hasPrefix(text, at: position + 1) && ends(position + 1 + text.utf8CodeUnitCount)
  }

  private func ends(_ position: Int) -> Bool {
    let next = blob.byte(at: position)
    return next == 0 || next == UInt8(ascii: " ") || next == UInt8(ascii: "=")
  }

  private func position(after word: StaticString) -> Int? {
    for offset in 0..<length {
      let position = start + offset
      guard offset == 0 || blob.byte(at: position - 1) == UInt8(ascii: " ") else { continue }
      let after = position + word.utf8CodeUnitCount
      if blob.hasPrefix(word, at: position), ends(after) { return after }
    }
    return nil
  }
}
