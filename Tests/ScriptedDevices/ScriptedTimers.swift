/// An SP804.
public final class ScriptedDualTimer: ScriptedClock {
  /// A down counter: what it was loaded with, and when.
  private struct Counter {
    var control: UInt32 = 0x20
    var load: UInt32 = 0
    var start: UInt64 = 0
    var isCleared = false

    func value(at now: UInt64) -> UInt32 {
      let passed = now - start
      if control & 1 != 0, passed >= UInt64(load) { return 0 }
      return load &- UInt32(truncatingIfNeeded: passed)
    }

    func isRaised(at now: UInt64) -> Bool {
      control & 0xA0 == 0xA0 && now - start >= UInt64(load) && !isCleared
    }
  }

  private var counters = [Counter(), Counter()]

  public override var isInterrupting: Bool { counters.contains { $0.isRaised(at: now) } }

  public override func load(_ offset: UInt32) -> UInt32 {
    _ = super.load(offset)
    let counter = counters[Int(offset >> 5)]
    switch offset & 0x1F {
    case 0x04: return counter.value(at: now)
    case 0x08: return counter.control
    default: return 0
    }
  }

  public override func store(_ offset: UInt32, _ value: UInt32) {
    super.store(offset, value)
    let place = Int(offset >> 5)
    switch offset & 0x1F {
    case 0x00:
      counters[place].load = value
      counters[place].start = now
      counters[place].isCleared = false
    case 0x08: counters[place].control = value
    case 0x0C: counters[place].isCleared = true
    default: break
    }
  }
}

/// An Exynos multi core timer. A comparator sees only the one moment when the counter comes to its value.
public final class ScriptedMultiCoreTimer: ScriptedClock {
  private var comparators = [UInt64](repeating: 0, count: 4)
  private var control: UInt32 = 0
  private var enabled: UInt32 = 0
  private var raised: UInt32 = 0
  private var written: UInt32 = 0
  private var seen: UInt64 = 0
  /// The driver wrote before the write before had taken effect.
  public private(set) var isHurried = false

  public override var isInterrupting: Bool {
    look()
    return raised & enabled != 0
  }

  /// What happened since the last look.
  private func look() {
    for place in 0..<4 where control >> (2 * place) & 1 != 0 {
      if comparators[place] > seen, comparators[place] <= now { raised |= 1 << place }
    }
    seen = now
  }

  public override func load(_ offset: UInt32) -> UInt32 {
    _ = super.load(offset)
    look()
    switch offset {
    case 0x100: return control & 0x100 != 0 ? UInt32(truncatingIfNeeded: now) : 0
    case 0x104: return control & 0x100 != 0 ? UInt32(now >> 32) : 0
    case 0x240: return control
    case 0x244: return raised
    case 0x248: return enabled
    case 0x24C: return written
    default: return 0
    }
  }

  public override func store(_ offset: UInt32, _ value: UInt32) {
    super.store(offset, value)
    look()
    switch offset {
    case 0x200..<0x240:
      let place = Int(offset - 0x200) >> 4
      let isUpper = offset & 4 != 0
      let other = comparators[place] & (isUpper ? 0xFFFF_FFFF : ~0xFFFF_FFFF)
      comparators[place] = other | UInt64(value) << (isUpper ? 32 : 0)
      wrote(1 << (UInt32(place) * 4 + (isUpper ? 1 : 0)))
    case 0x240:
      control = value
      wrote(1 << 16)
    case 0x244: raised &= ~value
    case 0x248: enabled = value
    case 0x24C: written &= ~value
    default: break
    }
  }

  private func wrote(_ bit: UInt32) {
    isHurried = isHurried || written != 0
    written |= bit
  }
}

/// Allwinner's timers, of which there are two.
public final class ScriptedAllwinnerTimer: ScriptedClock {
  private struct Counter {
    var control: UInt32 = 0
    var interval: UInt32 = 0
    var start: UInt64 = 0
  }

  private var counters = [Counter(), Counter()]
  private var enabled: UInt32 = 0
  private var raised: UInt32 = 0

  public override var isInterrupting: Bool {
    look()
    return raised & enabled != 0
  }

  private func look() {
    for place in 0..<2 where counters[place].control & 0x81 == 0x81 {
      guard now - counters[place].start >= UInt64(counters[place].interval) else { continue }
      counters[place].control &= ~1
      raised |= 1 << place
    }
  }

  public override func load(_ offset: UInt32) -> UInt32 {
    _ = super.load(offset)
    look()
    guard offset >= 0x10 else { return offset == 0 ? enabled : raised }
    let counter = counters[Int(offset >> 4) - 1]
    return offset & 15 == 8
      ? counter.interval &- UInt32(truncatingIfNeeded: now - counter.start) : counter.control
  }

  public override func store(_ offset: UInt32, _ value: UInt32) {
    super.store(offset, value)
    look()
    switch offset {
    case 0x00: enabled = value
    case 0x04: raised &= ~value
    case 0x10, 0x20:
      counters[Int(offset >> 4) - 1].control = value
      if value & 2 != 0 { counters[Int(offset >> 4) - 1].start = now }
    case 0x14, 0x24: counters[Int(offset >> 4) - 1].interval = value
    default: break
    }
  }
}
