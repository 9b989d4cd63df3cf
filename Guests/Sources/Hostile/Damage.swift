// What this guest finds changed of its own, told at once and with all that is known of it: seen once, it has to be
// enough. None of its attacks may cause it: no other CPU changes what a CPU translates, executes or keeps by itself,
// and interrupts, SError and debug exceptions stay masked meanwhile.

import GuestMachine
import GuestSupport

/// A check that failed.
struct Damage {
  let check: StaticString
  let expected: UInt64
  let found: UInt64
  /// What is found in a second try: the same where something stale stays, the right value where it was disturbed once.
  let foundAgain: UInt64
  /// What a load from there gives.
  let inMemory: UInt64
  /// The exception that ended the attempt, if one did.
  let syndrome: UInt64
}

extension Attacker {
  /// Tells of the first few; the others are counted.
  func tell(_ damage: Damage) {
    Battle.damages += 1
    guard Battle.damages < 4 else { return }
    Battle.restoreConsole()
    Console.write("hostile: DAMAGED ")
    Console.write(damage.check)
    write(": expected ", damage.expected)
    write(", found ", damage.found)
    write(", again ", damage.foundAgain)
    write(", memory ", damage.inMemory)
    write(", syndrome ", damage.syndrome)
    write(" at ", Processors.current.pointee.fault_instruction)
    write(" address ", Processors.current.pointee.fault_address)
    write(", CPU ", UInt64(processor))
    write(" seed ", seed)
    write(" attack ", index)
    Console.write("\n")
  }

  private func write(_ label: StaticString, _ number: UInt64) {
    Console.write(label)
    Console.write(hex: number)
  }
}
