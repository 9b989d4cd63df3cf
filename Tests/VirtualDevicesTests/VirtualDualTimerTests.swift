import SeededRandom
import Testing
import VirtualDevices

/// The timers in a class: expectations take what can be copied.
final class DualTimer {
  private var device = VirtualDualTimer()
  var now: UInt64 = 0

  subscript(_ offset: UInt32) -> UInt32 {
    get { device.read(offset: offset, at: now) }
    set { device.write(newValue, offset: offset, at: now) }
  }

  var deadline: UInt64 { device.look(at: now).deadline }
  var isInterrupting: Bool { device.look(at: now).isInterrupting }
}

/// Offsets of the first timer's registers; the second's are 0x20 behind.
private enum Register {
  static let load: UInt32 = 0x00, value: UInt32 = 0x04, control: UInt32 = 0x08, clear: UInt32 = 0x0C
  static let raw: UInt32 = 0x10, masked: UInt32 = 0x14, backgroundLoad: UInt32 = 0x18
}

/// Bits of TimerControl.
private enum Control {
  static let oneShot: UInt32 = 1, wide: UInt32 = 2, by16: UInt32 = 4, by256: UInt32 = 8
  static let interrupts: UInt32 = 0x20, periodic: UInt32 = 0x40, enabled: UInt32 = 0x80
}

/// What the manual (DDI 0271) says.
@Suite struct VirtualDualTimerTests {
  /// The summary of registers.
  @Test func powerOn() {
    let timer = DualTimer()
    timer.now = 5000
    for base in [0, 0x20] as [UInt32] {
      #expect((0..<7).map { timer[base + $0 * 4] } == [0, ~0, 0x20, 0, 0, 0, 0])
    }
    #expect(timer.deadline == ~0)
    #expect(!timer.isInterrupting)
  }

  /// TimerPeriphID0…3 and TimerPCellID0…3; nothing else answers.
  @Test func identification() {
    let timer = DualTimer()
    let bytes = stride(from: 0xFE0 as UInt32, through: 0xFFC, by: 4).map { timer[$0] }
    #expect(bytes == [0x04, 0x18, 0x14, 0x00, 0x0D, 0xF0, 0x05, 0xB1])
    for offset in stride(from: 0x40 as UInt32, to: 0xFE0, by: 4) {
      timer[offset] = ~0
      #expect(timer[offset] == 0)
    }
  }

  /// Free-running: from zero to the highest value, whatever was loaded.
  @Test(arguments: [(0, 0xFFFF), (Control.wide, 0xFFFF_FFFF)] as [(UInt32, UInt32)])
  func freeRunning(size: UInt32, highest: UInt32) {
    let timer = DualTimer()
    timer[Register.load] = 10
    timer[Register.control] = Control.enabled | Control.interrupts | size
    #expect(timer.deadline == 10)
    timer.now = 9
    #expect(timer[Register.value] == 1 && !timer.isInterrupting)
    timer.now = 10
    #expect(timer[Register.value] == 0 && timer.isInterrupting)
    #expect(timer.deadline == 11 + UInt64(highest))
    timer[Register.clear] = 0
    timer.now = 11
    #expect(timer[Register.value] == highest)
    #expect(timer.deadline == 11 + UInt64(highest))
    // Many times around, with nobody looking.
    timer.now = 10 + (UInt64(highest) + 1) * 12_345 + 5
    #expect(timer[Register.value] == highest - 4)
  }

  /// Periodic, as Linux's tick: zero lasts a count too.
  @Test func periodic() {
    let timer = DualTimer()
    timer.now = 100
    timer[Register.load] = 3
    timer[Register.control] = Control.enabled | Control.interrupts | Control.wide | Control.periodic
    var values: [UInt32] = []
    for now in 100..<110 as Range<UInt64> {
      timer.now = now
      values.append(timer[Register.value])
    }
    #expect(values == [3, 2, 1, 0, 3, 2, 1, 0, 3, 2])
    #expect(timer[Register.raw] == 1 && timer[Register.masked] == 1)
    timer[Register.clear] = ~0
    #expect(timer[Register.raw] == 0)
    #expect(timer.deadline == 111)
    timer.now = 103 + 4 * 1_000_000_007
    #expect(timer[Register.value] == 0)
    timer.now += 1
    #expect(timer[Register.value] == 3)
  }

