// The board's PL011 (ARM DDI 0183), written without interrupts.

import GuestMachine

/// Text output. Strings are static, as interpolation would cost more than all the rest.
public enum Console {
  public static let base: UInt32 = 0x0900_0000
  private static let flags = base + 0x18
  private static let transmitFull: UInt32 = 1 << 5

  public static func write(byte: UInt8) {
    while read32(flags) & transmitFull != 0 {}
    write32(base, UInt32(byte))
  }

  public static func write(_ text: StaticString) {
    for index in 0..<text.utf8CodeUnitCount {
      // In bounds by the loop's range.
      write(byte: unsafe text.utf8Start[index])
    }
  }

  /// Eight digits.
  public static func write(hex value: UInt32) {
    for place in 0..<8 as Range<UInt32> {
      let digit = UInt8(truncatingIfNeeded: value &>> (28 &- 4 &* place) & 15)
      write(byte: digit < 10 ? 48 &+ digit : 87 &+ digit)
    }
  }

  public static func write(decimal value: UInt32) {
    if value > 9 { write(decimal: value / 10) }
    write(byte: 48 &+ UInt8(truncatingIfNeeded: value % 10))
  }
}
