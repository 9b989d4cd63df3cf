/// An event of an input device (virtio 5.8.6), with the numbers of Linux's input-event-codes.
public struct InputEvent: Equatable, BitwiseCopyable, Sendable {
  /// Bytes in a queue.
  public static let size: UInt64 = 8

  /// Type in bits 15:0, code in bits 31:16, value in bits 63:32.
  public let rawValue: UInt64

  public init(rawValue: UInt64) { self.rawValue = rawValue }

  public init(_ type: UInt16, _ code: UInt16, _ value: UInt32) {
    rawValue = UInt64(type) | UInt64(code) &<< 16 | UInt64(value) &<< 32
  }

  public var type: UInt16 { UInt16(truncatingIfNeeded: rawValue) }
  public var code: UInt16 { UInt16(truncatingIfNeeded: rawValue &>> 16) }
  public var value: UInt32 { UInt32(truncatingIfNeeded: rawValue &>> 32) }

  /// The end of what happened at once.
  public static let report = InputEvent(EventType.synchronization, 0, 0)
}

/// Types of events.
public enum EventType {
  public static let synchronization: UInt16 = 0
  public static let key: UInt16 = 1
  public static let absolute: UInt16 = 3
  public static let repetition: UInt16 = 0x14
}

/// Keys and buttons.
public enum KeyCode {
  /// KEY_POWER: no client sees it.
  public static let power: UInt16 = 116
  /// KEY_HOMEPAGE: brings the next client to the front; no client sees it.
  public static let home: UInt16 = 172
  /// Keys have numbers below this, buttons from it on.
  public static let firstButton: UInt16 = 0x100
  public static let left: UInt16 = 0x110
  public static let touch: UInt16 = 0x14A

  /// Whether a client may see this key.
  public static func isForwarded(_ code: UInt16) -> Bool {
    code != 0 && code < firstButton && code != power && code != home
  }
}

/// Axes.
public enum Axis {
  public static let x: UInt16 = 0
  public static let y: UInt16 = 1
  /// The largest value of both: QEMU's, and what clients are told.
  public static let limit: UInt32 = 0x7FFF
}
