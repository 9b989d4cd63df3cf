// The generic timer: two timers for each CPU, level interrupts 27 (virtual) and 30 (physical).

import GuestMachine
import GuestSupport

private let none = ProcessorInterface.spurious
private var first: PrivateInterrupts { PrivateInterrupts(0) }

/// One of the two timers; the raw value is its interrupt.
private enum Timer: UInt64 {
  case virtual = 27
  case physical = 30

  var interrupt: UInt64 { rawValue }
  var isPending: Bool { read32(first.setPending) >> UInt32(interrupt) & 1 == 1 }
  var isVirtual: Bool { self == .virtual }

  func count() -> UInt64 { isVirtual ? read_CNTVCT_EL0() : read_CNTPCT_EL0() }
  func readControl() -> UInt64 { isVirtual ? read_CNTV_CTL_EL0() : read_CNTP_CTL_EL0() }
  func readCompare() -> UInt64 { isVirtual ? read_CNTV_CVAL_EL0() : read_CNTP_CVAL_EL0() }
  func readDelay() -> UInt64 { isVirtual ? read_CNTV_TVAL_EL0() : read_CNTP_TVAL_EL0() }
  func writeControl(_ value: UInt64) { isVirtual ? write_CNTV_CTL_EL0(value) : write_CNTP_CTL_EL0(value) }
  func writeCompare(_ value: UInt64) { isVirtual ? write_CNTV_CVAL_EL0(value) : write_CNTP_CVAL_EL0(value) }
  func writeDelay(_ value: UInt64) { isVirtual ? write_CNTV_TVAL_EL0(value) : write_CNTP_TVAL_EL0(value) }
}

func checkTimers() {
  check("timer frequency", read_CNTFRQ_EL0() >= 1_000_000, read_CNTFRQ_EL0())
  let start = read_CNTVCT_EL0()
  check("timer clock runs", eventually { read_CNTVCT_EL0() > start })
  write32(first.setEnable, 1 << 27 | 1 << 30)
  check(Timer.virtual)
  check(Timer.physical)
  checkBothTimers()
  write32(first.clearEnable, 1 << 27 | 1 << 30)
}

private func check(_ timer: Timer) {
  Console.write(timer.isVirtual ? "# virtual timer\n" : "# physical timer\n")
  checkRegisters(timer)
  checkLevel(timer)
  checkMask(timer)
  checkWaiting(timer)
  timer.writeControl(0)
  expect("timer off", ProcessorInterface.acknowledge(), none)
}

private func checkRegisters(_ timer: Timer) {
  timer.writeControl(0)
  expect("timer control off", timer.readControl() & 3, 0)
  timer.writeCompare(0x1234_5678_9ABC)
  expect("timer compare value", timer.readCompare(), 0x1234_5678_9ABC)
  let before = timer.count()
  timer.writeDelay(1_000_000)
  let compare = timer.readCompare()
  check(
    "timer delay sets the compare value", compare >= before + 1_000_000 && compare <= timer.count() + 1_000_000)
  check("timer delay counts down", timer.readDelay() <= 1_000_000)
  timer.writeDelay(UInt64(UInt32(bitPattern: -100)))
  check("timer negative delay", timer.readCompare() < timer.count())
  timer.writeCompare(~0)
  timer.writeControl(1)
  expect("timer not due", timer.readControl(), 1)
}

/// The interrupt is a level: pending as long as the timer is due, and again after its end.
private func checkLevel(_ timer: Timer) {
  check("timer not pending", !timer.isPending)
  timer.writeCompare(timer.count())
  check("timer due", eventually { timer.readControl() == 5 })
  check("timer pending", timer.isPending)
  expect("timer acknowledged", ProcessorInterface.acknowledge(), timer.interrupt)
  expect("timer active", read32(first.setActive) >> UInt32(timer.interrupt) & 1, 1)
  ProcessorInterface.end(timer.interrupt)
  // QEMU 7.2 does not look at the wire again when a guest's end of a GICv2 interrupt ends the physical one.
  if !(Report.underPocketvisor && InterruptController.isVersion2) {
    expect("timer comes again while due", ProcessorInterface.acknowledge(), timer.interrupt)
  }
  timer.writeControl(0)
  ProcessorInterface.end(timer.interrupt)
  check("timer off is not pending", !timer.isPending)
  expect("timer off does not come", ProcessorInterface.acknowledge(), none)
}

private func checkMask(_ timer: Timer) {
  timer.writeControl(3)
  expect("timer masked is due", timer.readControl(), 7)
  check("timer masked is not pending", !timer.isPending)
  expect("timer masked does not come", ProcessorInterface.acknowledge(), none)
  timer.writeControl(1)
  expect("timer unmasked comes", ProcessorInterface.acknowledge(), timer.interrupt)
  timer.writeCompare(~0)
  ProcessorInterface.end(timer.interrupt)
  expect("timer put off does not come", ProcessorInterface.acknowledge(), none)
}

/// WFI until the timer, several times; the clock must have come as far.
private func checkWaiting(_ timer: Timer) {
  var early: UInt64 = 0
  var late: UInt64 = 0
  for round in 0..<UInt64(20) {
    let due = timer.count() + 2_000 * (round + 1)
    timer.writeCompare(due)
    timer.writeControl(1)
    while timer.readControl() & 4 == 0 { wait_for_interrupt() }
    if timer.count() < due { early += 1 }
    if ProcessorInterface.acknowledge() != timer.interrupt { late += 1 }
    timer.writeControl(0)
    ProcessorInterface.end(timer.interrupt)
  }
  expect("timer waiting ends not early", early, 0)
  expect("timer waiting ends with the interrupt", late, 0)
}

/// Both at once; the more urgent one first.
private func checkBothTimers() {
  write8(first.priority(30), 0x40)
  Timer.virtual.writeCompare(0)
  Timer.virtual.writeControl(1)
  Timer.physical.writeCompare(0)
  Timer.physical.writeControl(1)
  expect("timers the urgent one first", ProcessorInterface.acknowledge(), 30)
  expect("timers the other not during it", ProcessorInterface.acknowledge(), none)
  Timer.physical.writeControl(0)
  ProcessorInterface.end(30)
  expect("timers then the other", ProcessorInterface.acknowledge(), 27)
  Timer.virtual.writeControl(0)
  ProcessorInterface.end(27)
  write8(first.priority(30), 0xA0)
}
