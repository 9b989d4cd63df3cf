// The timers of boards without a generic timer. Each has a counter that never stops and an alarm; `BoardTimer` is the one that
// the board's device tree names.

/// A timer of a board.
public protocol TimerDevice {
  /// Ticks in a second.
  var frequency: UInt32 { get }
  /// Lets the counter run, from anywhere, and the alarm be silent.
  func start()
  /// The counter: 64 bits, or 32 that wrap around.
  var count: UInt64 { get }
  var isWide: Bool { get }
  /// Interrupts once when some ticks have passed, at least one, instead of at the time it was set to before.
  func setAlarm(after ticks: UInt32)
  /// Ends the interrupt of an alarm.
  func endAlarm()
}

/// One of the timers that there are drivers for.
public enum BoardTimer<Registers: DeviceRegisters>: TimerDevice {
  case dual(DualTimer<Registers>)
  case multiCore(MultiCoreTimer<Registers>)
  case allwinner(AllwinnerTimer<Registers>)

  public var frequency: UInt32 {
    switch self {
    case .dual(let timer): timer.frequency
    case .multiCore(let timer): timer.frequency
    case .allwinner(let timer): timer.frequency
    }
  }

  public var isWide: Bool {
    switch self {
    case .dual(let timer): timer.isWide
    case .multiCore(let timer): timer.isWide
    case .allwinner(let timer): timer.isWide
    }
  }

  public func start() {
    switch self {
    case .dual(let timer): timer.start()
    case .multiCore(let timer): timer.start()
    case .allwinner(let timer): timer.start()
    }
  }

  public var count: UInt64 {
    switch self {
    case .dual(let timer): timer.count
    case .multiCore(let timer): timer.count
    case .allwinner(let timer): timer.count
    }
  }

  public func setAlarm(after ticks: UInt32) {
    switch self {
    case .dual(let timer): timer.setAlarm(after: ticks)
    case .multiCore(let timer): timer.setAlarm(after: ticks)
    case .allwinner(let timer): timer.setAlarm(after: ticks)
    }
  }

  public func endAlarm() {
    switch self {
    case .dual(let timer): timer.endAlarm()
    case .multiCore(let timer): timer.endAlarm()
    case .allwinner(let timer): timer.endAlarm()
    }
  }
}

/// A counter of 64 bits that never goes back, from a timer's, which may have fewer and is looked at twice before it wraps
/// around. QEMU's multi core timer goes back a little when its alarm is set.
public struct WideCounter {
  private var last: UInt64 = 0

  public init() {}

  /// The time of a count.
  @inline(never) public mutating func time(of count: UInt64, isWide: Bool) -> UInt64 {
    let difference = count &- last
    let passed =
      isWide ? Int64(bitPattern: difference) : Int64(Int32(truncatingIfNeeded: difference))
    if passed > 0 { last &+= UInt64(bitPattern: passed) }
    return last
  }
}
