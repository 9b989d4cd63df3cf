import Appliance
import ArmArchitecture
import Drivers

/// Interrupt controller and timer of a board without virtualization extensions, whichever its device tree names.
public struct NarrowDevices<Registers: DeviceRegisters> {
  private var controller: BoardInterruptController<Registers>
  private var timer: BoardTimer<Registers>
  private var time = WideCounter()
  private var alarm = InterruptNumber(0)
  /// What `acknowledge` got, as the controller says it.
  private var acknowledged: UInt32 = 0

  public init(controller: BoardInterruptController<Registers>, timer: BoardTimer<Registers>) {
    self.controller = controller
    self.timer = timer
  }

  /// Lets the counter run, and the controller deliver the alarm and nothing else.
  mutating func start(alarm: InterruptNumber) {
    self.alarm = alarm
    timer.start()
    controller.start()
    controller.enable(alarm)
  }

  // MARK: Interrupts

  /// The most urgent interrupt; the alarm has the number that it has everywhere.
  public mutating func acknowledge() -> UInt32 {
    acknowledged = controller.acknowledge()
    return acknowledged & 0x3FF == alarm.rawValue ? PhysicalInterrupt.alarm.rawValue : acknowledged & 0x3FF
  }

  /// What was acknowledged last is over: its device raises it no more.
  public func end() { controller.end(acknowledged) }

  /// Lets the controller deliver a shared interrupt.
  func enable(_ interrupt: InterruptNumber) { controller.enable(interrupt) }

  // MARK: Time

  public var frequency: UInt32 { timer.ticksPerMicrosecond &* 1_000_000 }

  /// A time in ticks of the counter in whole microseconds.
  public func microseconds(_ time: UInt64) -> UInt64 {
    if timer.ticksPerMicrosecond == 1 { return time }
    // By the reciprocal of 24 with 32 fractional bits, the counter's halves one after the other.
    // An Int would have 32 bits there.
    let reciprocal = (1 as UInt64) &<< 32 / 24 &+ 1
    return (time &>> 32) &* reciprocal &+ ((time & 0xFFFF_FFFF) &* reciprocal) &>> 32
  }

  /// Microseconds in ticks of the counter.
  public func ticks(_ microseconds: UInt64) -> UInt64 { microseconds &* UInt64(timer.ticksPerMicrosecond) }

  /// Ticks since the counter began. It has to be read twice before the timer's wraps around.
  @inline(never) public mutating func counter() -> UInt64 { time.time(of: timer.count, isWide: timer.isWide) }

  /// Interrupts at a time, or earlier where that is too far away for the timer; never if it is all ones. What has
  /// interrupted is over.
  @inline(never) public mutating func setAlarm(_ deadline: UInt64) {
    timer.endAlarm()
    guard deadline != ~0 else { return }
    let now = counter()
    let left = deadline > now ? min(deadline &- now, 1 &<< 30) : 1
    timer.setAlarm(after: UInt32(truncatingIfNeeded: left))
  }
}

extension Core where H: NarrowHardware {
  /// The drivers for what the board has, all of it mapped.
  func findDevices() -> NarrowDevices<H.Registers> {
    NarrowDevices(controller: findController(), timer: findTimer())
  }

  private func findController() -> BoardInterruptController<H.Registers> {
    let distributor = hardware.registers(.distributor, offset: H.offset(of: phone.value.board.distributor))
    guard phone.value.board.narrow.controllerKind != .allwinnerInterruptController else {
      return BoardInterruptController(.allwinner, distributor, interface: distributor)
    }
    let interface = hardware.registers(.redistributor, offset: H.offset(of: phone.value.board.cpuInterface))
    return BoardInterruptController(.generic, distributor, interface: interface)
  }

  private func findTimer() -> BoardTimer<H.Registers> {
    let registers = hardware.registers(.timer, offset: H.offset(of: phone.value.board.narrow.timer))
    switch phone.value.board.narrow.timerKind {
    case .dualTimer: return BoardTimer(.dual, registers)
    case .multiCoreTimer: return BoardTimer(.multiCore, registers)
    default: return BoardTimer(.allwinner, registers)
    }
  }
}
