/// ARM's dual timer module (SP804, DDI 0271): two counters of 32 bits that count down. The second runs for ever, the first
/// is the alarm. ARM's boards drive both with 1 MHz.
public struct DualTimer<Registers: DeviceRegisters>: TimerDevice {
  private let registers: Registers

  public init(_ registers: Registers) { self.registers = registers }

  public var frequency: UInt32 { 1_000_000 }
  public var isWide: Bool { false }

  /// TimerXControl: TimerEn 7, IntEnable 5, TimerSize (32 bits) 1, OneShot 0.
  public func start() {
    registers.write32(0x08, 0)
    endAlarm()
    registers.write32(0x28, 0)
    registers.write32(0x20, ~0)
    registers.write32(0x28, 0x82)
  }

  /// Timer2Value.
  public var count: UInt64 { UInt64(~registers.read32(0x24)) }

  /// Timer1Control, Timer1Load.
  public func setAlarm(after ticks: UInt32) {
    registers.write32(0x08, 0)
    registers.write32(0x00, ticks)
    registers.write32(0x08, 0xA3)
  }

  /// Timer1IntClr.
  public func endAlarm() { registers.write32(0x0C, 0) }
}
