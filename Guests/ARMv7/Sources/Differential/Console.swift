// The board's PL011 (ARM DDI 0183), written without interrupts, and its power.

import Machine

/// Text output. Strings are static, as interpolation would cost more than all the rest.
enum Console {
  private static let base: UInt32 = 0x1000_9000
  private static let flags = base + 0x18
  private static let transmitFull: UInt32 = 1 << 5

  static func write(byte: UInt8) {
    while read32(flags) & transmitFull != 0 {}
    write32(base, UInt32(byte))
  }

  static func write(_ text: StaticString) {
    for index in 0..<text.utf8CodeUnitCount {
      // In bounds by the loop's range.
      write(byte: unsafe text.utf8Start[index])
    }
  }

  /// Eight digits.
  static func write(hex value: UInt32) {
    for place in 0..<8 as Range<UInt32> {
      let digit = UInt8(truncatingIfNeeded: value &>> (28 &- 4 &* place) & 15)
      write(byte: digit < 10 ? 48 &+ digit : 87 &+ digit)
    }
  }

  static func write(decimal value: UInt32) {
    if value > 9 { write(decimal: value / 10) }
    write(byte: 48 &+ UInt8(truncatingIfNeeded: value % 10))
  }

  /// Ends QEMU: the board's configuration controller switches it off (SYS_CFGCTRL, ARM DUI 0447J, 4.5.2).
  static func powerOff() -> Never {
    write32(0x1000_00a4, 0xc080_0000)
    while true {}
  }
}
