// The board's PL011 (ARM DDI 0183), written without interrupts.

import GuestMachine

/// Text output. Strings are static: interpolation would cost each guest 16 KB.
public enum Console {
  public static let base: UInt64 = 0x0900_0000
  static let flags = base + 0x18
  static let transmitFull: UInt32 = 1 << 5

  public static func write(byte: UInt8) {
    while read32(flags) & transmitFull != 0 { hint_yield() }
    write32(base, UInt32(byte))
  }

  public static func write(_ text: StaticString) {
    for index in 0..<text.utf8CodeUnitCount {
      // In bounds by the loop's range.
      write(byte: text.utf8Start[index])
    }
  }

  public static func write(hex value: UInt64) {
    write("0x")
    var shift: UInt64 = 60
    while shift > 0, value &>> shift == 0 { shift -= 4 }
    while true {
      let digit = UInt8(truncatingIfNeeded: value &>> shift & 15)
      write(byte: digit < 10 ? 48 + digit : 87 + digit)
      guard shift > 0 else { return }
      shift -= 4
    }
  }

  public static func write(decimal value: UInt64) {
    if value > 9 { write(decimal: value / 10) }
    write(byte: 48 + UInt8(truncatingIfNeeded: value % 10))
  }
}
