import Payments
import Testing
import Virtio

/// A mailbox between two sides that do not trust each other.
@Suite struct PaymentsTests {
  private static func view(_ bytes: [UInt8]) -> MemoryView {
    let base = UnsafeMutableRawPointer.allocate(byteCount: max(bytes.count, 1), alignment: 64)
    bytes.withUnsafeBytes {
      base.copyMemory(from: $0.baseAddress ?? UnsafeRawPointer(base), byteCount: bytes.count)
    }
    return unsafe MemoryView(base: base, start: 0, size: UInt64(bytes.count))
  }

  private static func request(_ line: String) -> PaymentRequest? { PaymentRequest(view(Array(line.utf8))) }

  @Test func lines() throws {
    let request = try #require(Self.request("pay 18446744073709551615 shop:7 12"))
    #expect(request.amount == .max && request.nonce == 12 && request.payeeCount == 6)
    #expect(Self.request("pay 1 " + String(repeating: "x", count: 48))?.payeeCount == 48)
    for line in [
      "pay 1 " + String(repeating: "x", count: 49), "pay 1 caf\u{E9}", "pay 18446744073709551616 x", "pay 1 x ",
    ] {
      #expect(Self.request(line) == nil, "\(line)")
    }
  }

  @Test func thereAndBack() throws {
    let mailbox = PaymentMailbox(Self.view(Array(repeating: 0, count: 4096)))
    #expect(mailbox.isThere && mailbox.request(of: 3) == nil)
    let number = mailbox.ask(3, try #require(Self.request("pay 5 bus")))
    #expect(mailbox.answer(to: 3, number: number) == nil)
    #expect(mailbox.request(of: 3)?.request == Self.request("pay 5 bus"))
    #expect(mailbox.request(of: 2) == nil)
    mailbox.answer(3, number: number, .refused)
    #expect(mailbox.answer(to: 3, number: number) == .refused)
    #expect(mailbox.answer(to: 3, number: number &+ 1) == nil)
  }

  /// Whatever stands there is a request or none.
  @Test func randomMailboxes() {
    for _ in 0..<2_000 {
      let mailbox = PaymentMailbox(Self.view((0..<1024).map { _ in UInt8.random(in: 0...255) }))
      for client in -1..<9 {
        if let (number, request) = mailbox.request(of: client) {
          #expect(request.payeeCount <= PaymentRequest.payeeLimit)
          mailbox.answer(client, number: number, .paid(PaymentCode([1, 2, 3, 4])))
          #expect(mailbox.answer(to: client, number: number) == .paid(PaymentCode([1, 2, 3, 4])))
        }
      }
    }
  }
}
