// Counts timer ticks and looks after what is its own: memory, clock, FP registers and interrupts. Whatever happens
// beside it, it must notice nothing. (`load` measures how much of the CPU a VM gets.)
//
// Boot arguments: ticks=N ends after N ticks (0: never), period=N microseconds, memory=N MiB watched,
// chatter=N prints a line every N ticks.

import GuestMachine
import GuestSupport

func runNeighbour() {
  let arguments = BootArguments()
  initializeInterrupts()
  write32(PrivateInterrupts(0).setEnable, 1 << UInt32(Watch.timer))
  var watch = Watch(
    period: read_CNTFRQ_EL0() * (arguments.number("period") ?? 1_000) / 1_000_000,
    region: Region(mebibytes: arguments.number("memory") ?? 4))
  let end = arguments.number("ticks") ?? 100
  let chatter = arguments.number("chatter") ?? 0
  watch.start()
  Console.write("neighbour: watching\n")
  while end == 0 || watch.ticks < end {
    if let damage = watch.tick() { report(damage, at: watch.ticks) }
    if chatter > 0, watch.ticks % chatter == 0 { report("neighbour: alive, ", watch) }
  }
  if let damage = watch.damage() { report(damage, at: watch.ticks) }
  report("neighbour: fine, ", watch)
  PowerInterface.systemOff()
}

/// Prints how far it came, and the latest tick in microseconds: lateness is no damage, but worth knowing.
private func report(_ text: StaticString, _ watch: Watch) {
  Console.write(text)
  Console.write(decimal: watch.ticks)
  Console.write(" ticks, latest by ")
  Console.write(decimal: watch.latest * 1_000_000 / read_CNTFRQ_EL0())
  Console.write(" us\n")
}

private func report(_ damage: Damage, at tick: UInt64) -> Never {
  Console.write("neighbour: DAMAGED ")
  Console.write(damage.what)
  Console.write(" at tick ")
  Console.write(decimal: tick)
  Console.write(" ")
  Console.write(hex: damage.detail)
  Console.write("\n")
  PowerInterface.systemOff()
}

/// Something of this guest's own that changed.
struct Damage {
  let what: StaticString
  let detail: UInt64
}
