// Loads and stores of every form, to every address.

import GuestMachine
import GuestSupport

extension Attacker {
  mutating func attackByAccess() {
    for _ in 0..<4 { attackByAccess(at: dice.address()) }
  }

  mutating func attackDevices() {
    for _ in 0..<6 { attackByAccess(at: dice.deviceAddress()) }
  }

  /// One access with r0 as its base, from User mode or the kernel.
  private mutating func attackByAccess(at address: UInt32) {
    let isUser = dice.oneIn(3)
    let isT32 = dice.oneIn(2)
    var program = Program(at: codePlace() | (isT32 ? 1 : 0))
    isT32 ? addT32(to: &program) : addA32(to: &program)
    program.end()
    dice.registers()
    Battle.state[0] = address
    // An offset that is small, mostly.
    Battle.state[3] = dice.oneIn(4) ? dice.word() : dice.below(32)
    // The stack of SRS, PUSH and POP.
    Battle.state[13] = dice.oneIn(2) ? address : Battle.data &+ 0x800
    let start = isUser ? program.start &- Battle.code &+ Battle.userCode : program.start
    Battle.run(start, status: (isUser ? Mode.user : kernelMode()) | flags())
  }

  private mutating func addA32(to program: inout Program) {
    let condition: UInt32 = 0xE000_0000
    let register = 1 &+ dice.below(12)
    switch dice.below(12) {
    // LDM and STM, with R0 as base, any list, also of User mode's registers and with the PC.
    case 0, 1, 2: program.add(condition | 0x0800_0000 | dice.word() & 0x01F0_FFFF)
    // LDR and STR: an immediate, small mostly, or R3; any way of addressing.
    case 3, 4: program.add(condition | 0x0400_0000 | dice.word() & 0x01F0_001F | register &<< 12)
    case 5: program.add(condition | 0x0600_0003 | dice.word() & 0x01F0_0000 | register &<< 12)
    // Halfwords, signed ones, pairs.
    case 6: program.add(condition | 0x0040_0090 | dice.word() & 0x01B0_0F6F | register &<< 12)
    // LDREX, STREX, SWP and their kin.
    case 7: program.add(condition | 0x0180_0F90 | dice.word() & 0x0070_0000 | register &<< 12 | dice.below(14))
    case 8: program.add(condition | 0x0100_0090 | dice.word() & 0x0040_0000 | register &<< 12 | dice.below(14))
    // SRS, RFE.
    case 9: program.add(0xF84D_0500 | dice.word() & 0x01A0_001F)
    case 10: program.add(0xF810_0A00 | dice.word() & 0x01A0_0000)
    // VLDR, VLDM, VLD1.
    default:
      program.add(
        dice.oneIn(3)
          ? 0xF400_0000 | dice.word() & 0x00A0_FFFF : condition | 0x0C00_0A00 | dice.word() & 0x01F0_F1FF)
    }
  }

  private mutating func addT32(to program: inout Program) {
    let register = 1 &+ dice.below(12)
    switch dice.below(10) {
    case 0, 1: program.add(0xE800_0000 | dice.word() & 0x01B0_DFFF)  // LDM, STM
    case 2: program.half(0xC000 | dice.word() & 0x08FF)  // the short ones
    case 3: program.half(0xB400 | dice.word() & 0x09FF)  // PUSH, POP
    case 4: program.half(0x6000 | dice.word() & 0x3FC7)  // LDR, STR, LDRB…
    case 5: program.half(0x50C0 | dice.word() & 0x0E07)  // with R3
    case 6: program.add(0xF800_0000 | dice.word() & 0x01F0_0FFF | register &<< 12)
    case 7: program.add(0xE840_0000 | dice.word() & 0x01B0_0FFF | register &<< 12)  // LDRD, STRD, LDREX…
    case 8:
      program.add(
        dice.oneIn(2) ? 0xE80D_C000 | dice.word() & 0x01A0_001F : 0xE810_C000 | dice.word() & 0x01A0_0000)
    default: program.add(0xEC00_0A00 | dice.word() & 0x01F0_F1FF)
    }
  }

  // MARK: Code that changes itself

  /// Stores to the page that executes, over its end, to where the code goes on; with and without any maintenance.
  mutating func attackOwnCode() {
    for _ in 0..<3 {
      let place = codePlace()
      var program = Program(at: place)
      let distance = dice.below(32) &* 4
      for _ in 0..<1 &+ dice.below(3) {
        // STR, STM, STRH, STRB of r1… to r0.
        program.add(
          dice.pick([0xE580_1000, 0xE880_00FE, 0xE8A0_1FFE, 0xE1C0_10B0, 0xE5C0_1000, 0xE1C0_20F0, 0xE8A0_0006])
        )
      }
      if dice.oneIn(2) { program.add(0xEE07_0F35) }  // ICIMVAU
      if dice.oneIn(2) { program.add(0xF57F_F06F) }  // ISB
      for _ in 0..<dice.below(8) { program.add(0xE1A0_0000) }
      program.end()
      dice.registers()
      Battle.state[0] =
        (dice.oneIn(2) ? Battle.userCode : Battle.code) &+ (place &- Battle.code) &+ distance &- 32
      for register in 1..<13 { Battle.state[register] = dice.oneIn(2) ? 0xEF00_0000 : dice.anyA32() }
      Battle.run(place, status: Mode.supervisor)
    }
  }
}