  /// Linux's clock source: the second timer, periodic from the highest value, without interrupts. It is loaded while it
  /// is off and has 16 bits.
  @Test func clockSource() {
    let timer = DualTimer()
    timer[0x20 + Register.control] = 0
    timer[0x20 + Register.load] = ~0
    timer[0x20 + Register.value] = ~0
    timer[0x20 + Register.control] = Control.enabled | Control.wide | Control.periodic
    for now in [0, 1, 0xFFFF_FFFE, 0xFFFF_FFFF, 0x1_0000_0000, 0x7_1234_5678, 0x1234_0000_0001] as [UInt64] {
      timer.now = now
      #expect(timer[0x20 + Register.value] == ~UInt32(truncatingIfNeeded: now))
      #expect(timer.deadline == ~0)
      #expect(!timer.isInterrupting)
    }
    #expect(timer[0x20 + Register.raw] == 1 && timer[0x20 + Register.masked] == 0)
    #expect(timer[Register.value] == ~0)
  }

  /// One shot, as Linux's next event: stops at zero until Load is written.
  @Test func oneShot() {
    let timer = DualTimer()
    let control = Control.enabled | Control.interrupts | Control.wide | Control.oneShot
    timer[Register.load] = 15
    timer[Register.control] = control
    timer.now = 14
    #expect(timer[Register.value] == 1 && timer.deadline == 15)
    timer.now = 1000
    #expect(timer.isInterrupting && timer[Register.value] == 0 && timer.deadline == ~0)
    timer[Register.clear] = 1
    timer.now = 2000
    #expect(!timer.isInterrupting && timer[Register.value] == 0)
    timer[Register.control] = control
    #expect(!timer.isInterrupting && timer.deadline == ~0)
    timer[Register.load] = 7
    #expect(timer.deadline == 2007)
    // Without one shot it goes on.
    timer.now = 2010
    timer[Register.control] = control & ~Control.oneShot | Control.periodic
    timer[Register.clear] = 1
    #expect(timer[Register.value] == 0 && timer.deadline == 2018)
  }

  /// Load begins anew at once; BGLoad is what comes after the next zero; both read as what was written last.
  @Test func loads() {
    let timer = DualTimer()
    timer[Register.load] = 100
    timer[Register.control] = Control.enabled | Control.interrupts | Control.wide | Control.periodic
    timer.now = 40
    #expect(timer[Register.value] == 60)
    timer[Register.load] = 50
    #expect(timer[Register.value] == 50)
    timer[Register.backgroundLoad] = 20
    #expect(timer[Register.value] == 50 && timer[Register.load] == 20 && timer[Register.backgroundLoad] == 20)
    timer.now = 91
    #expect(timer[Register.value] == 20 && timer.isInterrupting)
  }

  /// The least value is 1; 0 interrupts at once, even a timer that is off.
  @Test func nothingToCount() {
    let timer = DualTimer()
    timer[Register.load] = 0
    #expect(timer.isInterrupting)
    timer[Register.clear] = 0
    #expect(!timer.isInterrupting)
    timer[Register.backgroundLoad] = 9
    timer[Register.control] = Control.enabled | Control.interrupts | Control.periodic
    #expect(!timer.isInterrupting && timer.deadline == 10)
  }

  @Test(arguments: [(0, 1), (Control.by16, 16), (Control.by256, 256)] as [(UInt32, UInt64)])
  func prescale(bits: UInt32, ticks: UInt64) {
    let timer = DualTimer()
    timer.now = 77
    timer[Register.control] = Control.enabled | Control.interrupts | Control.wide | Control.periodic | bits
    timer[Register.load] = 1000
    timer.now = 77 + ticks - 1
    #expect(timer[Register.value] == 1000)
    timer.now += 1
    #expect(timer[Register.value] == 999)
    #expect(timer.deadline == 77 + 1000 * ticks)
    timer.now = 77 + 1000 * ticks
    #expect(timer.isInterrupting)
    timer[Register.clear] = 0
    #expect(timer.deadline == 77 + 2001 * ticks)
  }

  /// A timer that is off keeps its value.
  @Test func off() {
    let timer = DualTimer()
    let control = Control.enabled | Control.interrupts | Control.wide
    timer[Register.load] = 100
    timer[Register.control] = control
    timer.now = 30
    timer[Register.control] = control & ~Control.enabled
    timer.now = 1000
    #expect(timer[Register.value] == 70 && timer.deadline == ~0)
    timer[Register.control] = control
    #expect(timer.deadline == 1070)
  }

  /// Either timer raises the one interrupt, unless its IntEnable is off.
  @Test func bothTimers() {
    let timer = DualTimer()
    for base in [0, 0x20] as [UInt32] {
      timer[base + Register.load] = 10 + base
      timer[base + Register.control] = Control.enabled | Control.interrupts | Control.oneShot
    }
    #expect(timer.deadline == 10)
    timer.now = 20
    #expect(timer.isInterrupting && timer.deadline == 0x2A)
    timer.now = 50
    timer[Register.clear] = 0
    #expect(timer.isInterrupting)
    timer[0x20 + Register.control] = 0
    #expect(!timer.isInterrupting && timer[0x20 + Register.raw] == 1)
  }
}

