/// Samsung's multi core timer (Exynos 4210 user's manual, chapter 24): a counter of 64 bits at 24 MHz that counts up, and
/// four comparators, of which each CPU has one for its alarm. What is written takes effect a little later, which a status
/// register tells.
struct MultiCoreTimer<Registers: DeviceRegisters> {
  private let registers: Registers
  /// Which comparator.
  private let cpu: UInt32

  /// - Parameter cpu: the number of the CPU that has the alarm, 0…3.
  init(_ registers: Registers, cpu: UInt32) {
    self.registers = registers
    self.cpu = cpu & 3
  }

  /// G_TCON: the counter's start 8, a comparator's enable.
  func start() {
    setControl(registers.read32(0x240) & ~(3 &<< (cpu &* 2)) | 0x100)
    endAlarm()
  }

  /// G_CNT_U, G_CNT_L, G_CNT_U: the upper half may change between.
  var count: UInt64 {
    var upper = registers.read32(0x104)
    while true {
      let lower = registers.read32(0x100)
      let again = registers.read32(0x104)
      if again == upper { return UInt64(upper) &<< 32 | UInt64(lower) }
      upper = again
    }
  }

  /// A comparator interrupts when the counter comes to its value: one that the counter has passed meanwhile is set again.
  func setAlarm(after ticks: UInt32) {
    var ticks = UInt64(ticks)
    while true {
      let time = count &+ ticks
      compare(with: time)
      if count < time || registers.read32(0x244) &>> cpu & 1 != 0 { return }
      ticks = ticks &* 2
    }
  }

  /// G_COMPn_L, G_COMPn_U, G_INT_ENB.
  private func compare(with time: UInt64) {
    let enable: UInt32 = 1 &<< (cpu &* 2)
    setControl(registers.read32(0x240) & ~enable)
    write(0x200 &+ cpu &* 16, UInt32(truncatingIfNeeded: time), written: 1 &<< (cpu &* 4))
    write(0x204 &+ cpu &* 16, UInt32(truncatingIfNeeded: time &>> 32), written: 2 &<< (cpu &* 4))
    registers.write32(0x248, registers.read32(0x248) | 1 &<< cpu)
    setControl(registers.read32(0x240) | enable)
  }

  /// G_INT_CSTAT.
  func endAlarm() { registers.write32(0x244, 1 &<< cpu) }

  private func setControl(_ value: UInt32) { write(0x240, value, written: 1 &<< 16) }

  /// Writes, and waits until it has taken effect: that is a bit of G_WSTAT, which is cleared by writing it.
  @inline(never) private func write(_ offset: UInt32, _ value: UInt32, written bit: UInt32) {
    registers.write32(offset, value)
    registers.wait(until: 0x24C, has: bit)
    registers.write32(0x24C, bit)
  }
}
