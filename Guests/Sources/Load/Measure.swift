// How much CPU time does this guest get? A loop that does nothing but look at the clock takes the same time
// for each round while it runs, so its rounds count the time that it ran: not even the shortest work of the
// hypervisor counts. The length of a round is the shortest that was seen.
//
// QEMU's instruction clock runs one CPU at a time, until it yields: so a turn of rounds begins by yielding, and each
// turn has as much of the other CPUs' work in it as any other.

import GuestMachine
import GuestSupport

func measure(_ arguments: BootArguments) -> Never {
  let milliseconds = arguments.number("every") ?? 100
  var meter = Meter(length: ticks(microseconds: milliseconds * 1_000))
  _ = meter.window()  // the others begin
  let speed =
    arguments.number("rounds").map { Stretch(rounds: $0, ticks: ticks(microseconds: 1_000)) }
    ?? bestSpeed(ticks(microseconds: arguments.number("stretch") ?? 20))
  report(speed.rounds * ticks(microseconds: 1_000) / speed.ticks, " rounds in 1 ms\n")
  for _ in 0..<(arguments.number("windows") ?? ~0) {
    report(meter.window().perMille(of: speed), " per mille of the CPU in ")
    Console.write(decimal: milliseconds)
    Console.write(" ms\n")
  }
  Console.write("load: done\n")
  PowerInterface.systemOff()
}

private func ticks(microseconds: UInt64) -> UInt64 { read_CNTFRQ_EL0() * microseconds / 1_000_000 }

private func report(_ number: UInt64, _ what: StaticString) {
  Console.write("load: ")
  Console.write(decimal: number)
  Console.write(what)
}

/// The fastest of many stretches, each so short that some are undisturbed in the smallest share of a CPU.
private func bestSpeed(_ length: UInt64) -> Stretch {
  var best = Stretch(rounds: 1, ticks: ~0 >> 32)
  for _ in 0..<200 {
    var meter = Meter(length: length)
    meter.run()
    if meter.stretch.isFaster(than: best) { best = meter.stretch }
  }
  return best
}

/// Rounds of the loop, and how long they took.
private struct Stretch {
  var rounds: UInt64 = 0
  var ticks: UInt64 = 0

  func isFaster(than other: Stretch) -> Bool { ticks * other.rounds < other.ticks * rounds }

  /// Thousandths of this time that this CPU ran, given its speed when nothing disturbs it.
  func perMille(of speed: Stretch) -> UInt64 {
    let all = ticks * speed.rounds
    return (rounds * speed.ticks * 1_000 + all / 2) / all
  }
}

/// The loop.
private struct Meter {
  /// Of a window.
  private let length: UInt64
  /// Rounds of a turn: some 500 instructions, about as many as one exit of an attacker takes.
  private static let turn = 64
  /// A jump of the clock that stands for a time in which others ran.
  private let gap = ticks(microseconds: 20)
  private(set) var stretch = Stretch()
  /// Whether the last window had a gap, or might have had one.
  private var isShared = true

  init(length: UInt64) { self.length = length }

  /// A window of the wanted length, or longer: on a shared CPU it lasts from the end of one gap to the end of
  /// another, so that it has as much of the others' time in it as of this guest's.
  mutating func window() -> Stretch {
    if isShared { run(untilGap: true) }
    stretch = Stretch()
    isShared = run()
    if isShared { run(untilGap: true) }
    return stretch
  }

  /// Runs for the length of a window, or until the end of a gap; answers whether there was a gap.
  @discardableResult
  @inline(never) mutating func run(untilGap: Bool = false) -> Bool {
    let start = read_CNTVCT_EL0()
    // Rather than a condition in the loop: all rounds are to take the same time.
    let limit = untilGap ? gap : ~0
    var (rounds, longest, last, current) = (stretch.rounds, 0 as UInt64, start, start)
    repeat {
      hint_yield()
      for _ in 0..<Self.turn {
        last = current
        current = read_CNTVCT_EL0()
        rounds &+= 1
        if current &- last > longest { longest = current &- last }
      }
    } while current &- start < length && longest <= limit
    stretch.rounds = rounds
    stretch.ticks &+= current &- start
    return longest > gap
  }
}
