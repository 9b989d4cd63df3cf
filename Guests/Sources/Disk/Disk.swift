// Uses the disk that the device server gives it, in the way that mode=record, check or hostile asks for.
//
// Boot arguments: seed=N; count=N records, rounds or attacks (0: without end); chatter=N prints a line every N rounds.

import GuestMachine
import GuestSupport

func runDisk() {
  let arguments = BootArguments()
  let seed = arguments.number("seed") ?? 1
  let count = arguments.number("count") ?? 0
  if arguments.has("mode", "record") {
    record(seed: seed, count: count, flushing: !arguments.contains("unflushed"))
  }
  if arguments.has("mode", "check") {
    check(seed: seed, count: count, chatter: arguments.number("chatter") ?? 0)
  }
  if arguments.has("mode", "hostile") { attackServer(seed: seed, count: count) }
  fail("no such mode")
}

func say(_ text: StaticString, _ number: UInt64, _ rest: StaticString = "") {
  Console.write("disk: ")
  Console.write(text)
  Console.write(decimal: number)
  Console.write(rest)
  Console.write("\n")
}

func fail(_ text: StaticString, _ number: UInt64 = 0) -> Never {
  Console.write("disk: FAIL ")
  Console.write(text)
  Console.write(" ")
  Console.write(decimal: number)
  Console.write("\n")
  PowerInterface.systemOff()
}

/// A block's content: each word tells the block, how often it was written, and its own place.
enum Pattern {
  static func word(_ block: UInt64, _ generation: UInt64, _ index: UInt64) -> UInt64 {
    (block &<< 32 | generation &<< 9 | index) &* 0x9E37_79B9_7F4A_7C15
  }

  static func fill(_ address: UInt64, block: UInt64, generation: UInt64) {
    for index in UInt64(0)..<512 { write64(address + index * 8, word(block, generation, index)) }
  }

  static func matches(_ address: UInt64, block: UInt64, generation: UInt64) -> Bool {
    for index in UInt64(0)..<512 where read64(address + index * 8) != word(block, generation, index) {
      return false
    }
    return true
  }
}
