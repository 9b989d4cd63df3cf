import Testing
import VirtualDevices

/// A channel with its storage, and a byte on either side that must not change.
private final class TestChannel {
  private let storage = UnsafeMutablePointer<UInt8>.allocate(capacity: Int(ConsoleChannel.capacity) + 2)
  var channel: ConsoleChannel

  init() {
    storage.initialize(repeating: 0xEE, count: Int(ConsoleChannel.capacity) + 2)
    channel = ConsoleChannel(storage: storage + 1)
  }

  deinit { storage.deallocate() }

  var isIntact: Bool { storage[0] == 0xEE && storage[Int(ConsoleChannel.capacity) + 1] == 0xEE }

  func append(_ text: String) { for byte in text.utf8 { channel.append(byte) } }
  func drain() -> String { String(decoding: (0..<channel.count).map { _ in channel.take() }, as: UTF8.self) }
}

@Suite struct ConsoleChannelTests {
  @Test func inOrder() {
    let test = TestChannel()
    test.append("hello\nworld")
    #expect(test.channel.count == 11)
    #expect(test.drain() == "hello\nworld")
    #expect(test.channel.count == 0)
  }

  @Test func keepsTheLast4096() {
    let test = TestChannel()
    for number in 0..<10_000 as Range<UInt32> { test.channel.append(UInt8(truncatingIfNeeded: number % 251)) }
    #expect(test.channel.count == 4096)
    let kept = (0..<4096).map { _ in UInt32(test.channel.take()) }
    #expect(kept == (5904..<10_000).map { $0 % 251 })
    #expect(test.isIntact)
  }

  @Test func fullOneFIFOBeforeTheEnd() {
    let test = TestChannel()
    test.append(String(repeating: "x", count: 4096 - 32))
    #expect(!test.channel.isFull)
    test.append("x")
    #expect(test.channel.isFull)
    _ = test.channel.take()
    #expect(!test.channel.isFull)
  }

  @Test func lines() {
    let test = TestChannel()
    test.append("abc")
    #expect(!test.channel.hasLine)
    test.append("\nd")
    #expect(test.channel.hasLine)
    for _ in 0..<4 { _ = test.channel.take() }
    #expect(!test.channel.hasLine)
  }

  /// The oldest characters take their line ends with them.
  @Test func linesThatWereLost() {
    let test = TestChannel()
    test.append("\n\n\n" + String(repeating: "x", count: 4096))
    for _ in 0..<3500 { _ = test.channel.take() }
    #expect(test.channel.count == 596)
    #expect(!test.channel.hasLine)
  }

  /// A VM that never ends its line is shown all the same.
  @Test func longLine() {
    let test = TestChannel()
    test.append(String(repeating: "x", count: 1023))
    #expect(!test.channel.hasLine)
    test.append("x")
    #expect(test.channel.hasLine)
  }
}
