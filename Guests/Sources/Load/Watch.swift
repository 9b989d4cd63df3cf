// What others take, as a guest that has nothing to do sees it.

import GuestMachine
import GuestSupport

/// Runs whenever nobody else does, and counts that in the first shared window; three instructions a round.
func idle() -> Never {
  guard let window = SharedWindow.first(writable: true) else {
    Console.write("load: FAIL no window\n")
    PowerInterface.systemOff()
  }
  Console.write("load: begins\n")
  count_for_ever(window.base)
  PowerInterface.systemOff()
}

/// Prints how long each of so many interruptions lasted: from the last instruction of this guest before it to the first
/// one behind it. Shorter ones than 500 instructions are the loop's own and the hypervisor's.
func watchGaps(_ arguments: BootArguments) -> Never {
  let wanted = min(arguments.number("gaps") ?? 16, UInt64(Gaps.room))
  var gaps = Gaps()
  Console.write("load: watches\n")
  while gaps.count < wanted { gaps.note() }
  for index in 0..<gaps.count {
    Console.write("load: away for ")
    Console.write(decimal: gaps[index] * 16)
    Console.write(" instructions\n")
  }
  Console.write("load: done\n")
  PowerInterface.systemOff()
}

private struct Gaps {
  static let room = 64
  private static let shortest: UInt64 = 32
  private(set) var count: UInt64 = 0
  private var ticks = InlineArray<64, UInt64>(repeating: 0)

  subscript(index: UInt64) -> UInt64 { ticks[Int(index & 63)] }

  /// Waits for the next one.
  mutating func note() {
    var last = read_CNTVCT_EL0()
    var length: UInt64 = 0
    repeat {
      let now = read_CNTVCT_EL0()
      length = now &- last
      last = now
    } while length < Self.shortest
    ticks[Int(count & 63)] = length
    count &+= 1
  }
}
