// The GICv3 of the `virt` board (ARM IHI 0069).

import GuestMachine

public enum Distributor {
  public static let base: UInt64 = 0x0800_0000
  public static let control = base
  public static let type = base + 0x4
  public static let implementer = base + 0x8
  public static func group(_ word: UInt64) -> UInt64 { base + 0x80 + 4 * word }
  public static func setEnable(_ word: UInt64) -> UInt64 { base + 0x100 + 4 * word }
  public static func clearEnable(_ word: UInt64) -> UInt64 { base + 0x180 + 4 * word }
  public static func setPending(_ word: UInt64) -> UInt64 { base + 0x200 + 4 * word }
  public static func clearPending(_ word: UInt64) -> UInt64 { base + 0x280 + 4 * word }
  public static func setActive(_ word: UInt64) -> UInt64 { base + 0x300 + 4 * word }
  public static func clearActive(_ word: UInt64) -> UInt64 { base + 0x380 + 4 * word }
  public static func priority(_ interrupt: UInt64) -> UInt64 { base + 0x400 + interrupt }
  public static func configuration(_ word: UInt64) -> UInt64 { base + 0xC00 + 4 * word }
  public static func route(_ interrupt: UInt64) -> UInt64 { base + 0x6000 + 8 * interrupt }
  public static let identification = base + 0xFFE8

  /// Affinity routing and group 1 on.
  public static func enable() { write32(control, 0x12) }
}

/// A CPU's redistributor: control frame and, 64 KiB above, SGI frame.
public struct Redistributor: Sendable {
  public let base: UInt64
  public init(_ processor: Int) { base = 0x080A_0000 + 0x2_0000 * UInt64(processor) }
  public var waker: UInt64 { base + 0x14 }
  public var type: UInt64 { base + 0x8 }
  public var `private`: UInt64 { base + 0x1_0000 }
  public var group: UInt64 { `private` + 0x80 }
  public var setEnable: UInt64 { `private` + 0x100 }
  public var clearEnable: UInt64 { `private` + 0x180 }
  public var setPending: UInt64 { `private` + 0x200 }
  public var clearPending: UInt64 { `private` + 0x280 }
  public var setActive: UInt64 { `private` + 0x300 }
  public var clearActive: UInt64 { `private` + 0x380 }
  public func priority(_ interrupt: UInt64) -> UInt64 { `private` + 0x400 + interrupt }
  public func configuration(_ word: UInt64) -> UInt64 { `private` + 0xC00 + 4 * word }

  /// Wakes it, and puts SGIs and PPIs into group 1 at priority 0xA0, none enabled.
  public func initialize() {
    write32(waker, read32(waker) & ~2)
    while read32(waker) & 4 != 0 { hint_yield() }
    write32(clearEnable, 0xFFFF_FFFF)
    write32(group, 0xFFFF_FFFF)
    for interrupt in 0..<UInt64(32) { write8(priority(interrupt), 0xA0) }
  }
}

/// The system-register interface of the CPU that runs this.
public enum ProcessorInterface {
  public static let spurious: UInt64 = 1023

  public static func initialize() {
    write_ICC_SRE_EL1(7)
    write_ICC_PMR_EL1(0xFF)
    write_ICC_BPR1_EL1(0)
    write_ICC_CTLR_EL1(0)
    write_ICC_IGRPEN1_EL1(1)
  }

  /// Acknowledges the most urgent interrupt: its number, or 1023.
  public static func acknowledge() -> UInt64 { read_ICC_IAR1_EL1() & 0xFF_FFFF }
  public static func end(_ interrupt: UInt64) { write_ICC_EOIR1_EL1(interrupt) }

  /// Sends SGI `interrupt` to the CPUs of cluster 0 in `targets`.
  public static func send(_ interrupt: UInt64, targets: UInt64) {
    write_ICC_SGI1R_EL1(interrupt &<< 24 | targets)
  }
}

/// Distributor, redistributor and CPU interface of the first CPU, ready for use.
public func initializeInterrupts() {
  Distributor.enable()
  Redistributor(0).initialize()
  ProcessorInterface.initialize()
}
