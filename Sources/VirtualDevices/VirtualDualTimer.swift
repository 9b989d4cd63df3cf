// The timer of a guest whose CPU has no generic timer: ARM's dual timer module (SP804, DDI 0271), two counters that count down,
// with one interrupt for both. The guest's device tree says that both count 24 MHz.

/// An SP804. Times are those of its own clock.
public struct VirtualDualTimer {
  private var first = DownCounter()
  private var second = DownCounter()

  public init() {}

  /// When the interrupt will be raised if nobody writes; all ones if never.
  public var deadline: UInt64 { min(first.deadline, second.deadline) }

  /// Whether the interrupt is raised, as far as `advance` has come.
  public var isInterrupting: Bool { first.isInterrupting || second.isInterrupting }

  /// It is `now`.
  public mutating func advance(to now: UInt64) {
    first.advance(to: now)
    second.advance(to: now)
  }

  /// Reads a register; the identification registers are those of an SP804 (3.3.8, 3.3.9).
  public mutating func read(offset: UInt32, at now: UInt64) -> UInt32 {
    advance(to: now)
    switch offset & ~0x1F {
    case 0x00: return first.read(offset, at: now)
    case 0x20: return second.read(offset & 0x1F, at: now)
    case 0xFE0: return UInt32(truncatingIfNeeded: Self.identification &>> (UInt64(offset & 0x1C) &* 2)) & 0xFF
    default: return 0
    }
  }

  /// Writes to a register.
  public mutating func write(_ value: UInt32, offset: UInt32, at now: UInt64) {
    advance(to: now)
    switch offset & ~0x1F {
    case 0x00: first.write(value, offset, at: now)
    case 0x20: second.write(value, offset & 0x1F, at: now)
    default: break
    }
  }

  /// TimerPeriphID0…3, TimerPCellID0…3, a byte each.
  private static var identification: UInt64 { 0xB105_F00D_0014_1804 }
}

/// One of the two counters.
struct DownCounter {
  /// TimerXControl: TimerEn 7, TimerMode (periodic) 6, IntEnable 5, TimerPre 3:2, TimerSize (32 bits) 1, OneShot 0.
  private var control: UInt32 = 0x20
  /// TimerXLoad: where a period begins.
  private var load: UInt32 = 0
  /// What it counts down from, and since when; while it stands, what it stands at.
  private var start: UInt64 = 0xFFFF_FFFF
  private var since: UInt64 = 0
  /// It came to zero for the only time.
  private var isOver = false
  /// TimerXRIS.
  private var isRaised = false

  private var runs: Bool { control & 0x80 != 0 && !isOver }
  private var isPeriodic: Bool { control & 0x40 != 0 }
  /// The clock divided by 1, 16 or 256.
  private var shift: UInt64 { UInt64(min(control &>> 2 & 3, 2)) &* 4 }
  private var mask: UInt32 { control & 2 != 0 ? ~0 : 0xFFFF }

  var isInterrupting: Bool { isRaised && control & 0x20 != 0 }

  /// When it comes to zero.
  private var end: UInt64 { since &+ start &<< shift }

  var deadline: UInt64 { runs && control & 0x20 != 0 && !isRaised ? end : ~0 }

  /// What it has counted down to.
  private func value(at now: UInt64) -> UInt32 {
    UInt32(truncatingIfNeeded: runs ? start &- (now &- since) &>> shift : start) & mask
  }

  /// Goes past the zeros that it came to.
  mutating func advance(to now: UInt64) {
    guard runs, now >= end else { return }
    isRaised = true
    if control & 1 != 0 {
      isOver = true
      start = 0
    } else {
      goOn(at: now)
    }
  }

  /// A periodic counter has loaded again at zero, a free-running one has wrapped around; however often, that takes the same
  /// time here.
  private mutating func goOn(at now: UInt64) {
    let last = end
    start = isPeriodic ? UInt64(max(load, 1)) : UInt64(mask) &+ 1
    let period = start &<< shift
    let passed = now &- last
    since = passed < period ? last : last &+ passed / period &* period
  }

  // MARK: Registers

  /// Load, Value, Control, RIS, MIS, BGLoad.
  func read(_ offset: UInt32, at now: UInt64) -> UInt32 {
    switch offset {
    case 0x00, 0x18: load
    case 0x04: value(at: now)
    case 0x08: control
    case 0x10: isRaised ? 1 : 0
    case 0x14: isInterrupting ? 1 : 0
    default: 0
    }
  }

  /// Load begins anew, BGLoad with the next period; IntClr ends the interrupt.
  mutating func write(_ value: UInt32, _ offset: UInt32, at now: UInt64) {
    switch offset {
    case 0x00:
      load = value
      isOver = false
      begin(at: value, now)
    case 0x08:
      let reached = self.value(at: now)
      control = value & 0xEF
      begin(at: reached, now)
    case 0x0C: isRaised = false
    case 0x18: load = value
    default: break
    }
  }

  private mutating func begin(at value: UInt32, _ now: UInt64) {
    start = UInt64(value & mask)
    since = now
  }
}
