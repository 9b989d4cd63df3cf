import Drivers
import Testing

@testable import VirtualDevices

/// A guest's SP804, and the clock that its accesses read.
private final class Board: DeviceRegisters {
  var timer = VirtualDualTimer()
  var now: UInt64 = 1_000

  func read32(_ offset: UInt32) -> UInt32 { timer.read(offset: offset, at: now) }
  func write32(_ offset: UInt32, _ value: UInt32) { timer.write(value, offset: offset, at: now) }
  func read64(_ offset: UInt32) -> UInt64 { 0 }
  func write64(_ offset: UInt32, _ value: UInt64) {}

  /// Lets time pass.
  /// - Returns: whether the interrupt is raised then.
  func pass(_ ticks: UInt64) -> Bool {
    now += ticks
    timer.advance(to: now)
    return timer.isInterrupting
  }
}

@Suite struct VirtualDualTimerTests {
  private let board = Board()

  /// What a guest's driver does, by our own driver for the real one.
  @Test func servesADriver() {
    let driver = DualTimer(board)
    driver.start()
    let start = driver.count
    #expect(!board.pass(500))
    #expect(driver.count - start == 500)
    driver.setAlarm(after: 100)
    #expect(board.timer.deadline == board.now + 100)
    #expect(!board.pass(99))
    #expect(board.pass(1))
    #expect(board.timer.deadline == ~0)
    driver.endAlarm()
    #expect(!board.timer.isInterrupting)
    #expect(!board.pass(1 << 33))
  }

  @Test func atPowerOn() {
    #expect(board.read32(0x04) == 0xFFFF)
    #expect(board.read32(0x08) == 0x20)
    #expect(board.timer.deadline == ~0)
    #expect(!board.pass(1 << 40))
  }

  /// As Linux ticks: periodic, and the interrupt is ended late.
  @Test func periodic() {
    board.write32(0x00, 240)
    board.write32(0x08, 0xE2)
    #expect(!board.pass(239))
    #expect(board.pass(1))
    #expect(board.read32(0x04) == 240)
    #expect(board.pass(100))
    #expect(board.read32(0x04) == 140)
    board.write32(0x0C, 0)
    #expect(board.timer.deadline == board.now + 140)
    // Many periods at once are one interrupt.
    #expect(board.pass(140 + 240 * 1_000_000 + 7))
    board.write32(0x0C, 1)
    #expect(board.read32(0x04) == 233)
    #expect(board.timer.deadline == board.now + 233)
  }

  @Test func oneShot() {
    board.write32(0x20, 50)
    board.write32(0x28, 0xA3)
    #expect(board.pass(1_000))
    #expect(board.read32(0x24) == 0)
    board.write32(0x2C, 0)
    #expect(!board.pass(1 << 34))
    board.write32(0x20, 50)
    #expect(board.pass(50))
  }

  /// A free-running counter wraps around, of 16 bits too.
  @Test(arguments: [(0x80, 0xFFFF), (0x82, 0xFFFF_FFFF)]) func freeRunning(_ control: UInt32, _ last: UInt32) {
    board.write32(0x00, 10)
    board.write32(0x08, control | 0x20)
    #expect(board.pass(10))
    #expect(board.read32(0x04) == 0)
    _ = board.pass(1)
    #expect(board.read32(0x04) == last)
    _ = board.pass(UInt64(last))
    #expect(board.read32(0x04) == 0)
  }

  @Test(arguments: [(0x04, 16), (0x08, 256)]) func prescaled(_ bits: UInt32, _ divisor: UInt64) {
    board.write32(0x00, 100)
    board.write32(0x08, 0xE2 | bits)
    #expect(board.timer.deadline == board.now + 100 * divisor)
    _ = board.pass(50 * divisor)
    #expect(board.read32(0x04) == 50)
    #expect(!board.pass(50 * divisor - 1))
    #expect(board.pass(1))
  }

  /// Without IntEnable it is raised for those who look, and nobody else.
  @Test func masked() {
    board.write32(0x00, 10)
    board.write32(0x08, 0xC2)
    #expect(board.timer.deadline == ~0)
    #expect(!board.pass(20))
    #expect(board.read32(0x10) == 1 && board.read32(0x14) == 0)
    board.write32(0x08, 0xE2)
    #expect(board.read32(0x14) == 1)
    #expect(board.timer.isInterrupting)
  }

  @Test func standsWhileItIsOff() {
    board.write32(0x00, 100)
    board.write32(0x08, 0x82)
    _ = board.pass(40)
    board.write32(0x08, 0x02)
    _ = board.pass(1_000)
    #expect(board.read32(0x04) == 60)
    board.write32(0x08, 0x82)
    _ = board.pass(10)
    #expect(board.read32(0x04) == 50)
  }

  /// The next period is another one.
  @Test func backgroundLoad() {
    board.write32(0x00, 100)
    board.write32(0x08, 0xE2)
    _ = board.pass(30)
    board.write32(0x18, 500)
    #expect(board.read32(0x04) == 70)
    #expect(board.pass(70))
    #expect(board.read32(0x04) == 500)
  }

  /// PrimeCell identification, as Linux' bus driver reads it.
  @Test func identification() {
    let numbers = stride(from: 0xFE0 as UInt32, to: 0x1000, by: 4).map(board.read32)
    #expect(numbers == [0x04, 0x18, 0x14, 0x00, 0x0D, 0xF0, 0x05, 0xB1])
  }

  /// Whatever a guest writes, nothing traps, and a deadline is not in the past.
  @Test func anyWrites() {
    var random = SystemRandomNumberGenerator()
    for _ in 0..<20_000 {
      let offset = UInt32.random(in: 0..<0x10, using: &random) * 4
      let value = Bool.random(using: &random) ? UInt32.random(in: 0...3) : .random(in: 0...(.max))
      board.write32(offset, value)
      _ = board.pass(UInt64.random(in: 0...(1 << UInt64.random(in: 0...36))))
      #expect(board.timer.deadline > board.now)
      _ = board.read32(offset)
    }
  }
}
