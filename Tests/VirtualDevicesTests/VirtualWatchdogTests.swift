import Testing

@testable import VirtualDevices

/// The watchdog in a class: expectations take what can be copied.
private final class Watchdog {
  private let device = VirtualWatchdog()

  var deadline: UInt64 { device.deadline }
  var isInterrupting: Bool { device.read(offset: 0) & 2 != 0 }
  func expire(at now: UInt64) -> Bool { device.expire(at: now) }
  func read(offset: UInt32) -> UInt64 { device.read(offset: offset) }

  func write(_ value: UInt32, offset: UInt32, isControlFrame: Bool, at now: UInt64) {
    device.write(value, offset: offset, isControlFrame: isControlFrame, at: now)
  }
}

/// The generic watchdog of a guest.
@Suite struct VirtualWatchdogTests {
  private static let control: UInt32 = 0, offset: UInt32 = 8, compareLow: UInt32 = 0x10,
    compareHigh: UInt32 = 0x14

  /// Writes to the control frame.
  private func set(_ watchdog: Watchdog, _ register: UInt32, _ value: UInt32, at now: UInt64) {
    watchdog.write(value, offset: register, isControlFrame: true, at: now)
  }

  @Test func offAtPowerOn() {
    let watchdog = Watchdog()
    #expect(watchdog.deadline == ~0)
    #expect(!watchdog.isInterrupting)
    for register in stride(from: 0 as UInt32, to: 0xFCC, by: 4) {
      #expect(watchdog.read(offset: register) == 0)
    }
    #expect(watchdog.read(offset: 0xFCC) == 0x43B)
  }

  @Test func enabled() {
    let watchdog = Watchdog()
    set(watchdog, Self.offset, 500, at: 10)
    #expect(watchdog.deadline == ~0)
    set(watchdog, Self.control, 1, at: 20)
    #expect(watchdog.deadline == 520)
    #expect(watchdog.read(offset: Self.control) == 1)
    #expect(watchdog.read(offset: Self.offset) == 500)
    #expect(watchdog.read(offset: Self.compareLow) == 520)
    set(watchdog, Self.control, 0, at: 30)
    #expect(watchdog.deadline == ~0)
  }

  /// A time of 32 bits from a counter of 64.
  @Test func farAway() {
    let watchdog = Watchdog()
    set(watchdog, Self.offset, ~0, at: 0)
    set(watchdog, Self.control, 1, at: 0x7_0000_0001)
    #expect(watchdog.deadline == 0x8_0000_0000)
    #expect(watchdog.read(offset: Self.compareHigh) == 8)
    #expect(watchdog.read(offset: Self.compareLow) & 0xFFFF_FFFF == 0)
  }

  /// WRR, WCS and WOR all begin a new time, and take WS0 back.
  @Test(arguments: [(0, false), (0, true), (8, true)] as [(UInt32, Bool)])
  func beginsAnew(register: UInt32, isControlFrame: Bool) {
    let watchdog = Watchdog()
    set(watchdog, Self.offset, 100, at: 0)
    set(watchdog, Self.control, 1, at: 0)
    #expect(!watchdog.expire(at: 100))
    #expect(watchdog.isInterrupting)
    watchdog.write(register == 8 ? 100 : 1, offset: register, isControlFrame: isControlFrame, at: 150)
    #expect(!watchdog.isInterrupting)
    #expect(watchdog.deadline == 250)
    #expect(!watchdog.expire(at: 250))
  }

  @Test func secondTime() {
    let watchdog = Watchdog()
    set(watchdog, Self.offset, 100, at: 0)
    set(watchdog, Self.control, 1, at: 0)
    #expect(!watchdog.expire(at: 105))
    #expect(watchdog.read(offset: Self.control) == 3)
    #expect(watchdog.deadline == 205)
    #expect(watchdog.expire(at: 205))
  }

  /// Two CPUs that look at the same time see one time-out, not two.
  @Test func seenTwice() {
    let watchdog = Watchdog()
    set(watchdog, Self.offset, 100, at: 0)
    set(watchdog, Self.control, 1, at: 0)
    #expect(!watchdog.expire(at: 100))
    #expect(!watchdog.expire(at: 100))
    #expect(watchdog.expire(at: 200))
  }

  /// WS0 and WS1 cannot be written, nor can WCV; the refresh frame has one register.
  @Test func readOnly() {
    let watchdog = Watchdog()
    set(watchdog, Self.control, 0xFFFF_FFFE, at: 0)
    #expect(watchdog.read(offset: Self.control) == 0)
    set(watchdog, Self.offset, 7, at: 0)
    set(watchdog, Self.compareLow, 99, at: 0)
    set(watchdog, Self.compareHigh, 99, at: 0)
    #expect(watchdog.read(offset: Self.compareLow) == 7)
    #expect(watchdog.read(offset: Self.compareHigh) == 0)
    watchdog.write(99, offset: 8, isControlFrame: false, at: 0)
    #expect(watchdog.read(offset: Self.offset) == 7)
  }
}
