/// Allwinner's timers (A10 user manual, 9): six counters of 32 bits at 24 MHz that count down. The second runs for ever, the
/// first is the alarm.
struct AllwinnerTimer<Registers: DeviceRegisters> {
  private let registers: Registers

  init(_ registers: Registers) { self.registers = registers }

  /// TMRn_CTRL: single 7, 24 MHz 2, reload 1, enable 0; TMR1_INTV; TMR_IRQ_EN.
  func start() {
    registers.write32(0x10, 0)
    endAlarm()
    registers.write32(0x00, 1)
    registers.write32(0x24, ~0)
    registers.write32(0x20, 0x07)
  }

  /// TMR1_CUR.
  var count: UInt64 { UInt64(~registers.read32(0x28)) }

  /// TMR0_CTRL, TMR0_INTV. Between stop and start two of its cycles have to pass (A10 user manual, 9.2.3); a read of the
  /// device takes longer.
  func setAlarm(after ticks: UInt32) {
    registers.write32(0x10, 0)
    registers.write32(0x14, ticks)
    _ = registers.read32(0x18)
    registers.write32(0x10, 0x87)
  }

  /// TMR_IRQ_STA.
  func endAlarm() { registers.write32(0x04, 1) }
}
