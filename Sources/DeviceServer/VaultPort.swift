// A client's port `vault`, on this side: lines from a program, answers to it. One request at a time; while it is before the
// vault, nothing more is taken from the port.

import Payments
import Virtio

/// Why a request got no code.
enum PaymentRefusal {
  case notAllowed, malformed, refusedByVault, vaultAway, noAnswer

  /// What the program reads.
  var text: StaticString {
    switch self {
    case .notAllowed: "refused: this VM may not pay\n"
    case .malformed: "refused: want `pay AMOUNT PAYEE [NONCE]`\n"
    case .refusedByVault: "refused: by the vault\n"
    case .vaultAway: "refused: the vault does not run\n"
    case .noAnswer: "refused: no answer from the vault\n"
    }
  }
}

/// The port's state.
struct VaultPort: BitwiseCopyable {
  /// Bytes of memory for a port: lines that came in, and an answer.
  static let size: UInt64 = 512
  private static let linesSize: UInt64 = 256
  /// Seconds that the vault has for an answer.
  static let patience: UInt32 = 5

  private let memory: MemoryView
  /// Bytes of lines that came in.
  private(set) var count: UInt64 = 0
  /// Bytes of an answer that the program has not got yet.
  private(set) var answerCount: UInt64 = 0
  /// The request before the vault.
  private(set) var number: UInt32 = 0
  /// Seconds left for it; 0: there is none.
  private(set) var secondsLeft: UInt32 = 0

  init(_ memory: MemoryView) { self.memory = memory }

  /// A request is before the vault.
  var isAsking: Bool { secondsLeft != 0 }
  /// Nothing is to be done before the next line.
  var isIdle: Bool { !isAsking && answerCount == 0 }

  // MARK: Lines

  /// Takes what a chain has. More than there is room for is dropped with the line that it belongs to.
  ///
  /// - Returns: false for that.
  mutating func take(_ chain: inout ChainCursor) throws(RingFault) -> Bool {
    let room = UInt32(truncatingIfNeeded: Self.linesSize &- count)
    count &+= UInt64(try chain.read(room, to: memory, at: count))
    guard let rest = try chain.current(), !rest.isWritable else { return true }
    count = 0
    return false
  }

  /// The first line without its end; nil where there is no whole line. One that fills all the room ends there.
  func line() -> MemoryView? {
    for index in 0..<count where memory.load8(index) == 0x0A {
      let isReturned = index != 0 && memory.load8(index &- 1) == 0x0D
      return memory.part(at: 0, size: isReturned ? index &- 1 : index, start: 0)
    }
    return count == Self.linesSize ? memory.part(at: 0, size: count, start: 0) : nil
  }

  /// Drops the first line with its end.
  mutating func dropLine() {
    var end: UInt64 = 0
    while end < count, memory.load8(end) != 0x0A { end &+= 1 }
    end = min(end &+ 1, count)
    for index in end..<count { memory.store8(index &- end, memory.load8(index)) }
    count &-= end
  }

  // MARK: Requests

  mutating func begin(_ number: UInt32) {
    self.number = number
    secondsLeft = Self.patience
  }

  /// A second has passed; true where it was the last one.
  mutating func wait() -> Bool {
    guard secondsLeft != 0 else { return false }
    secondsLeft &-= 1
    return secondsLeft == 0
  }

  /// Forgets everything.
  mutating func reset() { self = VaultPort(memory) }

  // MARK: Answers

  mutating func refuse(_ reason: PaymentRefusal) {
    begin()
    append(reason.text)
  }

  mutating func pay(_ code: PaymentCode) {
    begin()
    append("paid ")
    for index in 0..<32 {
      append(digit: code.byte(index) &>> 4)
      append(digit: code.byte(index) & 15)
    }
    append("\n")
  }

  private mutating func begin() {
    secondsLeft = 0
    answerCount = 0
  }

  private mutating func append(_ text: StaticString) {
    // In bounds by the loop's range.
    for index in 0..<text.utf8CodeUnitCount { append(unsafe text.utf8Start[index]) }
  }

  private mutating func append(digit: UInt8) { append(digit &+ (digit < 10 ? 48 : 87)) }

  private mutating func append(_ byte: UInt8) {
    memory.store8(Self.linesSize &+ answerCount, byte)
    answerCount &+= 1
  }

  /// Gives the program its answer, as far as a chain has room.
  mutating func deliver(_ chain: inout ChainCursor) throws(RingFault) {
    let size = answerCount
    let written = UInt64(
      try chain.write(UInt32(truncatingIfNeeded: size), from: memory, at: Self.linesSize))
    for index in written..<size {
      memory.store8(Self.linesSize &+ index &- written, memory.load8(Self.linesSize &+ index))
    }
    answerCount = size &- written
  }
}