/// One timer, a tick at a time.
private struct SlowTimer {
  var control: UInt32 = 0x20
  var load: UInt32 = 0
  var value: UInt32 = ~0
  var isRaised = false
  /// What it goes on from after zero; nil when it stays there.
  private var next: UInt32? = ~0
  /// Ticks of the count that have passed.
  private var passed = 0

  private var highest: UInt32 { isEnabled && control & Control.wide == 0 ? 0xFFFF : ~0 }
  private var isEnabled: Bool { control & Control.enabled != 0 }
  private var ticks: Int { [1, 16, 256, 4096][Int(control >> 2 & 3)] }
  var isInterrupting: Bool { isRaised && control & Control.interrupts != 0 }

  private mutating func settleNext() {
    next = control & Control.oneShot != 0 ? nil : control & Control.periodic != 0 ? load & highest : highest
  }

  /// - Returns: whether it interrupts, or does so again.
  @discardableResult mutating func tick() -> Bool {
    guard isEnabled, value != 0 || next != nil else { return false }
    passed += 1
    guard passed == ticks else { return false }
    passed = 0
    value = value == 0 ? next! : value - 1
    guard value == 0 else { return false }
    isRaised = true
    settleNext()
    return isInterrupting
  }

  private mutating func begin(_ first: UInt32) {
    value = first & highest
    passed = 0
    if isEnabled, value == 0 { settleNext() }
  }

  mutating func write(_ written: UInt32, _ register: UInt32) {
    switch register {
    case Register.load:
      load = written
      begin(written)
      if value == 0 { isRaised = true }
    case Register.control:
      control = written & 0xEF
      begin(value)
    case Register.clear: isRaised = false
    case Register.backgroundLoad: load = written
    default: break
    }
  }

  func read(_ register: UInt32) -> UInt32 {
    switch register {
    case Register.load, Register.backgroundLoad: load
    case Register.value: value
    case Register.control: control
    case Register.raw: isRaised ? 1 : 0
    case Register.masked: isInterrupting ? 1 : 0
    default: 0
    }
  }
}

/// Whatever a guest does, the timers are as if they had counted every tick.
@Suite struct DualTimerPropertyTests {
  private struct Run {
    let timer = DualTimer()
    var slow = [SlowTimer(), SlowTimer()]
    var random: SeededGenerator

    init(seed: UInt64) {
      random = SeededGenerator(seed: seed)
      timer.now = UInt64.random(in: 0..<1 << 40, using: &random)
    }

    mutating func wait() {
      let longest: Int = [1, 2, 20, 300, 5000].randomElement(using: &random)!
      for _ in 0..<Int.random(in: 0...longest, using: &random) {
        timer.now += 1
        for index in 0..<2 { slow[index].tick() }
      }
    }

    /// Values that are small, or near the border of 16 bits.
    private mutating func number() -> UInt32 {
      let base: UInt32 = [0, 0, 0, 100, 0xFFF8, 0x1_0000, ~0 - 8].randomElement(using: &random)!
      return base + UInt32.random(in: 0...8, using: &random)
    }

    mutating func write() {
      let index = Int.random(in: 0..<2, using: &random)
      let register = UInt32.random(in: 0..<8, using: &random) * 4
      var value = number()
      if register == Register.control { value = UInt32.random(in: 0...0x1FF, using: &random) }
      if register == Register.control, Int.random(in: 0..<4, using: &random) != 0 { value |= Control.enabled }
      if register == Register.control, Bool.random(using: &random) { value &= ~0xC }
      timer[UInt32(index) * 0x20 + register] = value
      slow[index].write(value, register)
    }

    /// When the slow timers interrupt next, if that is within some ticks.
    func deadline(within ticks: UInt64) -> UInt64? {
      var later = slow
      for tick in 1...ticks {
        for index in 0..<2 where later[index].tick() { return timer.now + tick }
      }
      return nil
    }
  }

  @Test(arguments: 1...12 as ClosedRange<UInt64>) func likeTickByTick(seed: UInt64) {
    var run = Run(seed: seed)
    for step in 0..<400 {
      run.wait()
      if step % 3 != 0 { run.write() }
      if step % 7 == 0 { continue }  // nobody looks
      #expect(run.timer.isInterrupting == (run.slow[0].isInterrupting || run.slow[1].isInterrupting))
      for register in stride(from: 0 as UInt32, to: 0x40, by: 4) {
        #expect(
          run.timer[register] == run.slow[Int(register / 0x20)].read(register % 0x20),
          "seed \(seed), step \(step), register \(register)")
      }
      if let deadline = run.deadline(within: 400) {
        #expect(run.timer.deadline == deadline, "seed \(seed), step \(step)")
      } else {
        #expect(run.timer.deadline > run.timer.now + 400, "seed \(seed), step \(step)")
      }
    }
  }
}
