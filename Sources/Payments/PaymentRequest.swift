// What a program in a client asks of the vault, as a line of text: `pay AMOUNT PAYEE [NONCE]`.

import Virtio

/// A payment that is to be authenticated.
public struct PaymentRequest: Equatable, Sendable {
  /// The most characters that a payee has.
  public static let payeeLimit = 48

  public var amount: UInt64 = 0
  /// Tells a payment from an equal one.
  public var nonce: UInt64 = 0
  /// Printable ASCII; zeros behind its end.
  public var payee = InlineArray<48, UInt8>(repeating: 0)
  /// Characters of the payee.
  public var payeeCount = 0

  init() {}

  /// Reads a line without its end; nil where it is no such request.
  public init?(_ line: MemoryView) {
    var words = LineWords(line)
    guard words.next(is: "pay"), let amount = words.number(), amount != 0, readPayee(&words) else { return nil }
    self.amount = amount
    if words.isAtEnd { return }
    guard let nonce = words.number(), words.isAtEnd else { return nil }
    self.nonce = nonce
  }

  private mutating func readPayee(_ words: inout LineWords) -> Bool {
    guard words.take() else { return false }
    while let character = words.character() {
      guard character > 0x20, character < 0x7F, payeeCount < Self.payeeLimit else { return false }
      payee[payeeCount] = character
      payeeCount += 1
    }
    return payeeCount != 0
  }

  public static func == (left: PaymentRequest, right: PaymentRequest) -> Bool {
    for index in 0..<payeeLimit where left.payee[index] != right.payee[index] { return false }
    return left.amount == right.amount && left.nonce == right.nonce && left.payeeCount == right.payeeCount
  }
}

/// The words of a line, one space before each but the first.
private struct LineWords {
  private let line: MemoryView
  private var position: UInt64 = 0
  private var isFirst = true

  init(_ line: MemoryView) { self.line = line }

  var isAtEnd: Bool { position >= line.size }

  /// Goes to the next word; false where there is none.
  mutating func take() -> Bool {
    if isFirst {
      isFirst = false
      return !isAtEnd
    }
    guard !isAtEnd, line.load8(position) == UInt8(ascii: " ") else { return false }
    position &+= 1
    return true
  }

  /// The next character of the word; nil at its end.
  mutating func character() -> UInt8? {
    guard !isAtEnd, line.load8(position) != UInt8(ascii: " ") else { return nil }
    defer { position &+= 1 }
    return line.load8(position)
  }

  /// Whether the next word is this one.
  mutating func next(is word: StaticString) -> Bool {
    guard take() else { return false }
    for index in 0..<word.utf8CodeUnitCount {
      // In bounds by the loop's range.
      let expected = unsafe word.utf8Start[index]
      guard character() == expected else { return false }
    }
    return character() == nil
  }

  /// The next word as a decimal number of 64 bits; nil where it is none.
  mutating func number() -> UInt64? {
    guard take(), let first = character() else { return nil }
    var value: UInt64 = 0
    var next: UInt8? = first
    while let character = next {
      guard character >= 0x30, character <= 0x39 else { return nil }
      let (product, isTooLarge) = value.multipliedReportingOverflow(by: 10)
      let (sum, carries) = product.addingReportingOverflow(UInt64(character &- 0x30))
      guard !isTooLarge, !carries else { return nil }
      value = sum
      next = self.character()
    }
    return value
  }
}
