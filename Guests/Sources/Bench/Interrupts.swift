// Whole passes of interrupts: from the instruction that asks for one to the instruction after its handler.

import GuestMachine
import GuestSupport

private let selfInterrupt: UInt64 = 1
private let pingInterrupt: UInt64 = 2
/// Rounds of what waits; whole turns of the 16 delays of `timerWait`.
private let waits: UInt64 = 1_600
/// Ticks until a waited-for timer is due: long enough for any hypervisor to go to sleep.
private let delay: UInt64 = 2_000
private let pings: UInt64 = 2_000

/// A measured loop: rounds and request or delay in, ticks out.
private typealias Loop = (UInt64, UInt64) -> UInt64

/// The loops for this board's interrupt controller.
private enum Loops {
  private static func choose(_ old: Loop, _ new: Loop, _ rounds: UInt64, _ argument: UInt64) -> UInt64 {
    InterruptController.isVersion2 ? old(rounds, argument) : new(rounds, argument)
  }
  static func selfInterrupt(_ rounds: UInt64, _ request: UInt64) -> UInt64 {
    choose(measure_self_interrupt_2, measure_self_interrupt_3, rounds, request)
  }
  static func timerDue(_ rounds: UInt64) -> UInt64 {
    choose(measure_timer_due_2, measure_timer_due_3, rounds, 0)
  }
  static func timerWait(_ rounds: UInt64, _ delay: UInt64) -> UInt64 {
    choose(measure_timer_wait_2, measure_timer_wait_3, rounds, delay)
  }
  static func ping(_ request: UInt64) -> UInt64 { choose(measure_ping_2, measure_ping_3, pings, request) }
  static func partner(_ request: UInt64) {
    InterruptController.isVersion2 ? measure_partner_2(pings, request) : measure_partner_3(pings, request)
  }
}

func reportInterrupts() {
  write32(PrivateInterrupts(0).setEnable, 1 << 1 | 1 << 2 | 1 << 27)
  let request = ProcessorInterface.request(selfInterrupt, targets: 1)
  report(key: "self-interrupt", ticks: Loops.selfInterrupt(rounds, request))
  report(key: "timer-due", ticks: Loops.timerDue(rounds))
  report(key: "timer-wait", ticks: Loops.timerWait(waits, delay), rounds: waits)
}

/// Two virtual CPUs, both in WFI, wake each other in turn; one pass is half a round trip.
func reportPing() {
  let started = PowerInterface.startProcessor(1) { _ in
    initializeProcessorInterrupts(1)
    write32(PrivateInterrupts(1).setEnable, 1 << 2)
    Shared.write(0, 1)
    for _ in 0..<2 { Loops.partner(ProcessorInterface.request(pingInterrupt, targets: 1)) }
    PowerInterface.call(PowerFunction.off)
  }
  write32(PrivateInterrupts(0).setEnable, 1 << 2)
  guard started == 0 else { return Console.write("bench: the second CPU does not start\n") }
  // An interrupt sent before the partner has set up its group is nobody's.
  while Shared.read(0) == 0 { hint_yield() }
  let request = ProcessorInterface.request(pingInterrupt, targets: 2)
  // The first turn lets the translations of both CPUs settle.
  _ = Loops.ping(request)
  report(key: "ping", ticks: Loops.ping(request), rounds: 2 * pings)
}
