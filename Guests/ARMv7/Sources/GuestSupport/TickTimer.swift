// The timer of the board: an SP804 (ARM DDI 0271) of 1 MHz, or on `virt` the virtual timer of the CPU.

import GuestMachine

/// Ticks in a fixed period, and a clock beside them. Times are in microseconds; on `virt` they are a bit longer.
public struct TickTimer {
  private let isDual: Bool
  private let period: UInt32
  private static let base: UInt32 = 0x0904_0000

  private enum Register {
    static let load: UInt32 = 0x00
    static let control: UInt32 = 0x08
    static let clear: UInt32 = 0x0C
    static let state: UInt32 = 0x10
    /// The second timer's.
    static let secondValue: UInt32 = 0x24
    static let secondControl: UInt32 = 0x28
  }
  /// A step of `virt`'s counter of 62.5 MHz is 1/64.
  private static let counterShift: UInt64 = 6

  public init(period: UInt32) {
    self.period = period
    isDual = BoardTree.has("compatible\0", "arm,sp804\0")
  }

  /// What interrupts.
  public var interrupt: UInt32 { isDual ? 42 : 27 }

  /// Begins to tick; the clock too.
  public func start() {
    guard isDual else {
      acknowledge()
      return write_timer_control(1)
    }
    write32(Self.base &+ Register.load, period &- 1)
    // On, free-running, 32 bits; the first one is periodic and interrupts.
    write32(Self.base &+ Register.secondControl, 0x82)
    write32(Self.base &+ Register.control, 0xE2)
  }

  /// No more ticks.
  public func stop() {
    isDual ? write32(Self.base &+ Register.control, 0) : write_timer_control(0)
  }

  /// The tick was noticed.
  public func acknowledge() {
    guard isDual else { return write_alarm(read_counter() &+ UInt64(period) &<< Self.counterShift) }
    write32(Self.base &+ Register.clear, 0)
  }

  /// Whether a tick waits to be noticed.
  public var isDue: Bool {
    isDual ? read32(Self.base &+ Register.state) != 0 : read_timer_control() & 4 != 0
  }

  /// The time, which begins anew after 2³² microseconds.
  public var now: UInt32 {
    isDual
      ? ~read32(Self.base &+ Register.secondValue)
      : UInt32(truncatingIfNeeded: read_counter() &>> Self.counterShift)
  }
}
