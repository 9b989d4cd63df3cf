// The frame check sequence of HDLC-like framing (RFC 1662, appendix C): 16 bits, least significant byte first.

/// CRC-16 of ISO/IEC 13239, as it is while bytes arrive.
public struct FrameCheck: BitwiseCopyable, Sendable {
  /// What it is after a frame whose check sequence was right (RFC 1662, C.2: PPPGOODFCS16).
  static let good: UInt16 = 0xF0B8

  private(set) var value: UInt16 = 0xFFFF

  public init() {}

  /// Takes a byte in. Eight steps of the polynomial x¹⁶ + x¹² + x⁵ + 1 at once, without a table.
  @inline(__always) mutating func append(_ byte: UInt8) {
    var step = (value ^ UInt16(byte)) & 0xFF
    step ^= step &<< 4 & 0xFF
    value = value &>> 8 ^ step &<< 8 ^ step &<< 3 ^ step &>> 4
  }

  /// What the sender puts behind the bytes.
  var sequence: UInt16 { ~value }
}
