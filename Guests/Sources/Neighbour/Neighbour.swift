// Counts timer ticks and looks after what is its own: memory, clock, FP registers, interrupts. Whatever
// happens beside it, it must notice nothing.
//
// Boot arguments: ticks=N ends after N ticks (0: never), period=N microseconds, memory=N MiB watched,
// chatter=N prints a line every N ticks.

import GuestMachine
import GuestSupport

private let timer: UInt64 = 27

func runNeighbour() {
  let arguments = BootArguments()
  var watch = Watch(
    period: read_CNTFRQ_EL0() * (arguments.number("period") ?? 1_000) / 1_000_000,
    region: Region(mebibytes: arguments.number("memory") ?? 4))
  let end = arguments.number("ticks") ?? 100
  let chatter = arguments.number("chatter") ?? 0
  initializeInterrupts()
  write32(Redistributor(0).setEnable, 1 << UInt32(timer))
  watch.start()
  Console.write("neighbour: watching\n")
  while end == 0 || watch.ticks < end {
    if let damage = watch.tick() { report(damage, at: watch.ticks) }
    if chatter > 0, watch.ticks % chatter == 0 { report("neighbour: alive, ", watch) }
  }
  if let damage = watch.region.damage() { report(damage, at: watch.ticks) }
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

/// A tick's worth of looking after, again and again.
struct Watch {
  let period: UInt64
  var region: Region
  private(set) var ticks: UInt64 = 0
  /// The most that a tick was late, in clock steps.
  private(set) var latest: UInt64 = 0
  private var due: UInt64 = 0
  private var lastCount: UInt64 = 0
  private var clockOffset: UInt64 = 0
  private var seed: UInt64 = 0x1F83_D9AB_FB41_BD6B

  init(period: UInt64, region: Region) {
    self.period = period
    self.region = region
  }

  mutating func start() {
    region.fill()
    // Read side by side: again if this was put off in between.
    repeat {
      lastCount = read_CNTVCT_EL0()
      clockOffset = read_CNTPCT_EL0() &- lastCount
    } while read_CNTVCT_EL0() - lastCount > period / 4
    due = lastCount
  }

  /// Sleeps until the next tick with a pattern in the FP registers, then looks at everything.
  mutating func tick() -> Damage? {
    due += period
    seed = seed &* 0x5851_F42D_4C95_7F2D &+ 1
    guest_fill_vectors(seed)
    write_CNTV_CVAL_EL0(due)
    write_CNTV_CTL_EL0(1)
    wait_for_interrupt()
    let damage = checkInterrupt() ?? checkClock() ?? checkVectors() ?? region.step()
    ticks += 1
    return damage
  }

  private mutating func checkInterrupt() -> Damage? {
    var interrupt = ProcessorInterface.acknowledge()
    while interrupt == ProcessorInterface.spurious, read_CNTVCT_EL0() < due {
      wait_for_interrupt()
      interrupt = ProcessorInterface.acknowledge()
    }
    // The timer may come due between the acknowledge and the look at the clock; its signal takes a moment.
    _ = eventually(within: 1) { interrupt != ProcessorInterface.spurious || acknowledge(&interrupt) }
    write_CNTV_CTL_EL0(0)
    guard interrupt == timer else { return Damage(what: "interrupt", detail: interrupt) }
    ProcessorInterface.end(interrupt)
    return nil
  }

  private func acknowledge(_ interrupt: inout UInt64) -> Bool {
    interrupt = ProcessorInterface.acknowledge()
    return interrupt != ProcessorInterface.spurious
  }

  private mutating func checkClock() -> Damage? {
    let count = read_CNTVCT_EL0()
    guard count >= lastCount else { return Damage(what: "clock goes back", detail: lastCount - count) }
    guard count >= due else { return Damage(what: "timer early", detail: due - count) }
    // The physical count lies between two virtual ones, however long this is put off in between.
    let physical = read_CNTPCT_EL0() &- clockOffset
    let after = read_CNTVCT_EL0()
    guard physical + period >= count, physical <= after + period else {
      return Damage(what: "clocks drift apart", detail: physical &- count)
    }
    latest = max(latest, count - due)
    lastCount = count
    return nil
  }

  private func checkVectors() -> Damage? {
    let changed = guest_check_vectors(seed)
    return changed == 0 ? nil : Damage(what: "FP registers", detail: changed)
  }
}

/// Memory behind the image, filled with a pattern of its addresses.
struct Region {
  private let base = (image_end_address() + 4095) & ~4095
  private let size: UInt64
  private var position: UInt64 = 0
  /// Bytes looked at for each tick.
  private static let stepSize: UInt64 = 8192

  init(mebibytes: UInt64) { size = max(mebibytes, 1) << 20 }

  func fill() {
    for address in stride(from: base, to: base + size, by: 8) { write64(address, Self.pattern(address)) }
  }

  private static func pattern(_ address: UInt64) -> UInt64 { address &* 0x9E37_79B9_7F4A_7C15 }

  /// Looks at the next piece.
  mutating func step() -> Damage? {
    let start = base + position
    position = (position + Self.stepSize) % size
    return Self.damage(from: start, to: start + Self.stepSize)
  }

  /// Looks at everything.
  func damage() -> Damage? { Self.damage(from: base, to: base + size) }

  private static func damage(from start: UInt64, to end: UInt64) -> Damage? {
    for address in stride(from: start, to: end, by: 8) where read64(address) != pattern(address) {
      return Damage(what: "memory", detail: address)
    }
    return nil
  }
}
