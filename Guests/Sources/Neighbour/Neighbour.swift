// Counts timer ticks and looks after what is its own: memory, clock, FP registers, interrupts, and its share of
// the CPU. Whatever happens beside it, it must notice nothing.
//
// Boot arguments: ticks=N ends after N ticks (0: never), period=N microseconds, memory=N MiB watched,
// chatter=N prints a line every N ticks, spin=1 spins instead of sleeping until the next tick, and tells its share
// of the CPU; share=N per mille is the share that is due to it then.

import GuestMachine
import GuestSupport

func runNeighbour() {
  let arguments = BootArguments()
  initializeInterrupts()
  write32(PrivateInterrupts(0).setEnable, 1 << UInt32(Watch.timer))
  var watch = Watch(
    period: read_CNTFRQ_EL0() * (arguments.number("period") ?? 1_000) / 1_000_000,
    region: Region(mebibytes: arguments.number("memory") ?? 4), isSpinning: arguments.number("spin") == 1)
  let end = arguments.number("ticks") ?? 100
  let chatter = arguments.number("chatter") ?? 0
  watch.start()
  Console.write("neighbour: watching\n")
  Share.begin()
  while end == 0 || watch.ticks < end {
    if let damage = watch.tick() { report(damage, at: watch.ticks) }
    if chatter > 0, watch.ticks % chatter == 0 { report("neighbour: alive, ", watch) }
  }
  let share = Share.perMille
  if let damage = watch.damage() { report(damage, at: watch.ticks) }
  if watch.isSpinning { report(share: share, due: arguments.number("share") ?? 0, watch) }
  report("neighbour: fine, ", watch)
  PowerInterface.systemOff()
}

/// Prints how far it came, and the latest tick in microseconds: lateness is no damage, but worth knowing.
private func report(_ text: StaticString, _ watch: Watch) {
  Console.write(text)
  Console.write(decimal: watch.ticks)
  Console.write(" ticks, latest by ")
  Console.write(microsecondsOf: watch.latest)
  Console.write("\n")
}

/// What a share may fall short of what is due, per mille.
private let tolerance: UInt64 = 20

private func report(share: UInt64, due: UInt64, _ watch: Watch) {
  Console.write("neighbour: share ")
  Console.write(decimal: share)
  Console.write(" per mille, longest gap ")
  Console.write(microsecondsOf: Share.longest)
  Console.write("\n")
  if share + tolerance < due { report(Damage(what: "share", detail: share), at: watch.ticks) }
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

extension Console {
  fileprivate static func write(microsecondsOf ticks: UInt64) {
    write(decimal: ticks * 1_000_000 / read_CNTFRQ_EL0())
    write(" us")
  }
}

/// Something of this guest's own that changed.
struct Damage {
  let what: StaticString
  let detail: UInt64
}
