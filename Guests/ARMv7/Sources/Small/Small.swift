// A small kernel, all of it T32: its own page tables, two processes in User mode, ticks through the interrupt controller.
// It looks after what is its own: whatever happens beside it, it must notice nothing.
//
// Boot arguments: ticks=N ends after N ticks (0: never), period=N microseconds, memory=N MiB watched, chatter=N prints a
// line every N ticks.

import GuestMachine
import GuestSupport

func runSmall() {
  let arguments = BootArguments()
  let mebibytes = UInt32(truncatingIfNeeded: BoardMemory.bank().size &>> 20)
  TranslationTable.first.identify(mebibytes: mebibytes)
  TranslationTable.first.turnOn()
  useHighVectors()
  var watch = Watch(
    period: number(arguments, "period", 10_000),
    region: Region(mebibytes: number(arguments, "memory", 4)))
  let end = number(arguments, "ticks", 100)
  let chatter = number(arguments, "chatter", 0)
  watch.start()
  Console.write("small: watching\n")
  while end == 0 || Ticks.count < end {
    if let damage = watch.tick() { report(damage) }
    if chatter > 0, watch.rounds % chatter == 0 { report("small: alive, ") }
  }
  if let damage = watch.damage() { report(damage) }
  report("small: fine, ")
  Power.off()
}

private func number(_ arguments: BootArguments, _ name: StaticString, _ usual: UInt32) -> UInt32 {
  arguments.number(name).map { UInt32(truncatingIfNeeded: $0) } ?? usual
}

/// Exceptions at 0xFFFF0000, as most kernels have them.
private func useHighVectors() {
  TranslationTable.first.map(0xFFFF_0000, to: vectors_address(), PageAccess.kernelReads)
  write_control(read_control() | 1 << 13)
}

private func report(_ text: StaticString) {
  Console.write(text)
  Console.write(decimal: Ticks.count)
  Console.write(" ticks\n")
}

private func report(_ damage: Damage) -> Never {
  Console.write("small: DAMAGED ")
  Console.write(damage.what)
  Console.write(" at tick ")
  Console.write(decimal: Ticks.count)
  Console.write(" ")
  Console.write(hex: damage.detail)
  Console.write("\n")
  Power.off()
}

/// Something of this guest's own that changed.
struct Damage {
  let what: StaticString
  let detail: UInt32
}
