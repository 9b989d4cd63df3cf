// Frames on a line of bytes: HDLC-like framing (RFC 1662, section 4). A flag stands before and behind each frame, an
// escape byte before those that could be taken for one. Whoever reads from somewhere in the middle is right again
// at the next flag, and the check sequence tells a frame from the rest of one.

/// Takes bytes; the frame writer's other end.
public protocol ByteSink: ~Copyable {
  mutating func append(_ byte: UInt8)
}

/// The bytes with a meaning of their own.
enum FrameByte {
  static let flag: UInt8 = 0x7E
  static let escape: UInt8 = 0x7D
  /// What an escaped byte differs by.
  static let change: UInt8 = 0x20
}

/// Sizes of frames.
public enum FrameSize {
  /// The most bytes that a frame's content has.
  public static let content = 512
  /// The most bytes that a frame takes on the line: flags, check sequence, everything escaped.
  public static let line = 2 + 2 * (content + 2)
}

/// Writes one frame into a sink, byte by byte.
public struct FrameWriter: Sendable {
  private var check = FrameCheck()

  /// Begins a frame.
  public init(to sink: inout some ByteSink & ~Copyable) { sink.append(FrameByte.flag) }

  /// Appends a byte of the content.
  @inline(__always) public mutating func append(_ byte: UInt8, to sink: inout some ByteSink & ~Copyable) {
    check.append(byte)
    Self.escape(byte, to: &sink)
  }

  /// Appends a number's `size` low bytes, the lowest first.
  public mutating func append(_ number: UInt64, size: Int, to sink: inout some ByteSink & ~Copyable) {
    var rest = number
    for _ in 0..<size {
      append(UInt8(truncatingIfNeeded: rest), to: &sink)
      rest &>>= 8
    }
  }

  /// Ends the frame.
  public mutating func finish(to sink: inout some ByteSink & ~Copyable) {
    let sequence = check.sequence
    Self.escape(UInt8(truncatingIfNeeded: sequence), to: &sink)
    Self.escape(UInt8(truncatingIfNeeded: sequence &>> 8), to: &sink)
    sink.append(FrameByte.flag)
  }

  @inline(__always) private static func escape(_ byte: UInt8, to sink: inout some ByteSink & ~Copyable) {
    guard byte == FrameByte.flag || byte == FrameByte.escape else { return sink.append(byte) }
    sink.append(FrameByte.escape)
    sink.append(byte ^ FrameByte.change)
  }
}

/// Finds frames in what arrives. Total: every byte is acceptable at every time, and what makes no frame is dropped.
public struct FrameReader: BitwiseCopyable, Sendable {
  private var bytes = InlineArray<514, UInt8>(repeating: 0)
  /// Bytes of the frame that arrives, as many as there is room for and one more.
  private var received = 0
  private var check = FrameCheck()
  private var isEscaped = false
  /// Bytes of the content of the last frame, until the next byte is taken.
  public private(set) var count = 0

  public init() {}

  /// Takes a byte; true where it ends a frame, whose content can then be read.
  public mutating func take(_ byte: UInt8) -> Bool {
    count = 0
    if byte == FrameByte.flag { return end() }
    if byte == FrameByte.escape {
      isEscaped = true
      return false
    }
    store(isEscaped ? byte ^ FrameByte.change : byte)
    isEscaped = false
    return false
  }

  /// The content's byte at `index`; 0 behind its end.
  @inline(__always) public func byte(at index: Int) -> UInt8 {
    index >= 0 && index < count ? bytes[index] : 0
  }

  /// The number in `size` bytes from `index` on, the lowest first.
  public func number(at index: Int, size: Int) -> UInt64 {
    var value: UInt64 = 0
    for place in 0..<size { value |= UInt64(byte(at: index &+ place)) &<< UInt64(8 &* place) }
    return value
  }

  private mutating func store(_ byte: UInt8) {
    check.append(byte)
    if received < bytes.count { bytes[received] = byte }
    received = min(received + 1, bytes.count + 1)
  }

  private mutating func end() -> Bool {
    defer {
      received = 0
      check = FrameCheck()
      isEscaped = false
    }
    // An escape byte just before the flag: the sender gave the frame up (RFC 1662, 4.3).
    guard !isEscaped, received >= 2, received <= bytes.count, check.value == FrameCheck.good else {
      return false
    }
    count = received - 2
    return count > 0
  }
}
