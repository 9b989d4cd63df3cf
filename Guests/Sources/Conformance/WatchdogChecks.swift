// The SBSA generic watchdog (ARM DEN 0029), whose second expiry is not tried here. Interrupt 41.

import GuestMachine
import GuestSupport

private let watchdog: UInt64 = 41
private let refresh: UInt64 = 0x090C_0000
private let control: UInt64 = 0x090D_0000
private let offset = control + 8
private let compare = control + 0x10
private let identification: UInt64 = 0xFCC
/// Long enough that no delay of this guest's brings the second expiry.
private var second: UInt32 { UInt32(truncatingIfNeeded: read_CNTFRQ_EL0()) }

func checkWatchdog() {
  let answer = attempt(guest_load32, control)
  check("watchdog is there", !answer.faulted, answer.syndrome)
  guard !answer.faulted else { return }
  prepareWatchdog()
  checkRegisters()
  checkIdle()
  checkExpiry()
  forgetInterrupts()
}

private func prepareWatchdog() {
  prepareInterrupts()
  write32(control, 0)
  write32(Distributor.configuration(watchdog / 16), 0)
  write32(Distributor.clearPending(1), 1 << 9)
}

private func readCompare() -> UInt64 { UInt64(read32(compare + 4)) << 32 | UInt64(read32(compare)) }

private func checkRegisters() {
  expect("watchdog off", read32(control), 0)
  write32(offset, 10 * second)
  expect("watchdog offset kept", read32(offset), 10 * second)
  let before = read_CNTVCT_EL0()
  write32(control, 1)
  expect("watchdog on", read32(control), 1)
  expectCompare("watchdog compare value after its start", since: before)
  let later = read_CNTVCT_EL0()
  write32(refresh, 0)
  expectCompare("watchdog compare value after a refresh", since: later)
  expect("watchdog refresh reads as zero", read32(refresh), 0)
  write32(control, 0xFFFF_FFFE)
  expect("watchdog states are not written", read32(control), 0)
  let number = read32(control + identification)
  check("watchdog implementer", number & 0x7F != 0 && number & 0xFFF != 0xFFF, UInt64(number))
  expect("watchdog identification in both frames", read32(refresh + identification), number)
}

/// It counts the physical counter, from which the virtual one may differ; 10 seconds were asked for.
private func expectCompare(_ name: StaticString, since before: UInt64) {
  let difference = read_CNTPCT_EL0() &- read_CNTVCT_EL0()
  let value = readCompare() &- UInt64(10 * second)
  let slack = UInt64(second) / 1_000
  check(
    name, value + slack >= before &+ difference && value <= read_CNTPCT_EL0(), value &- before)
}

private func isPending() -> Bool { read32(Distributor.setPending(1)) & 1 << 9 != 0 }

/// Off, it never expires.
private func checkIdle() {
  write32(offset, second / 1_000)
  _ = eventually(within: 5) { false }
  expect("watchdog off does not expire", read32(control), 0)
  check("watchdog off does not interrupt", !isPending())
}

private func checkExpiry() {
  write32(offset, second / 5)
  let start = read_CNTVCT_EL0()
  write32(control, 1)
  let expired = eventually(within: 300) { read32(control) & 2 != 0 }
  let end = read_CNTVCT_EL0()
  let pending = eventually { isPending() }
  let interrupt = ProcessorInterface.acknowledge()
  let state = read32(control)
  write32(refresh, 0)
  let refreshed = read32(control)
  ProcessorInterface.end(interrupt)
  let again = ProcessorInterface.acknowledge()
  write32(control, 0)
  check("watchdog expires", expired)
  check("watchdog expires not early", end - start + 1_000 >= UInt64(second / 5), end - start)
  check("watchdog interrupt pending", pending)
  expect("watchdog interrupt", interrupt, watchdog)
  expect("watchdog first expiry shown", state, 3)
  expect("watchdog refreshed", refreshed, 1)
  expect("watchdog refreshed does not come again", again, ProcessorInterface.spurious)
  expect("watchdog off at last", read32(control), 0)
}
