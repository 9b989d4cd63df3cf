// Tries everything that a guest can try, at random but the same for each seed, and survives it: every
// exception ends only the attempt that caused it. What must survive as well is the hypervisor, and the
// neighbours.
//
// Boot arguments: seed=N, count=N operations (of which one in fifteen is a session of sixteen), first=N
// skips operations before the N-th, `pocketvisor` attacks all of the address space (a real board has
// devices there that could be set off).

import GuestMachine
import GuestSupport

func runHostile() {
  let arguments = BootArguments()
  let seed = arguments.number("seed") ?? 1
  let count = arguments.number("count") ?? 20_000
  let first = arguments.number("first") ?? 0
  initializeInterrupts()
  Battle.begin(isGuest: arguments.contains("pocketvisor"))
  Console.write("hostile: seed ")
  Console.write(decimal: seed)
  Console.write("\n")
  var attacker = Attacker(processor: 0, seed: seed)
  attacker.run(from: first, to: count)
  attacker.restore()
  Battle.restoreConsole()
  Console.write("\nhostile: survived ")
  Console.write(decimal: attacker.operations)
  Console.write(" operations, ")
  Console.write(decimal: attacker.faults)
  Console.write(" faults\n")
  PowerInterface.systemOff()
}

/// What all CPUs of this guest share.
enum Battle {
  nonisolated(unsafe) static var isGuest = false
  nonisolated(unsafe) static var memoryBase: UInt64 = 0
  nonisolated(unsafe) static var memoryEnd: UInt64 = 0
  nonisolated(unsafe) static var processors = 1

  static func begin(isGuest: Bool) {
    self.isGuest = isGuest
    let bank = BoardMemory.bank()
    memoryBase = bank.base
    memoryEnd = bank.base + bank.size
    processors = Processors.count
    for index in UInt64(0)..<2 { processor_state(index).pointee.interrupt = takeInterrupt }
  }

  /// 2 MiB for each CPU, behind the image, that may be overwritten with anything.
  static func scratch(_ processor: Int) -> UInt64 {
    (image_end_address() + 0x1F_FFFF) & ~0x1F_FFFF + 0x20_0000 * UInt64(processor)
  }

  static func restoreConsole() {
    write32(Console.base + 0x38, 0)
    write32(Console.base + 0x30, 0x301)
  }
}

/// Acknowledges whatever comes, silences what could come again at once, and closes the gate.
private func takeInterrupt() {
  write_CNTV_CTL_EL0(0)
  write_CNTP_CTL_EL0(0)
  write32(Console.base + 0x38, 0)
  for _ in 0..<4 {
    let interrupt = ProcessorInterface.acknowledge()
    if interrupt < 1020 { ProcessorInterface.end(interrupt) }
    let fast = read_ICC_IAR0_EL1() & 0xFF_FFFF
    if fast < 1020 { write_ICC_EOIR0_EL1(fast) }
  }
  write_ICC_PMR_EL1(0)
}

/// A sequence of random numbers (SplitMix64).
struct Dice {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var value = state
    value = (value ^ value &>> 30) &* 0xBF58_476D_1CE4_E5B9
    value = (value ^ value &>> 27) &* 0x94D0_49BB_1331_11EB
    return value ^ value &>> 31
  }

  /// 0 ..< limit.
  mutating func below(_ limit: UInt64) -> UInt64 { next() % limit }
  mutating func oneIn(_ limit: UInt64) -> Bool { below(limit) == 0 }
  mutating func word() -> UInt32 { UInt32(truncatingIfNeeded: next()) }

  /// Numbers that programs get wrong: small, all ones, single bits, addresses, anything.
  mutating func value() -> UInt64 {
    switch below(8) {
    case 0: return below(64)
    case 1: return ~0
    case 2: return 1 &<< below(64)
    case 3: return 0
    case 4: return Battle.memoryBase &+ below(1 << 30)
    case 5: return UInt64(word())
    case 6: return ~below(4096)
    default: return next()
    }
  }
}
