// Writes numbered blocks from the disk's start on, flushes, and prints how many are safe.

import GuestMachine
import GuestSupport

/// - Parameter flushing: false prints them without, to see a disk that loses them.
func record(seed: UInt64, count: UInt64, flushing: Bool) -> Never {
  guard var driver = BlockDriver() else { fail("no disk") }
  var dice = Dice(seed: seed)
  let end = count == 0 ? driver.blocks : min(count, driver.blocks)
  var next: UInt64 = 0
  while next < end {
    let batch = min(1 + dice.below(16), end - next)
    for slot in 0..<batch {
      Pattern.fill(driver.data(slot), block: next + slot, generation: 1)
      driver.start(RequestKind.write, block: next + slot, slot: slot)
    }
    guard driver.finishAll(), !flushing || driver.flush() else { fail("a write of", next) }
    next += batch
    say("", next, " safe")
  }
  say("all ", next, " written")
  PowerInterface.systemOff()
}
