// Tries everything that a 32-bit guest can try, at random but the same for each seed, from User mode and from its kernel.
// Every exception ends only the attack that caused it; some attacks end this VM, which then starts again with others.
// What must survive is the hypervisor, and the neighbours.
//
// Boot arguments: seed=N; count=N attacks; first=N begins with attack N (without it a start begins anywhere); chatter=N
// prints a line every N attacks; only=N does only attacks of this kind; `mild` leaves out those that may end this VM;
// `trace` tells of each attack.

import GuestMachine
import GuestSupport
import HostileAssembly

func runHostile() {
  let arguments = BootArguments()
  Battle.begin()
  let seed = UInt32(truncatingIfNeeded: arguments.number("seed") ?? 1)
  let first = arguments.number("first").map { UInt32(truncatingIfNeeded: $0) } ?? Battle.freshNumber & 0xFFFF
  Console.write("hostile32: seed ")
  Console.write(decimal: seed)
  Console.write(" from ")
  Console.write(decimal: first)
  Console.write("\n")
  var attacker = Attacker(seed: seed, arguments)
  let chatter = UInt32(truncatingIfNeeded: arguments.number("chatter") ?? 0)
  let count = UInt32(truncatingIfNeeded: arguments.number("count") ?? 1000)
  for index in first..<first &+ count {
    attacker.attack(index)
    if chatter > 0, index % chatter == 0 { tell("hostile32: at ", index) }
  }
  tell("hostile32: survived ", count)
  Power.off()
}

private func tell(_ text: StaticString, _ number: UInt32) {
  Battle.restoreConsole()
  Console.write(text)
  Console.write(decimal: number)
  Console.write(", exceptions")
  for kind in 1..<8 {
    Console.write(" ")
    Console.write(decimal: Battle.exceptions[kind])
  }
  Console.write("\n")
}

/// One attack after the other. Each has dice of its own, so that `first=` finds the one to blame.
struct Attacker {
  let seed: UInt32
  let isMild: Bool
  /// Whether to print the kind of each.
  let traces: Bool
  let only: UInt32?
  var dice = Dice(seed: 0, test: 0)
  /// Counts attacks on coprocessors, which go through all encodings in turn.
  var index: UInt32 = 0

  init(seed: UInt32, _ arguments: BootArguments) {
    self.seed = seed
    isMild = arguments.contains("mild")
    traces = arguments.contains("trace")
    only = arguments.number("only").map { UInt32(truncatingIfNeeded: $0) }
  }

  mutating func attack(_ index: UInt32) {
    self.index = index
    dice = Dice(seed: seed, test: index)
    Battle.prepare()
    let kind = only ?? (dice.oneIn(64) ? AttackKind.cache : dice.below(AttackKind.cache))
    if traces { trace(kind) }
    perform(kind)
    Battle.settle()
  }

  private func trace(_ kind: UInt32) {
    Console.write("hostile32: attack ")
    Console.write(decimal: index)
    Console.write(" of kind ")
    Console.write(decimal: kind)
    Console.write("\n")
  }

  private mutating func perform(_ kind: UInt32) {
    switch kind {
    case AttackKind.userWords: attackFromUserMode()
    case AttackKind.userEdge: attackFromEdge(isUser: true)
    case AttackKind.kernelWords: attackFromKernel()
    case AttackKind.kernelEdge: attackFromEdge(isUser: false)
    case AttackKind.accesses: attackByAccess()
    case AttackKind.coprocessors: attackCoprocessor()
    case AttackKind.status: attackStatus()
    case AttackKind.returns: attackReturn()
    case AttackKind.floatingPoint: attackFloatingPoint()
    case AttackKind.tables: attackTables()
    case AttackKind.control: attackControl()
    case AttackKind.calls: attackCalls()
    case AttackKind.devices: attackDevices()
    case AttackKind.storms: storm()
    case AttackKind.ownCode: attackOwnCode()
    default: isMild ? attackFromUserMode() : attackCache()
    }
  }
}

enum AttackKind {
  static let userWords: UInt32 = 0
  static let userEdge: UInt32 = 1
  static let kernelWords: UInt32 = 2
  static let kernelEdge: UInt32 = 3
  static let accesses: UInt32 = 4
  static let coprocessors: UInt32 = 5
  static let status: UInt32 = 6
  static let returns: UInt32 = 7
  static let floatingPoint: UInt32 = 8
  static let tables: UInt32 = 9
  static let control: UInt32 = 10
  static let calls: UInt32 = 11
  static let devices: UInt32 = 12
  static let storms: UInt32 = 13
  static let ownCode: UInt32 = 14
  /// On the code cache, the translator's tables, its stack and the state page.
  static let cache: UInt32 = 15
}
