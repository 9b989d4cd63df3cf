// Vectors that are written anew, moved, and taken in the other state; and more functions than the cache has room for.

import GuestMachine
import GuestSupport

extension Lab {
  /// SVC #0 of the kernel's own, which comes back with what the vector puts in R0.
  mutating func checkVectors() {
    let old = read_vectors()
    let control = read_control()
    let high: UInt32 = 0xFFFF_0000
    for turn in 0..<12 as Range<UInt32> {
      set = InstructionSet(isT32: turn & 1 != 0)
      let isHigh = turn & 2 != 0
      let page = Self.page(34 &+ turn % 3)
      // The page is written by an alias, by the address where it is executed, or anew.
      let value = next()
      if isHigh { remap(high, to: page) }
      let place = (turn & 4 == 0 && isHigh ? high : page) &+ 8
      writeVector(place, value)
      publish((isHigh ? high : page) &+ 8, bytes: 8)
      write_vectors(page)
      write_control(control & ~0x4000_2000 | (set.isT32 ? 1 << 30 : 0) | (isHigh ? 1 << 13 : 0))
      let found = run(callerOfVector())
      write_control(control)
      write_vectors(old)
      expect("a vector", found, value)
    }
  }

  /// MOVW r0; MOVS pc, lr.
  private func writeVector(_ place: UInt32, _ value: UInt32) {
    set.write(place, set.move(0, value))
    set.write(place &+ 4, set.isT32 ? 0xF3DE_8F00 : 0xE1B0_F00E)
    publish(place, bytes: 8)
  }

  /// Saves LR, which the exception takes, and calls.
  private func callerOfVector() -> UInt32 {
    var program = Program(at: set.entry(Self.page(38)))
    program.add(set.push)
    program.add(set.isT32 ? 0xDF00_BF00 : 0xEF00_0000)
    program.add(set.pop)
    program.publish()
    return program.start
  }

  /// Each has a block of its own; in every round some of them are others.
  mutating func checkManyFunctions() {
    let count: UInt32 = 12_288
    for round in 0..<3 as Range<UInt32> {
      for index in 0..<count where round == 0 || index % 7 == round {
        set = InstructionSet(isT32: index & 8 != 0)
        let address = 0x4070_0000 &+ index &* 32
        set.write(address, set.move(0, index &+ round & 0xFFFF))
        set.write(address &+ 4, set.back)
        publish(address, bytes: 8)
      }
      for index in 0..<count {
        set = InstructionSet(isT32: index & 8 != 0)
        // Written last in this round, in the one before, or in the first.
        let last = index % 7 == 0 ? 0 : index % 7 <= round ? index % 7 : 0
        expect("one of many", run(set.entry(0x4070_0000 &+ index &* 32)), index &+ last)
      }
    }
  }
}
