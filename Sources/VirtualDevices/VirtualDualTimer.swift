// A dual timer as the guest sees it: Dual-Timer Module (SP804) Technical Reference Manual, DDI 0271. Two down-counters,
// whose interrupts share one wire.
//
// Nothing passes by itself: whoever asks says what time it is. A counter is not stored while it counts; what is stored
// is when it reaches zero next. A count lasts 1, 16 or 256 ticks, and one begins with every write of Load or Control. In
// periodic mode zero lasts a count too, so the period is one more than Load, and what is loaded is settled when the
// counter reaches zero.

/// The timers' state. Times are in ticks of their clock, below 2⁶³.
public struct VirtualDualTimer: ~Copyable {
  private var counters = InlineArray<2, Counter>(repeating: Counter())

  public init() {}

  /// Ticks in a second: the frequency that the guest's device tree gives both timers' clocks.
  public static var frequency: UInt32 { 1_000_000 }

  /// Whether the interrupt is raised at `now` (TIMINTC), and when one of the timers raises it next, or again, unless the guest
  /// does something before; all ones for never.
  public mutating func look(at now: UInt64) -> (isInterrupting: Bool, deadline: UInt64) {
    var deadline: UInt64 = ~0
    let first = counters[0].look(now, &deadline)
    let second = counters[1].look(now, &deadline)
    return (first || second, deadline)
  }

  /// Reads a register at `offset`, a multiple of 4. The integration test registers do not exist.
  public mutating func read(offset: UInt32, at now: UInt64) -> UInt32 {
    if offset < 0x40 { return counters[Int(offset &>> 5 & 1)].read(offset & 0x1C, now) }
    return offset >= 0xFE0 ? Self.identification(offset) : 0
  }

  /// Writes a register at `offset`, a multiple of 4.
  public mutating func write(_ value: UInt32, offset: UInt32, at now: UInt64) {
    if offset < 0x40 { counters[Int(offset &>> 5 & 1)].write(value, offset & 0x1C, now) }
  }

  /// TimerPeriphID0…3 (0x04, 0x18, 0x14, 0x00) and TimerPCellID0…3, a byte each.
  private static func identification(_ offset: UInt32) -> UInt32 {
    (offset & 0x10 == 0 ? 0x0014_1804 : 0xB105_F00D) &>> ((offset & 0xC) &* 2) & 0xFF
  }
}

extension VirtualDualTimer {
  /// One of the timers.
  private struct Counter {
    /// TimerControl: OneShot 0, TimerSize 1, TimerPre 3:2, IntEnable 5, TimerMode 6, TimerEn 7.
    private var control: UInt32 = 0x20
    /// TimerLoad, which is TimerBGLoad too.
    private var load: UInt32 = 0
    /// While it counts, what it counts down from; else its value.
    private var count: UInt32 = ~0
    /// TimerRIS.
    private var isRaised = false
    /// When it reaches zero next; all ones while it does not count.
    private var zero: UInt64 = ~0

    private var isOneShot: Bool { control & 1 != 0 }
    /// The highest value that it can have. One that is off keeps all of what was loaded, whatever its size.
    private var limit: UInt32 { control & 0x82 == 0x80 ? 0xFFFF : ~0 }
    /// A count lasts 2^this ticks. The value 3 of TimerPre, which has no meaning, gives 4096.
    private var prescale: UInt32 { control & 0xC }
    private var isInterruptEnabled: Bool { control & 0x20 != 0 }
    private var isPeriodic: Bool { control & 0x40 != 0 }
    private var isEnabled: Bool { control & 0x80 != 0 }

    /// Whether it interrupts. The deadline is lowered to when it does next.
    @inline(__always) mutating func look(_ now: UInt64, _ deadline: inout UInt64) -> Bool {
      guard isInterruptEnabled else { return false }
      settle(now)
      deadline = min(deadline, zero)
      return isRaised
    }

    mutating func read(_ offset: UInt32, _ now: UInt64) -> UInt32 {
      settle(now)
      switch offset {
      case 0x00, 0x18: return load
      case 0x04: return value(now)
      case 0x08: return control
      case 0x10: return isRaised ? 1 : 0
      case 0x14: return isRaised && isInterruptEnabled ? 1 : 0
      default: return 0
      }
    }

    mutating func write(_ value: UInt32, _ offset: UInt32, _ now: UInt64) {
      settle(now)
      switch offset {
      case 0x00:
        load = value
        if value & limit == 0 { isRaised = true }
        start(from: value, now)
      case 0x08:
        let rest = self.value(now)
        control = value & 0xEF
        start(from: rest, now)
      case 0x0C: isRaised = false
      case 0x18: load = value
      default: break
      }
    }

    /// Notes that it has reached zero, if it has.
    @inline(never) mutating func settle(_ now: UInt64) {
      guard now >= zero else { return }
      isRaised = true
      leaveZero(now)
    }

    /// TimerValue. Before it counts down from where it begins anew, it is zero for one count.
    private mutating func value(_ now: UInt64) -> UInt32 {
      guard zero != ~0 else { return count }
      let rest = (zero &- now &+ UInt64((1 &<< prescale) &- 1 as UInt32)) &>> UInt64(prescale)
      return rest > UInt64(count) ? 0 : UInt32(truncatingIfNeeded: rest)
    }

    /// How long it counts from `count` down to zero.
    @inline(__always) private mutating func ticks() -> UInt64 { UInt64(count) &<< UInt64(prescale) }

    private mutating func start(from first: UInt32, _ now: UInt64) {
      count = first & limit
      zero = ~0
      guard isEnabled else { return }
      zero = now &+ ticks()
      if count == 0 { leaveZero(now) }
    }

    /// Stops there, or goes on from the value that it reaches zero from next: in the least number of periods from
    /// `zero`, which is over, to beyond `now`.
    @inline(never) private mutating func leaveZero(_ now: UInt64) {
      guard !isOneShot else {
        count = 0
        zero = ~0
        return
      }
      count = isPeriodic ? load & limit : limit
      let period = ticks() &+ UInt64(1 &<< prescale as UInt32)
      var next = zero &+ period
      // Mostly one period; where nobody has looked for longer 1 + 2 + 4 + … of them, less what is too much.
      var step = period
      while next <= now {
        step &<<= 1
        next &+= step
      }
      while step != period {
        step &>>= 1
        if next &- step > now { next &-= step }
      }
      zero = next
    }
  }
}
