/// Samsung's multi core timer (Exynos 4210 user's manual, chapter 24): a counter of 64 bits at 24 MHz that counts up, and for
/// each CPU a local timer, which is its alarm. What is written takes effect a little later, which a status register tells.
///
/// The counter's comparators would be alarms too. But they share their control register, and QEMU puts the counter back when
/// one is set.
struct MultiCoreTimer<Registers: DeviceRegisters> {
  private let registers: Registers
  /// Where the local timer's registers are.
  private let local: UInt32

  /// - Parameter cpu: the number of the CPU that has the alarm, from 0 on.
  init(_ registers: Registers, cpu: UInt32) {
    self.registers = registers
    local = 0x300 &+ cpu &<< 8
  }

  /// G_TCON, without comparators; L_INT_ENB. Every CPU may do that.
  func start() {
    registers.write32(0x240, 0x100)
    registers.write32(local &+ 0x34, 1)
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

  /// Stops the local timer (L_TCON) and starts it again, with the product of two numbers, to both of which 1 is added
  /// (L_ICNTB, bit 31: at once; L_TCNTB). QEMU adds 1 more to the one that is not being written, so that order is wanted.
  func setAlarm(after ticks: UInt32) {
    write(0x20, 0, written: 8)
    write(0x08, ticks &>> 1 | 1 &<< 31, written: 2)
    write(0x00, 1, written: 1)
    write(0x20, 3, written: 8)
  }

  /// L_INT_CSTAT.
  func endAlarm() { registers.write32(local &+ 0x30, 1) }

  /// Writes, and waits until it has taken effect: that is a bit of L_WSTAT, which is cleared by writing it.
  @inline(never) private func write(_ offset: UInt32, _ value: UInt32, written bit: UInt32) {
    registers.write32(local &+ offset, value)
    registers.wait(until: local &+ 0x40, has: bit)
    registers.write32(local &+ 0x40, bit)
  }
}
