// The window in which the device server lays requests of its clients before the vault, a place for each client. Neither
// side waits for the other, and neither trusts what the other writes: each word is read once.

import Virtio

/// What the vault said.
public enum PaymentAnswer: Equatable, Sendable {
  case paid(PaymentCode)
  case refused
}

/// A message authentication code: HMAC-SHA256, the first byte lowest in the first word.
public struct PaymentCode: Equatable, Sendable {
  public var words: InlineArray<4, UInt64>

  public init(_ words: InlineArray<4, UInt64>) { self.words = words }

  /// Byte `index`, 0…31.
  public func byte(_ index: Int) -> UInt8 {
    UInt8(truncatingIfNeeded: words[index &>> 3 & 3] &>> UInt64(index & 7 &* 8))
  }

  public static func == (left: PaymentCode, right: PaymentCode) -> Bool {
    for index in 0..<4 where left.words[index] != right.words[index] { return false }
    return true
  }
}

/// The places of all clients.
public struct PaymentMailbox: BitwiseCopyable {
  /// Bytes of all places.
  public static let size: UInt64 = 8 &* Slot.size
  /// The interrupt of the vault's VM that says that there is a request: the place for virtio devices that no VM uses.
  public static let virtioPlace = 6
  /// Number of that interrupt.
  public static let interrupt: UInt64 = 32 + 16 + UInt64(virtioPlace)
  /// What the device tree says the window is compatible with.
  public static let compatible: StaticString = "pocketvisor,mailbox\0"

  /// Offsets in a place.
  private enum Slot {
    static let size: UInt64 = 128
    /// Written by the device server: the request's number, last.
    static let asked: UInt64 = 0
    static let payeeCount: UInt64 = 4
    static let amount: UInt64 = 8
    static let nonce: UInt64 = 16
    static let payee: UInt64 = 24
    /// Written by the vault: the number of the request that it answered, last.
    static let answered: UInt64 = 72
    static let status: UInt64 = 76
    static let code: UInt64 = 80
  }

  private enum Status {
    static let paid: UInt32 = 0
    static let refused: UInt32 = 1
  }

  private let memory: MemoryView

  /// - Parameter memory: the window, from address 0 on.
  public init(_ memory: MemoryView) { self.memory = memory }

  /// Whether the window is there.
  public var isThere: Bool { memory.contains(0, count: Self.size) }

  private func place(_ client: Int) -> UInt64 { UInt64(client & 7) &* Slot.size }

  // MARK: The device server's side

  /// Lays a request of a client before the vault; answers its number.
  public func ask(_ client: Int, _ request: PaymentRequest) -> UInt32 {
    let place = place(client)
    let number = memory.acquire32(place &+ Slot.asked) &+ 1
    memory.store32(place &+ Slot.payeeCount, UInt32(request.payeeCount))
    memory.store64(place &+ Slot.amount, request.amount)
    memory.store64(place &+ Slot.nonce, request.nonce)
    for index in 0..<PaymentRequest.payeeLimit {
      memory.store8(place &+ Slot.payee &+ UInt64(index), request.payee[index])
    }
    memory.release32(place &+ Slot.asked, number)
    return number
  }

  /// The vault's answer to the request with this number, once it is there.
  public func answer(to client: Int, number: UInt32) -> PaymentAnswer? {
    let place = place(client)
    guard memory.acquire32(place &+ Slot.answered) == number else { return nil }
    guard memory.load32(place &+ Slot.status) == Status.paid else { return .refused }
    return .paid(PaymentCode(InlineArray { memory.load64(place &+ Slot.code &+ UInt64($0) &* 8) }))
  }

  // MARK: The vault's side

  /// A client's request that was not answered yet, with its number; nil where there is none, or its writer is not done.
  public func request(of client: Int) -> (number: UInt32, request: PaymentRequest)? {
    let place = place(client)
    let number = memory.acquire32(place &+ Slot.asked)
    guard number != memory.load32(place &+ Slot.answered) else { return nil }
    var request = PaymentRequest()
    request.payeeCount = Int(min(memory.load32(place &+ Slot.payeeCount), UInt32(PaymentRequest.payeeLimit)))
    request.amount = memory.load64(place &+ Slot.amount)
    request.nonce = memory.load64(place &+ Slot.nonce)
    for index in 0..<request.payeeCount {
      request.payee[index] = memory.load8(place &+ Slot.payee &+ UInt64(index))
    }
    return memory.acquire32(place &+ Slot.asked) == number ? (number, request) : nil
  }

  /// Answers the request with this number.
  public func answer(_ client: Int, number: UInt32, _ answer: PaymentAnswer) {
    let place = place(client)
    var status = Status.refused
    if case .paid(let code) = answer {
      status = Status.paid
      for index in 0..<4 { memory.store64(place &+ Slot.code &+ UInt64(index) &* 8, code.words[index]) }
    }
    memory.store32(place &+ Slot.status, status)
    memory.release32(place &+ Slot.answered, number)
  }
}
