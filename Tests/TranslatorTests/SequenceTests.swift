import Testing
import Translator

/// What the sequences are, word by word, and what the guest's state is in the middle of them.
@Suite struct SequenceTests {
  @Test func branchesAreOneWord() {
    // BNE +16; B .
    let guest = TranslatedGuest([0x1A00_0002, 0xEAFF_FFFE])
    let body = guest.enter()
    #expect(guest.space.words(body, 2) == [0x1F00_0001, 0xEF00_0001])
    #expect(guest.leave(at: body) == .resume)
    #expect(guest.translator[.programCounter] == 0x8010)
    let target = guest.translator[.position]
    #expect(guest.space.word(body) == 0x1A00_0000 | (target - body - 8) / 4)
    // A branch to itself is its own block.
    #expect(guest.leave(at: body + 4) == .resume)
    #expect(guest.translator[.programCounter] == 0x8004)
    let itself = guest.translator[.position]
    #expect(guest.leave(at: itself) == .resume)
    #expect(guest.translator[.position] == itself)
    #expect(guest.space.word(itself) == 0xEAFF_FFFE)
  }

  @Test func callsSetTheLink() {
    // BL +8
    let guest = TranslatedGuest([0xEB00_0000])
    let body = guest.enter()
    #expect(guest.space.words(body, 3) == [0xE308_E004, 0xE340_E000, 0xEF00_0001])
    #expect(guest.programCounter(at: body) == 0x8000)
    // From the first half on the call is certain.
    guest.translator.setRegister(14, 0xFFFF_8004)
    #expect(guest.programCounter(at: body + 4) == 0x8000)
    #expect(guest.translator.register(14) == 0x8004)
  }

  @Test func statusIsReadWithoutAnExit() {
    // MRS r3, CPSR
    let guest = TranslatedGuest([0xE10F_3000, 0xEAFF_FFFE])
    let body = guest.enter()
    #expect(guest.space.word(body + 8) == 0xE10F_3000)
    #expect(guest.space.word(body + 12) == 0xE680_3013)
    guest.translator[.spill2] = 0x1234
    guest.translator[.status] = 0x1D3
    guest.translator.setRegister(0, 77)
    guest.translator.setRegister(3, 0x6000_0010)
    // Between MRS and PKHBT it is already done, as far as the guest can see.
    #expect(guest.programCounter(at: body + 12) == 0x8004)
    #expect(guest.translator.register(3) == 0x6000_01D3)
    #expect(guest.translator.register(0) == 0x1234)
  }

  @Test func returnsProbeTheTable() {
    // POP {r4, pc}
    let guest = TranslatedGuest([0xE8BD_8010])
    let body = guest.enter()
    let words = guest.space.words(body, 9)
    #expect(words[0] == 0xE89D_0010)
    #expect(words[3] == 0xE59D_0004)
    #expect(words[4] == 0xE28D_D008)
    #expect(words[5...8] == [0xE6FF_1070, 0xE34F_1100, 0xE7C1_101F, 0xE591_F000])
    guest.translator[.spill0] = 10
    guest.translator[.spill1] = 11
    guest.translator.setRegister(0, 0x9001)
    #expect(guest.programCounter(at: body + 16) == 0x8000)
    guest.translator.setRegister(0, 0x9001)
    #expect(guest.programCounter(at: body + 20) == 0x9001)
    #expect(guest.translator.register(0) == 10)
    #expect(guest.translator.register(1) == 11)
  }

  @Test func aMissedTargetGetsAnEntry() {
    let guest = TranslatedGuest([0xE12F_FF1E])
    let body = guest.enter()
    let miss = guest.space.word(TranslatedGuest.table)
    #expect(guest.space.word(miss) == 0xEF00_0002)
    guest.translator.setRegister(0, 0x9000)
    guest.translator[.spill0] = 10
    guest.translator[.spill1] = 11
    #expect(guest.leave(at: miss) == .resume)
    #expect(guest.translator[.programCounter] == 0x9000)
    #expect(guest.translator.register(0) == 10)
    let target = guest.translator[.position]
    let entry = guest.space.word(TranslatedGuest.table + 0x9000)
    #expect(entry & 1 == 1)
    #expect(guest.space.word(entry - 1 + 28) == target)
    // MOVW r1, #0x9000; MOVT r1, #0; SUB.W r1, r1, r0; CBNZ r1
    #expect(guest.space.words(entry - 1, 3) == [0x0100_F249, 0x0100_F2C0, 0x0100_EBA1])
    #expect(guest.space.word(entry - 1 + 12) & 0xFFFF == 0xB941)
    // In it, r0 is the target until it is loaded.
    guest.translator.setRegister(0, 0x1_9000)
    #expect(guest.programCounter(at: entry - 1 + 14) == 0x1_9000)
    #expect(guest.translator.register(0) == 10)
    #expect(guest.programCounter(at: entry - 1 + 18) == 0x9000)
    #expect(guest.programCounter(at: entry - 1 + 22) == 0x9000)
    #expect(body != target)
  }

  @Test func thumbCodeIsAnIsland() {
    // MOVS r0, #1; ITE EQ; ADDEQ r1, #1; ADDNE r1, #2; B .
    let guest = TranslatedGuest()
    guest.space.setHalfwords(0x8000, [0x2001, 0xBF0C, 0x3101, 0x3102, 0xE7FE])
    let body = guest.enter(0x8001)
    #expect(
      guest.space.words(body, 5) == [0xE24F_F003, 0xBF0C_2001, 0x3102_3101, 0xBF00_4778, 0xEF00_0001])
    #expect(guest.programCounter(at: body + 10) == 0x8007)
    #expect(guest.translator[.ifThen] == 0x18)
    #expect(guest.programCounter(at: body + 16) == 0x8009)
  }

  @Test func conditionsOfAnITBlockBecomeThoseOfA32() {
    // ITT NE; MRSNE r0, CPSR; ADDNE r1, #1; B .
    let guest = TranslatedGuest()
    guest.space.setHalfwords(0x8000, [0xBF1C, 0xF3EF, 0x8000, 0x3101, 0xE7FE])
    let body = guest.enter(0x8001)
    let words = guest.space.words(body, 9)
    #expect(words[0] == 0x0A00_0004)
    #expect(words[3] == 0xE10F_0000)
    #expect(words[6] == 0xE24F_F003)
    #expect(words[7] == 0x3101_BF18)
    #expect(guest.programCounter(at: body) == 0x8003)
    #expect(guest.translator[.ifThen] == 0x1C)
  }
}
