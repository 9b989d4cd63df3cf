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

/// An Exynos multi core timer with two local timers.
public final class ScriptedMultiCoreTimer: ScriptedClock {
  private struct Local {
    var tick: UInt64 = 0
    var count: UInt64 = 0
    var control: UInt32 = 0
    var start: UInt64 = 0
    var isRaised = false
    var isEnabled = false
    var written: UInt32 = 0
  }

  private var locals = [Local(), Local()]
  private var control: UInt32 = 0
  /// The driver wrote before the write before had taken effect.
  public private(set) var isHurried = false

  public override var isInterrupting: Bool { isInterrupting(0) || isInterrupting(1) }

  /// Whether a CPU's interrupt is raised.
  public func isInterrupting(_ cpu: Int) -> Bool {
    look()
    return locals[cpu].isRaised && locals[cpu].isEnabled
  }

  /// What happened since the last look.
  private func look() {
    for cpu in 0..<2 where locals[cpu].control & 3 == 3 {
      let local = locals[cpu]
      guard now - local.start >= (local.tick + 1) * (local.count + 1) else { continue }
      locals[cpu].isRaised = true
      // It is not started again.
      locals[cpu].control = 0x80
    }
  }

  public override func load(_ offset: UInt32) -> UInt32 {
    _ = super.load(offset)
    look()
    switch offset {
    case 0x100: return control & 0x100 != 0 ? UInt32(truncatingIfNeeded: now) : 0
    case 0x104: return control & 0x100 != 0 ? UInt32(now >> 32) : 0
    case 0x240: return control
    case 0x340: return locals[0].written
    case 0x440: return locals[1].written
    default: return 0
    }
  }

  public override func store(_ offset: UInt32, _ value: UInt32) {
    super.store(offset, value)
    look()
    switch offset {
    case 0x240: control = value
    case 0x300..<0x500: store(&locals[Int(offset >> 8) - 3], offset & 0xFF, value)
    default: break
    }
  }

  private func store(_ local: inout Local, _ offset: UInt32, _ value: UInt32) {
    switch offset {
    case 0x00:
      local.tick = UInt64(value)
      wrote(&local, 1)
    case 0x08:
      local.count = UInt64(value & 0x7FFF_FFFF)
      wrote(&local, 2)
    case 0x20:
      local.control = value
      local.start = now
      wrote(&local, 8)
    case 0x30: local.isRaised = local.isRaised && value & 1 == 0
    case 0x34: local.isEnabled = value & 1 != 0
    case 0x40: local.written &= ~value
    default: break
    }
  }

  private func wrote(_ local: inout Local, _ bit: UInt32) {
    isHurried = isHurried || local.written != 0
    local.written |= bit
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
