// What one client's input device still has to say, and what the client believes to be held down. There is always room for
// the end of everything that is held: whatever a client does, no key stays down for ever.

/// The events of one device of one client. It survives a restart of the server, so every bit pattern is a value.
public struct InputLine: BitwiseCopyable {
  private static let capacity: UInt32 = 16

  private var events = InlineArray<16, UInt64>(repeating: 0)
  private var first: UInt32 = 0
  private var length: UInt32 = 0
  /// Keys that the client was told are down, a bit each; bit 0 stands for a finger.
  private var held = InlineArray<4, UInt64>(repeating: 0)

  public init() {}

  public var isEmpty: Bool { length == 0 }

  private static func slot(_ code: UInt16) -> UInt32 { code < KeyCode.firstButton ? UInt32(code) : 0 }

  /// Whether the client believes that a key, or a finger (`KeyCode.touch`), is down.
  public func isHeld(_ code: UInt16) -> Bool {
    let slot = Self.slot(code)
    return held[Int(slot &>> 6)] &>> UInt64(slot & 63) & 1 != 0
  }

  private var heldCount: UInt32 {
    var count = 0
    for index in 0..<4 { count &+= held[index].nonzeroBitCount }
    return UInt32(truncatingIfNeeded: count)
  }

  /// Whether there is room for so many events, and for the end of so many more that are held.
  private func hasRoom(_ count: UInt32, holding more: UInt32 = 0) -> Bool {
    length <= Self.capacity && length &+ count &+ 2 &* (heldCount &+ more) <= Self.capacity
  }

  /// Says that a key goes down or up. Nothing happens where it is so already; a press without room is forgotten.
  public mutating func key(_ code: UInt16, isDown: Bool) {
    guard isDown != isHeld(code) else { return }
    guard !isDown || hasRoom(2, holding: 1) else { return }
    let slot = Self.slot(code)
    held[Int(slot &>> 6)] ^= 1 &<< UInt64(slot & 63)
    append(InputEvent(EventType.key, code, isDown ? 1 : 0))
    append(.report)
  }

  /// Says that a finger comes down. Its place is reported before: some drivers take both at once for a stroke.
  public mutating func touch(_ point: TouchPoint) {
    guard hasRoom(5, holding: 1) else { return }
    place(point)
    key(KeyCode.touch, isDown: true)
  }

  /// Says that the finger that is down moves.
  public mutating func move(_ point: TouchPoint) {
    if isHeld(KeyCode.touch), hasRoom(3) { place(point) }
  }

  private mutating func place(_ point: TouchPoint) {
    append(InputEvent(EventType.absolute, Axis.x, point.x))
    append(InputEvent(EventType.absolute, Axis.y, point.y))
    append(.report)
  }

  /// Says that nothing is held any more.
  ///
  /// - Parameter button: what bit 0 stands for.
  public mutating func releaseAll(button: UInt16) {
    for word in 0..<4 {
      while held[word] != 0 {
        let slot = word &* 64 &+ held[word].trailingZeroBitCount
        key(slot == 0 ? button : UInt16(truncatingIfNeeded: slot), isDown: false)
      }
    }
  }

  private mutating func append(_ event: InputEvent) {
    guard length < Self.capacity else { return }
    events[Int((first &+ length) & 15)] = event.rawValue
    length &+= 1
  }

  /// The oldest event.
  public var next: InputEvent { InputEvent(rawValue: events[Int(first & 15)]) }

  /// The oldest event has been said.
  public mutating func removeFirst() {
    guard !isEmpty else { return }
    first = (first &+ 1) & 15
    length = min(length, Self.capacity) &- 1
  }
}
