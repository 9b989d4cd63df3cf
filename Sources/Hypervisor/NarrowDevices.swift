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

  /// Lets the counter run, and the controller deliver to this CPU its alarm, and alerts.
  /// - Parameter isFirst: whether the controller is to deliver nothing else to anybody.
  mutating func start(alarm: InterruptNumber, isFirst: Bool) {
    self.alarm = alarm
    timer.start()
    controller.start(PhysicalInterrupt.alert, alarm, isFirst: isFirst)
  }

  // MARK: Interrupts

  /// The most urgent interrupt; the alarm has the number that it has everywhere.
  public mutating func acknowledge() -> UInt32 {
    acknowledged = controller.acknowledge()
    return acknowledged & 0x3FF == alarm.rawValue ? PhysicalInterrupt.alarm.rawValue : acknowledged & 0x3FF
  }

  /// What was acknowledged last is over: its device raises it no more.
  public func end() { controller.end(acknowledged) }

  /// Interrupts other CPUs (GICD_SGIR).
  public func alert(_ command: UInt32) { controller.alert(command) }

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

  /// The time in ticks of the counter for one in microseconds, when both times are now; all ones stay.
  @inline(__always)
  public func time(_ deadline: UInt64, at microseconds: UInt64, _ now: UInt64) -> UInt64 {
    if timer.ticksPerMicrosecond == 1 || deadline == ~0 { return deadline }
    return now &+ (deadline &- microseconds) &* UInt64(timer.ticksPerMicrosecond)
  }

  /// Ticks since the counter began. It has to be read twice before the timer's wraps around.
  @inline(never) public mutating func counter() -> UInt64 { time.time(of: timer.count, isWide: timer.isWide) }

  /// Interrupts at a time, at most 2³⁰ ticks from when the counter was read last; never if it is all ones. What has
  /// interrupted is over.
  @inline(never) public func setAlarm(_ deadline: UInt64) {
    timer.endAlarm()
    guard deadline != ~0 else { return }
    let now = time.last
    timer.setAlarm(after: deadline > now ? UInt32(truncatingIfNeeded: deadline &- now) : 1)
  }
}

extension Core where H: NarrowHardware {
  /// The drivers for what the board has, all of it mapped.
  /// - Parameter place: which of two CPUs this is.
  func findDevices(_ place: Int) -> NarrowDevices<H.Registers> {
    NarrowDevices(controller: findController(place), timer: findTimer(place))
  }

  private func findController(_ place: Int) -> BoardInterruptController<H.Registers> {
    let distance = phone.value.board.narrow.cpuOffset &* UInt32(truncatingIfNeeded: place)
    let distributor = registers(.distributor, phone.value.board.distributor, distance)
    guard phone.value.board.narrow.controllerKind != .allwinnerInterruptController else {
      return BoardInterruptController(.allwinner, distributor, interface: distributor)
    }
    let interface = registers(.redistributor, phone.value.board.cpuInterface, distance)
    return BoardInterruptController(.generic, distributor, interface: interface)
  }

  /// Registers of which each CPU may have its own.
  private func registers(_ slot: DeviceSlot, _ address: UInt64, _ distance: UInt32) -> H.Registers {
    hardware.registers(slot, offset: H.offset(of: address &+ UInt64(distance)))
  }

  private func findTimer(_ place: Int) -> BoardTimer<H.Registers> {
    let registers = hardware.registers(.timer, offset: H.offset(of: phone.value.board.narrow.timer))
    let kind: BoardTimer<H.Registers>.Kind
    switch phone.value.board.narrow.timerKind {
    case .dualTimer: kind = .dual
    case .multiCoreTimer: kind = .multiCore
    default: kind = .allwinner
    }
    return BoardTimer(kind, registers, cpu: UInt32(truncatingIfNeeded: place))
  }
}
