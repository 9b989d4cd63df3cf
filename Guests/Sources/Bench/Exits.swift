// Operations that a hypervisor traps, one instruction each.

import GuestMachine
import GuestSupport

private let passes = rounds / UInt64(measure_unrolled)
private let unknownHypercall: UInt64 = 0x8600_FF00
private let uartInterrupt: UInt64 = 33

func reportExits() {
  let move = measure_move(passes, 0, 0)
  report(key: "hypercall", ticks: measure_hypercall(passes, PowerFunction.version, 0), baseline: move)
  report(key: "unknown-hypercall", ticks: measure_hypercall(passes, unknownHypercall, 0), baseline: move)

  let empty = measure_empty(passes, 0, 0)
  report(key: "identification-register", ticks: measure_identification(passes, 0, 0), baseline: empty)
  report(key: "auxiliary-register", ticks: measure_auxiliary(passes, 0, 0), baseline: empty)
  reportLoad("distributor-type-read", Distributor.type, baseline: empty)

  let word = uartInterrupt / 32
  let bit: UInt64 = 1 << (uartInterrupt % 32)
  reportLoad("distributor-enable-read", Distributor.setEnable(word), baseline: empty)
  reportStore("distributor-enable-write", Distributor.setEnable(word), bit, baseline: empty)
  write32(Distributor.clearEnable(word), UInt32(bit))
  reportStore("redistributor-enable-write", PrivateInterrupts(0).setEnable, 1, baseline: empty)
  write32(PrivateInterrupts(0).clearEnable, 1)
  reportLoad("console-flags-read", Console.base + 0x18, baseline: empty)
}

private func reportLoad(_ key: StaticString, _ address: UInt64, baseline: UInt64) {
  report(key: key, ticks: measure_load(passes, address, 0), baseline: baseline)
}

private func reportStore(_ key: StaticString, _ address: UInt64, _ value: UInt64, baseline: UInt64) {
  report(key: key, ticks: measure_store(passes, address, value), baseline: baseline)
}

/// A character as Linux writes one: flags first, then data.
func reportConsole(rounds: UInt64) {
  let start = read_CNTVCT_EL0()
  for round in 0..<rounds { Console.write(byte: round % 64 == 63 ? 10 : 46) }
  let end = read_CNTVCT_EL0()
  Console.write("\n")
  report(key: "console-character", ticks: end - start, rounds: rounds)
}
