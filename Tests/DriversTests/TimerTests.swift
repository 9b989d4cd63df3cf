import Drivers
import ScriptedDevices
import Testing

/// What every timer does.
@Suite struct TimerTests {
  enum Kind: CaseIterable { case dual, multiCore, allwinner }

  /// A timer, started, and the device behind it.
  private func make(_ kind: Kind) -> (timer: BoardTimer<DeviceView>, device: ScriptedClock) {
    let device: ScriptedClock
    let timer: BoardTimer<DeviceView>
    switch kind {
    case .dual:
      device = ScriptedDualTimer()
      timer = BoardTimer(.dual, DeviceView(device))
    case .multiCore:
      device = ScriptedMultiCoreTimer()
      timer = BoardTimer(.multiCore, DeviceView(device))
    case .allwinner:
      device = ScriptedAllwinnerTimer()
      timer = BoardTimer(.allwinner, DeviceView(device))
    }
    timer.start()
    return (timer, device)
  }

  @Test(arguments: Kind.allCases) func countsUp(_ kind: Kind) {
    let (timer, device) = make(kind)
    let start = timer.count
    device.now += 1_000
    let passed = timer.count - start
    #expect((1_000...1_010).contains(passed))
    #expect(!device.isInterrupting)
  }

  @Test(arguments: Kind.allCases) func interruptsOnceAndInTime(_ kind: Kind) {
    let (timer, device) = make(kind)
    timer.setAlarm(after: 500)
    device.now += 400
    #expect(!device.isInterrupting)
    device.now += 100
    #expect(device.isInterrupting)
    timer.endAlarm()
    #expect(!device.isInterrupting)
    device.now += 10_000
    #expect(!device.isInterrupting)
  }

  /// However late it is when it is set.
  @Test(arguments: Kind.allCases) func interruptsAtOnce(_ kind: Kind) {
    let (timer, device) = make(kind)
    device.step = 20
    timer.setAlarm(after: 1)
    device.now += 2_000
    #expect(device.isInterrupting)
  }

  @Test(arguments: Kind.allCases) func aNewAlarmReplacesTheOld(_ kind: Kind) {
    let (timer, device) = make(kind)
    timer.setAlarm(after: 500)
    timer.setAlarm(after: 5_000)
    device.now += 1_000
    #expect(!device.isInterrupting)
    device.now += 4_000
    #expect(device.isInterrupting)
  }

  /// Samsung's registers take effect later: nothing is written before.
  @Test func multiCoreTimerWaits() throws {
    let (timer, device) = make(.multiCore)
    timer.setAlarm(after: 10)
    timer.setAlarm(after: 1_000)
    #expect(try !#require(device as? ScriptedMultiCoreTimer).isHurried)
  }

  /// Each CPU has its own alarm.
  @Test func multiCoreTimerHasTwoAlarms() {
    let device = ScriptedMultiCoreTimer()
    let timers = [0, 1].map { BoardTimer(.multiCore, DeviceView(device), cpu: $0) }
    for timer in timers { timer.start() }
    timers[0].setAlarm(after: 5_000)
    timers[1].setAlarm(after: 500)
    device.now += 1_000
    #expect(!device.isInterrupting(0) && device.isInterrupting(1))
    timers[1].endAlarm()
    device.now += 5_000
    #expect(device.isInterrupting(0) && !device.isInterrupting(1))
  }

  /// The upper half changes between the reads of the two.
  @Test func multiCoreTimerCounts64Bits() {
    let (timer, device) = make(.multiCore)
    device.now = 0x0000_0007_FFFF_FFF0
    for _ in 0..<20 {
      let before = device.now
      let count = timer.count
      #expect(count >= before && count <= device.now)
    }
  }
}

@Suite struct WideCounterTests {
  @Test func goesOnWhereTheTimerWrapsAround() {
    var counter = WideCounter()
    #expect(counter.time(of: 0x7000_0000, isWide: false) == 0x7000_0000)
    #expect(counter.time(of: 0xE000_0000, isWide: false) == 0xE000_0000)
    #expect(counter.time(of: 0x10, isWide: false) == 0x1_0000_0010)
    #expect(counter.time(of: 0x10, isWide: false) == 0x1_0000_0010)
    #expect(counter.time(of: 0x7FFF_FFFF, isWide: false) == 0x1_7FFF_FFFF)
  }

  @Test(arguments: [false, true]) func neverGoesBack(isWide: Bool) {
    var counter = WideCounter()
    #expect(counter.time(of: 1_000, isWide: isWide) == 1_000)
    #expect(counter.time(of: 990, isWide: isWide) == 1_000)
    #expect(counter.time(of: 1_001, isWide: isWide) == 1_001)
  }

  @Test func leaves64BitsAsTheyAre() {
    var counter = WideCounter()
    #expect(counter.time(of: 1 << 40, isWide: true) == 1 << 40)
  }
}
