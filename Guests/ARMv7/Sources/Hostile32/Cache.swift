// What the guest's kernel can do to the translator that serves it: its code cache, its tables, its stack and the state page
// are in the guest's address space (Firmware/Sources/ARMv7/GuestContext.swift, `Pool`). Most of this ends this VM.

import GuestMachine
import GuestSupport

enum CachePlace {
  static let start: UInt32 = 0xFE20_0000
  static let state: UInt32 = 0xFE20_1000
  /// Where the next block goes.
  static let cursor: UInt32 = 0xFE02_0000
  static let targets: UInt32 = 0xFE01_0000
  static let stack: UInt32 = 0xFE02_5000
}

extension Attacker {
  mutating func attackCache() {
    Battle.sparesCache = false
    switch dice.below(6) {
    case 0: scribble()
    case 1: attackState()
    case 2: replaceCachedCode()
    case 3: replaceStore()
    case 4: jumpIntoCache()
    default: attackByAccess()
    }
  }

  /// Anything, anywhere.
  private mutating func scribble() {
    for _ in 0..<1 &+ dice.below(8) {
      let address = dice.cacheAddress() & ~3
      let value = dice.oneIn(2) ? dice.value() : dice.anyA32()
      var program = Program(at: Battle.code)
      program.add(dice.oneIn(4) ? 0xE880_01FE : 0xE580_1000)  // STM, STR
      program.end()
      dice.registers()
      Battle.state[0] = address
      Battle.state[1] = value
      Battle.run(program.start, status: Mode.supervisor)
    }
  }

  /// The words of the state page: the status, where it is stored, the registers and the PC of exits.
  private mutating func attackState() {
    var program = Program(at: Battle.code)
    for _ in 0..<1 &+ dice.below(4) { program.add(0xE580_1000 | dice.below(0x1A0) & ~3) }
    // Something that leaves the cache then.
    program.add(
      dice.pick([
        0xE121_F002, 0xF108_0080, 0xE14F_0000, 0xEE08_0F17, 0xEE01_0F10, 0xE321_F0D3, 0xE140_0070, 0xE7F0_00F0,
      ]))
    program.end()
    dice.registers()
    Battle.state[0] = CachePlace.state
    Battle.state[1] = dice.oneIn(2) ? dice.value() : edgeAddress()
    Battle.run(program.start, status: Mode.supervisor)
  }

  /// The first or the last instruction of a page that has nothing before or behind it; in T32 too.
  private mutating func edgeAddress() -> UInt32 {
    dice.pick(Battle.edges) &+ dice.pick([0, 1, 2, 0xFFC, 0xFFE, 0xFFF])
  }

  // MARK: Known places in the cache

  /// Makes cached code of a program that begins with two words that nothing else has.
  /// - Parameter program: has begun with `mark`.
  /// - Returns: where the word behind them is in the cache.
  private func cached(_ program: Program) -> UInt32? {
    Battle.run(program.start, status: Mode.supervisor)
    let end = read32(CachePlace.cursor)
    guard end &- CachePlace.start < 0x20_0000 else { return nil }
    var address = CachePlace.start &+ 0x100
    while address < end {
      // The state page is between pages of code.
      if address & 4096 != 0 { address = address &+ 4096 }
      if read32(address) == Self.mark, read32(address &+ 4) == Self.secondMark { return address &+ 8 }
      address = address &+ 4
    }
    return nil
  }

  /// MOVW and MOVT of R12.
  private static let mark: UInt32 = 0xE305_CA17
  private static let secondMark: UInt32 = 0xE345_CA17

  private mutating func marked() -> Program {
    var program = Program(at: Battle.code &+ dice.below(256) &* 4)
    program.add(Self.mark)
    program.add(Self.secondMark)
    return program
  }

  /// An instruction of ours in place of a cached one: what the translator would never leave there.
  private mutating func replaceCachedCode() {
    var program = marked()
    for _ in 0..<4 { program.add(0xE1A0_0000) }
    program.end()
    dice.registers()
    guard let place = cached(program) else { return }
    for word in 0..<4 as Range<UInt32> where dice.oneIn(2) { write32(place &+ 4 &* word, replacement()) }
    publish(place, bytes: 16)
    writeEdgeCode()
    dice.registers()
    for register in 0..<4 { Battle.state[register] = edgeAddress() }
    Battle.run(program.start, status: Mode.supervisor)
  }

  /// SVC with any number, BX and BLX to the end of a page, BKPT, UDF, SETEND, any store or coprocessor, anything.
  private mutating func replacement() -> UInt32 {
    switch dice.below(8) {
    case 0: return 0xEF00_0000 | dice.below(64)
    case 1: return 0xEF00_0000 | dice.word() & 0xFF_FFFF
    case 2, 3: return 0xE12F_FF10 | dice.below(4) | dice.below(2) &<< 5
    case 4: return 0xE1A0_F000 | dice.below(4)
    case 5:
      return dice.pick([
        0xE120_0070, 0xE7F0_00F0, 0xF101_0200, 0xEAFF_FFFE, 0xE320_F003, 0xE59F_F000, 0xE8BD_8000,
      ])
    case 6: return 0xEE00_0A10 | dice.word() & 0x00FF_F0EF
    default: return dice.anyA32()
    }
  }

  /// SVC.N, UDF.N, BKPT and the halves of long instructions at both ends of the pages of edges.
  private mutating func writeEdgeCode() {
    let halves: InlineArray<8, UInt32> = [0xDF00, 0xDE00, 0xBE00, 0xF7F0, 0xEE10, 0xE7FE, 0xDF1F, 0xBF00]
    for index in 0..<6 {
      let page = Battle.edges[index]
      for place in 0..<4 as Range<UInt32> {
        write16(page &+ 2 &* place, UInt16(truncatingIfNeeded: dice.pick(halves)))
        write16(page &+ 0xFF8 &+ 2 &* place, UInt16(truncatingIfNeeded: dice.pick(halves)))
      }
      publish(page, bytes: 64)
      publish(page &+ 0xFC0, bytes: 64)
    }
  }

  /// A store that has another instruction in its place once it aborts: the store before it wrote that, and the CPU had
  /// both already. It aborts because code was translated from where it goes.
  private mutating func replaceStore() {
    var program = marked()
    program.add(0xE580_1000)  // STR r1, [r0]
    program.add(0xE583_2000)  // STR r2, [r3]
    program.end()
    Battle.state[0] = Battle.data
    Battle.state[3] = Battle.data
    guard let place = cached(program) else { return }
    dice.registers()
    Battle.state[0] = place &+ 4
    Battle.state[1] = dice.oneIn(2) ? 0xEAFF_FFFE : replacement()
    Battle.state[2] = dice.word()
    // Beside the code of this very program, in its page.
    Battle.state[3] = Battle.code &+ 0xFC0
    Battle.run(program.start, status: Mode.supervisor)
  }

  /// The guest's PC in the cache, the translator, the status window or behind them.
  private mutating func jumpIntoCache() {
    var program = Program(at: codePlace())
    program.add(dice.pick([0xE12F_FF10, 0xE12F_FF30, 0xE1A0_F000]))
    program.end()
    dice.registers()
    Battle.state[0] = dice.oneIn(2) ? CachePlace.start &+ 0x100 &+ dice.below(0x1000) : dice.cacheAddress()
    Battle.run(program.start, status: Mode.supervisor)
  }
}
