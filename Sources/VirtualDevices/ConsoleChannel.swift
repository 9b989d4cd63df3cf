// What one VM has printed: the last 4 KiB, and how much of it has been shown.

/// A ring of characters between a VM's UART and the board's.
@safe public struct ConsoleChannel {
  /// Characters kept.
  public static let capacity: UInt32 = 4096
  /// Room that is left when the VM is told that its transmit FIFO is full: one FIFO, so that a driver which
  /// fills it without looking loses nothing.
  static let reserve: UInt32 = 32

  private var characters: UnsafeMutablePointer<UInt8>
  /// Characters written since the start; wraps.
  private var written: UInt32 = 0
  private var shown: UInt32 = 0
  /// Ends of lines among what is not yet shown.
  private var lines: UInt32 = 0

  /// - Parameter storage: `capacity` bytes that nobody else uses.
  public init(storage: UnsafeMutablePointer<UInt8>) { unsafe characters = unsafe storage }

  /// Characters not yet shown.
  @inline(__always) public var count: UInt32 { written &- shown }
  /// Less than a FIFO's depth is left.
  public var isFull: Bool { count > Self.capacity &- Self.reserve }

  /// A line of `capacity / 4` characters and a name would fit.
  public var hasRoomForLine: Bool { count < Self.capacity / 2 }

  /// Keeps a character; when the ring is full the oldest one goes.
  @inline(never) public mutating func append(_ character: UInt8) {
    if count >= Self.capacity { _ = take() }
    // In bounds by the mask.
    unsafe characters[Int(written & (Self.capacity - 1))] = character
    written &+= 1
    if character == 0x0A { lines &+= 1 }
  }

  /// The next character to show; the caller has seen that there is one.
  @inline(never) public mutating func take() -> UInt8 {
    // In bounds by the mask.
    let character = unsafe characters[Int(shown & (Self.capacity - 1))]
    shown &+= 1
    if character == 0x0A { lines &-= 1 }
    return character
  }

  /// Whether what is not yet shown holds the end of a line, or is too much to wait for it.
  public var hasLine: Bool { lines != 0 || count >= Self.capacity / 4 }
}
