// The SBSA generic watchdog (ARM DEN 0029): its first expiry interrupts, the second ends the VM.

import GuestMachine

public enum Watchdog {
  static let refresh: UInt64 = 0x090C_0000
  static let control: UInt64 = 0x090D_0000
  static let offset = control + 8

  /// Starts it: each of the two expiries is that many milliseconds after the last feeding.
  public static func arm(milliseconds: UInt64) {
    write32(offset, UInt32(truncatingIfNeeded: read_CNTFRQ_EL0() * milliseconds / 1_000))
    write32(control, 1)
  }

  public static func feed() { write32(refresh, 0) }
  public static func disarm() { write32(control, 0) }

  /// Bit 0: armed; bits 1 and 2: the expiries.
  public static var state: UInt32 { read32(control) & 7 }
}
