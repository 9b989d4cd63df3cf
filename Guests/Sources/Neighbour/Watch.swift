// A tick's worth of looking after, again and again.

import GuestMachine
import GuestSupport

struct Watch {
  static let timer: UInt64 = 27

  /// In clock steps.
  let period: UInt64
  private(set) var ticks: UInt64 = 0
  /// The most that a tick was late, in clock steps.
  private(set) var latest: UInt64 = 0
  private var region: Region
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

  /// Looks at all memory.
  func damage() -> Damage? { region.damage() }

  private mutating func checkInterrupt() -> Damage? {
    var interrupt = ProcessorInterface.acknowledge()
    while interrupt == ProcessorInterface.spurious, read_CNTVCT_EL0() < due {
      wait_for_interrupt()
      interrupt = ProcessorInterface.acknowledge()
    }
    // The timer may come due between the acknowledge and the look at the clock; its signal takes a moment, on a busy
    // host (whose main thread QEMU's timers wait for) tens of milliseconds. Late is no damage, lost is.
    _ = eventually(within: 1_000) { interrupt != ProcessorInterface.spurious || acknowledge(&interrupt) }
    write_CNTV_CTL_EL0(0)
    guard interrupt == Self.timer else { return Damage(what: "interrupt", detail: interrupt) }
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
