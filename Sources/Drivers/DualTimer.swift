/// ARM's dual timer module (SP804, DDI 0271): two counters of 32 bits that count down. The second runs for ever, the first
/// is the alarm. ARM's boards drive both with 1 MHz.
struct DualTimer<Registers: DeviceRegisters> {
  private let registers: Registers

  init(_ registers: Registers) { self.registers = registers }

  /// TimerXControl: TimerEn 7, IntEnable 5, TimerSize (32 bits) 1, OneShot 0.
  func start() {
    registers.write32(0x08, 0)
    endAlarm()
    registers.write32(0x28, 0)
    registers.write32(0x20, ~0)
    registers.write32(0x28, 0x82)
  }

  /// Timer2Value.
  var count: UInt64 { UInt64(~registers.read32(0x24)) }

  /// Timer1Control, Timer1Load.
  func setAlarm(after ticks: UInt32) {
    registers.write32(0x08, 0)
    registers.write32(0x00, ticks)
    registers.write32(0x08, 0xA3)
  }

  /// Timer1IntClr.
  func endAlarm() { registers.write32(0x0C, 0) }
}
