// How much of the time the CPU was this guest's. It looks at the clock all the time; where far more lies between
// two looks than the work there takes, somebody else had the CPU.

import GuestMachine
import GuestSupport

enum Share {
  /// More clock steps than this between two looks are a gap.
  nonisolated(unsafe) private static var threshold: UInt64 = ~0
  nonisolated(unsafe) private static var start: UInt64 = 0
  nonisolated(unsafe) private static var last: UInt64 = 0
  nonisolated(unsafe) private static var lost: UInt64 = 0
  /// The longest gap, in clock steps.
  nonisolated(unsafe) private(set) static var longest: UInt64 = 0

  /// Learns what is usual, with the work that lies between two looks.
  static func calibrate(_ work: () -> Void) {
    var usual = ~0 as UInt64
    // The longest of a window, as work varies; the shortest of the windows, as some have gaps.
    for _ in 0..<64 { usual = min(usual, longest(of: 32, work)) }
    threshold = 4 * max(usual, 8)
  }

  private static func longest(of count: Int, _ work: () -> Void) -> UInt64 {
    var longest: UInt64 = 0
    for _ in 0..<count {
      let before = read_CNTVCT_EL0()
      work()
      longest = max(longest, read_CNTVCT_EL0() - before)
    }
    return longest
  }

  static func begin() {
    start = read_CNTVCT_EL0()
    (last, lost, longest) = (start, 0, 0)
  }

  static func look() {
    let now = read_CNTVCT_EL0()
    let gap = now - last
    last = now
    guard gap > threshold else { return }
    lost += gap
    longest = max(longest, gap)
  }

  /// The part of the time since `begin` that was this guest's.
  static var perMille: UInt64 {
    let total = max(last - start, 1)
    return (total - lost) * 1_000 / total
  }
}
