// Whole passes of interrupts: from the instruction that asks for one to the instruction after its handler.

import GuestMachine
import GuestSupport

private let selfInterrupt: UInt64 = 1
private let pingInterrupt: UInt64 = 2
private let virtualTimer: UInt64 = 27
/// Rounds of what waits; whole turns of the 16 delays of `measure_timer_wait`.
private let waits: UInt64 = 1_600
/// Ticks until a waited-for timer is due: long enough for any hypervisor to go to sleep.
private let delay: UInt64 = 2_000
private let pings: UInt64 = 2_000

func reportInterrupts() {
  write32(Redistributor(0).setEnable, 1 << 1 | 1 << 2 | 1 << 27)
  report(key: "self-interrupt", ticks: measure_self_interrupt(rounds, selfInterrupt << 24 | 1))
  report(key: "timer-due", ticks: measure_timer_due(rounds))
  report(key: "timer-wait", ticks: measure_timer_wait(waits, delay), rounds: waits)
}

/// Two virtual CPUs, both in WFI, wake each other in turn; one pass is half a round trip.
func reportPing() {
  let started = PowerInterface.startProcessor(1) { _ in
    Redistributor(1).initialize()
    write32(Redistributor(1).setEnable, 1 << 2)
    ProcessorInterface.initialize()
    Shared.write(0, 1)
    for _ in 0..<2 { measure_partner(pings, pingInterrupt << 24 | 1) }
    PowerInterface.call(PowerFunction.off)
  }
  write32(Redistributor(0).setEnable, 1 << 2)
  guard started == 0 else { return Console.write("bench: the second CPU does not start\n") }
  // An interrupt sent before the partner has set up its group is nobody's.
  while Shared.read(0) == 0 { hint_yield() }
  // The first turn lets the translations of both CPUs settle.
  _ = measure_ping(pings, pingInterrupt << 24 | 2)
  report(key: "ping", ticks: measure_ping(pings, pingInterrupt << 24 | 2), rounds: 2 * pings)
}
