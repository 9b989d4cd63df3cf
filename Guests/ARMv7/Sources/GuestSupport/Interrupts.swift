// The interrupt controller, a GICv2 (ARM IHI 0048). Interrupts stay in group 0, where a reset leaves them.

import GuestMachine

public enum Distributor {
  public static let base: UInt32 = 0x0800_0000

  /// Lets one interrupt through, to the one CPU.
  public static func enable(_ interrupt: UInt32) {
    write32(base, 1)
    write8(base &+ 0x400 &+ interrupt, 0xA0)
    if interrupt >= 32 { write8(base &+ 0x800 &+ interrupt, 1) }
    write32(base &+ 0x100 &+ interrupt &>> 5 &* 4, 1 &<< (interrupt & 31))
  }
}

public enum ProcessorInterface {
  public static let base: UInt32 = 0x0801_0000
  public static let spurious: UInt32 = 1023

  public static func enable() {
    write32(base &+ 4, 0xFF)
    write32(base &+ 8, 0)
    write32(base, 1)
  }

  /// Acknowledges the most urgent interrupt: its number, or 1023.
  public static func acknowledge() -> UInt32 { read32(base &+ 0xC) & 0x3FF }
  public static func end(_ interrupt: UInt32) { write32(base &+ 0x10, interrupt) }

  /// Nothing is being served any more.
  public static func dropPriorities() {
    for _ in 0..<32 where read32(base &+ 0x14) & 0xFF != 0xFF { end(0) }
  }
}
