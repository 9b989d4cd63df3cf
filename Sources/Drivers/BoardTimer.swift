// The timers of boards without a generic timer. Each has a counter that never stops and an alarm; `BoardTimer` is the one that
// the board's device tree names.

/// A timer of a board.
public protocol TimerDevice {
  /// How fast it counts: whole MHz.
  var ticksPerMicrosecond: UInt32 { get }
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

/// One of the timers that there are drivers for, as one CPU has it.
public struct BoardTimer<Registers: DeviceRegisters>: TimerDevice {
  public enum Kind: Sendable { case dual, multiCore, allwinner }

  private let kind: Kind
  private let registers: Registers
  private let cpu: UInt32

  /// - Parameter cpu: which CPU, where each has an alarm.
  public init(_ kind: Kind, _ registers: Registers, cpu: UInt32 = 0) {
    self.kind = kind
    self.registers = registers
    self.cpu = cpu
  }

  private var dual: DualTimer<Registers> { DualTimer(registers) }
  private var multiCore: MultiCoreTimer<Registers> { MultiCoreTimer(registers, cpu: cpu) }
  private var allwinner: AllwinnerTimer<Registers> { AllwinnerTimer(registers) }

  public var ticksPerMicrosecond: UInt32 {
    kind == .dual ? 1 : 24
  }

  public var isWide: Bool { kind == .multiCore }

  public func start() {
    switch kind {
    case .dual: dual.start()
    case .multiCore: multiCore.start()
    case .allwinner: allwinner.start()
    }
  }

  public var count: UInt64 {
    switch kind {
    case .dual: dual.count
    case .multiCore: multiCore.count
    case .allwinner: allwinner.count
    }
  }

  public func setAlarm(after ticks: UInt32) {
    switch kind {
    case .dual: dual.setAlarm(after: ticks)
    case .multiCore: multiCore.setAlarm(after: ticks)
    case .allwinner: allwinner.setAlarm(after: ticks)
    }
  }

  public func endAlarm() {
    switch kind {
    case .dual: dual.endAlarm()
    case .multiCore: multiCore.endAlarm()
    case .allwinner: allwinner.endAlarm()
    }
  }
}

/// A counter of 64 bits that never goes back, from a timer's, which may have fewer and is looked at twice before it wraps
/// around.
public struct WideCounter {
  /// The time of the count seen last.
  public private(set) var last: UInt64 = 0

  public init() {}

  /// The time of a count.
  @inline(__always) public mutating func time(of count: UInt64, isWide: Bool) -> UInt64 {
    if isWide {
      last = max(last, count)
    } else {
      let passed = Int32(truncatingIfNeeded: count &- last)
      if passed > 0 { last &+= UInt64(UInt32(bitPattern: passed)) }
    }
    return last
  }
}
