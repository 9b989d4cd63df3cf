// Counts the instructions of each operation for which a hypervisor is entered: natively they are the
// machine's own, as a guest the hypervisor's are included. The clock steps once for 16 instructions under
// `-icount shift=0` (62.5 MHz, 1 ns each).

import GuestMachine
import GuestSupport

func runBench() {
  let arguments = BootArguments()
  initializeInterrupts()
  if !arguments.has("only", "ping") {
    reportExits()
    reportInterrupts()
    reportConsole(rounds: arguments.number("characters") ?? 1_000)
  }
  if Processors.count > 1 { reportPing() }
  Console.write("bench: done\n")
  PowerInterface.systemOff()
}

/// Rounds of the quick operations.
let rounds: UInt64 = 20_000
/// Instructions in one step of the clock.
let instructionsPerTick: UInt64 = 16

/// Prints the instructions of one round with a decimal; a measurement below its baseline counts as 0.
func report(key: StaticString, ticks: UInt64, baseline: UInt64 = 0, rounds: UInt64 = rounds) {
  let instructions = ticks > baseline ? (ticks - baseline) * instructionsPerTick : 0
  let tenths = (instructions * 10 + rounds / 2) / rounds
  Console.write("bench ")
  Console.write(key)
  Console.write(" ")
  Console.write(decimal: tenths / 10)
  Console.write(".")
  Console.write(decimal: tenths % 10)
  Console.write("\n")
}
