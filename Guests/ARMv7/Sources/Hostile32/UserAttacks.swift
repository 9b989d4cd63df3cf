// Instructions of all kinds, where User mode and the kernel execute them.

import GuestMachine
import GuestSupport

extension Attacker {
  /// Any words, with registers that point to where it hurts.
  mutating func attackFromUserMode() {
    Battle.sparesCache = false
    for _ in 0..<4 {
      let isT32 = dice.oneIn(2)
      var program = Program(at: codePlace() | (isT32 ? 1 : 0))
      for _ in 0..<1 &+ dice.below(8) { program.add(isT32 ? dice.anyT32() : dice.anyA32()) }
      program.end()
      dice.registers()
      Battle.run(program.start &- Battle.code &+ Battle.userCode, status: Mode.user | flags())
    }
  }

  /// The same in the kernel, translated; without what masks interrupts, and so may end this VM's part in all this.
  mutating func attackFromKernel() {
    for _ in 0..<4 {
      let isT32 = dice.oneIn(2)
      var program = Program(at: codePlace() | (isT32 ? 1 : 0))
      for _ in 0..<1 &+ dice.below(6) {
        let word = isT32 ? dice.anyT32() : dice.anyA32()
        if isMild(word, isT32: isT32) { program.add(word) }
      }
      program.end()
      dice.registers()
      Battle.run(program.start, status: kernelMode() | flags())
    }
  }

  /// Where code begins: anywhere, and now and then over the end of a page.
  mutating func codePlace() -> UInt32 {
    Battle.code &+ (dice.oneIn(4) ? 4096 &- dice.below(8) &* 4 : dice.below(Battle.codeBytes / 4 &- 64) &* 4)
  }

  mutating func kernelMode() -> UInt32 {
    dice.oneIn(2)
      ? Mode.supervisor : dice.pick([Mode.fast, Mode.interrupt, Mode.supervisor, Mode.undefined, Mode.system])
  }

  /// Condition flags, Q and GE.
  mutating func flags() -> UInt32 { dice.word() & 0xF80F_0000 }

  /// Whether it neither masks interrupts nor changes the mode.
  private func isMild(_ word: UInt32, isT32: Bool) -> Bool {
    guard isT32 else {
      let isStatus = word & 0x0FB0_0000 == 0x0120_0000 || word & 0x0FB0_0000 == 0x0320_0000
      return !isStatus && word & 0xFFF0_0020 != 0xF100_0000
    }
    let isShort = word & 0xFFE0_0000 == 0xB660_0000 || word & 0xFFE0 == 0xB660
    return !isShort && word & 0xFFE0_D000 != 0xF380_8000 && word & 0xFFF0_D000 != 0xF3A0_8000
  }

  // MARK: The end of a page

  /// What stands in the last halfword or word of a page that has nothing behind it.
  mutating func attackFromEdge(isUser: Bool) {
    for _ in 0..<4 {
      let isT32 = !dice.oneIn(4)
      let page = dice.pick(Battle.edges)
      isT32 ? writeEdge(page) : write32(page &+ 0xFFC, dice.anyA32())
      publish(page &+ 0xFC0, bytes: 64)
      // At the instruction or some before it.
      let distance = isT32 ? 2 &+ dice.below(4) &* 2 : 4
      dice.registers()
      let mode = isUser ? Mode.user : kernelMode()
      Battle.run((page &+ 4096 &- distance) | (isT32 ? 1 : 0), status: mode | flags())
    }
  }

  private mutating func writeEdge(_ page: UInt32) {
    for place in 0..<4 as Range<UInt32> { write16(page &+ 0xFF8 &+ 2 &* place, 0xBF00) }
    write16(page &+ 0xFFE, UInt16(truncatingIfNeeded: edgeHalfword()))
    // Now and then in an IT block.
    if dice.oneIn(4) { write16(page &+ 0xFFC, UInt16(truncatingIfNeeded: 0xBF08 | dice.below(15) &<< 4)) }
  }

  /// UDF.N, SVC.N, BKPT, undefined ones of the miscellaneous space, the first half of a long one, anything.
  private mutating func edgeHalfword() -> UInt32 {
    switch dice.below(10) {
    case 0, 1: return 0xDE00 | dice.below(256)
    case 2: return 0xDF00 | dice.below(256)
    case 3: return 0xBE00 | dice.below(256)
    case 4: return dice.pick([0xB600, 0xB601, 0xB680, 0xB7FF, 0xB800, 0xBA80, 0xBABF, 0xB650, 0xB658, 0xBF0F])
    case 5, 6: return 0xE800 &+ dice.below(0x1800)
    case 7: return 0xB000 | dice.below(0x1000)
    case 8: return 0x4400 | dice.below(0x400)
    default: return dice.below(0x1_0000)
    }
  }
}
