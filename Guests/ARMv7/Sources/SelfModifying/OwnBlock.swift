// Code that changes what comes next in itself, and what changes while translation is off.

import GuestMachine
import GuestSupport

extension Lab {
  /// A store over an instruction behind it, the maintenance that is due, and there it comes.
  mutating func checkOwnBlock() {
    let page = Self.page(30)
    for distance in 0..<3 as Range<UInt32> {
      var program = Program(at: set.entry(page &+ distance &* 0x100))
      program.add(set.store)
      program.add(set.maintenance)
      for _ in 0..<distance &* 4 { program.add(set.nothing) }
      let site = program.address
      program.add(set.move(0, 0))
      program.add(set.back)
      program.publish()
      for _ in 0..<4 {
        let value = next()
        expect("its own block", run(program.start, site, set.inMemory(set.move(0, value))), value)
      }
    }
    checkLoop()
  }

  /// A loop whose body changes itself on its way: r0 has a place, r1 an instruction.
  private mutating func checkLoop() {
    let page = Self.page(31)
    var program = Program(at: set.entry(page))
    program.add(set.move(2, 0))
    let site = program.address
    program.add(set.move(3, 1))
    // CBNZ r2, or CMP r2, #0 and BNE, to the end, which is 8 words further.
    program.add(set.isT32 ? 0xBF00_2A00 : 0xE352_0000)
    program.add(set.isT32 ? 0xF040_8010 : 0x1A00_0007)
    program.add(set.move(2, 1))
    program.add(set.store)
    program.add(set.maintenance)
    program.add(set.branch(from: program.address, to: site))
    // The end: MOV r0, r3.
    program.add(set.isT32 ? 0xEA4F_0003 : 0xE1A0_0003)
    program.add(set.back)
    program.publish()
    for _ in 0..<4 {
      let value = next()
      expect("a loop's own body", run(program.start, site, set.inMemory(set.move(3, value))), value)
      set.write(site, set.move(3, 1))
      publish(site, bytes: 4)
    }
  }

  // MARK: Without translation

  /// Whole words changed with the MMU off, as early code of kernels does, and after it was off.
  mutating func checkWithoutTranslation() {
    let page = Self.page(32)
    let control = read_control()
    for turn in 0..<4 as Range<UInt32> {
      let old = next()
      set.function(at: page, giving: old)
      expect("before the MMU is off", run(set.entry(page)), old)
      let value = next()
      // M, C; I too.
      write_control(control & ~(turn & 1 == 0 ? 0x5 : 0x1005))
      set.write(page, set.move(0, value))
      invalidate_instructions(0)
      data_barrier()
      instruction_barrier()
      let found = turn & 2 == 0 ? run(set.entry(page)) : value
      invalidate_translations(0)
      write_control(control)
      expect("while the MMU is off", found, value)
      expect("after the MMU was off", run(set.entry(page)), value)
    }
  }
}
