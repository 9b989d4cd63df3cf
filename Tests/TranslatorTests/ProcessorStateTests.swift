import Testing

@testable import Translator

@Suite struct ProcessorStateTests {
  @Test func exceptionsBankTheirReturn() {
    let guest = TranslatedGuest([0xE1A0_0000])
    let translator = guest.translator
    _ = guest.enter()
    translator[.status] = Mode.supervisor | 0x40
    translator[.flags] = 0x6000_0010
    translator.setRegister(13, 0x1000)
    translator.setRegister(14, 0x2000)
    translator[.savedStatus] = 0x10
    translator.setBanked(2, 0, 0x3000)
    translator.take(.interrupt)
    #expect(translator[.programCounter] == 0xFFFF_0018)
    #expect(translator[.status] == Mode.interrupt | 0x1C0)
    #expect(translator[.savedStatus] == 0x6000_0053)
    #expect(translator.register(13) == 0x3000)
    #expect(translator.register(14) == 0x8004)
    #expect(translator.returnFromException(to: 0x8000, status: translator[.savedStatus]) == .resume)
    #expect(translator.register(13) == 0x1000)
    #expect(translator.register(14) == 0x2000)
    #expect(translator[.savedStatus] == 0x10)
    #expect(translator[.status] == Mode.supervisor | 0x40)
    #expect(translator.banked(2, 1) == 0x8004)
  }

  @Test func fastInterruptsHaveRegistersOfTheirOwn() {
    let guest = TranslatedGuest([0xE1A0_0000])
    let translator = guest.translator
    _ = guest.enter()
    for register: UInt32 in 8..<13 { translator.setRegister(register, register) }
    translator.take(.fastInterrupt)
    #expect((8..<13).map { translator.register($0) } == [0, 0, 0, 0, 0])
    translator.setRegister(10, 77)
    // MSR CPSR_c from FIQ to System and back.
    translator.changeMode(Mode.system)
    #expect((8..<13).map { translator.register($0) } == [8, 9, 10, 11, 12])
    translator.changeMode(Mode.fastInterrupt)
    #expect(translator.register(10) == 77)
  }

  @Test func aModeThatIsNoneChangesNothing() {
    let guest = TranslatedGuest()
    for mode: UInt32 in [0, 0x14, 0x16, 0x1A, 0x1E] {
      guest.translator.changeMode(mode)
      #expect(guest.translator[.status] & 0x1F == Mode.supervisor)
    }
  }

  @Test func exceptionsOfT32KnowITSTATE() {
    let guest = TranslatedGuest()
    guest.space.setHalfwords(0x8000, [0xBF0C, 0x3101, 0x3102, 0xE7FE])
    let body = guest.enter(0x8001)
    // The second instruction of the IT block aborts.
    #expect(guest.programCounter(at: body + 8) == 0x8005)
    guest.translator.take(.dataAbort)
    #expect(guest.translator.register(14) == 0x800C)
    // ITSTATE 0x18: NE for the last one.
    #expect(guest.translator[.savedStatus] & 0x0600_FC20 == 0x1820)
    #expect(guest.translator.returnFromException(to: 0x8004, status: guest.translator[.savedStatus]) == .resume)
    #expect(guest.translator[.programCounter] == 0x8005)
    #expect(guest.translator[.ifThen] == 0x18)
  }

  @Test func userModeIsLeftToTheHypervisor() {
    // MOVS pc, lr
    let guest = TranslatedGuest([0xE1B0_F00E])
    let body = guest.enter()
    guest.translator.setBanked(0, 0, 0x7000)
    guest.translator[.savedStatus] = 0x30
    // Cached code stores LR.
    #expect(guest.space.words(body, 2).map { $0 >> 12 } == [0xE58FE, 0xEF000])
    guest.translator[.target] = 0x4001
    #expect(guest.leave(at: body + 4) == .user)
    #expect(guest.translator[.programCounter] == 0x4001)
    #expect(guest.translator.register(13) == 0x7000)
    #expect(guest.translator.currentStatus & 0x3F == 0x30)
  }

  /// Table B1-7, and the modes and masks of B1.8.
  @Test func everyExceptionHasItsModeMasksAndReturn() {
    let expected: [(GuestException, mode: UInt32, masks: UInt32, a32: UInt32, t32: UInt32)] = [
      (.undefined, Mode.undefined, 0x80, 4, 2), (.supervisorCall, Mode.supervisor, 0x80, 4, 2),
      (.prefetchAbort, Mode.abort, 0x180, 4, 4), (.dataAbort, Mode.abort, 0x180, 8, 8),
      (.interrupt, Mode.interrupt, 0x180, 4, 4), (.fastInterrupt, Mode.fastInterrupt, 0x1C0, 4, 4),
    ]
    for (exception, mode, masks, a32, t32) in expected {
      #expect(exception.mode == mode)
      #expect(exception.bank == Mode.bank(mode))
      #expect(exception.masks == masks)
      #expect(exception.returnOffset(isT32: false) == a32)
      #expect(exception.returnOffset(isT32: true) == t32)
    }
  }

  /// LDM sp!, {r0-r3, pc}^ through r0; LDM sp, {r0-pc}^, which loads the base as well; LDMDB r1, {r1, pc}^ has no register.
  @Test func loadsThatReturnAreCachedCode() {
    let guest = TranslatedGuest([0xE8FD_800F])
    let words = guest.space.words(guest.enter(), 9)
    #expect(words[1...2] == [0xE28D_0000, 0xE890_0001])
    #expect(words[4] == 0xE590_0010)
    #expect(words[6...8] == [0xE28D_0000, 0xE890_000F, 0xE28D_D014])
    guest.space.setWord(0x9000, 0xE8DD_FFFF)
    let all = guest.space.words(guest.enter(0x9000), 9)
    #expect(all[4] == 0xE590_003C && all[7] == 0xE890_7FFF && all[8] == 0xEF00_0005)
    guest.space.setWord(0xA000, 0xE951_8002)
    #expect(guest.space.word(guest.enter(0xA000)) == 0xEF00_0024)
  }

  /// Before its exit cached code has loaded what User mode has: an interrupt there finds the guest where it returns to, and is
  /// taken if that does not mask it.
  @Test(
    arguments: zip(
      [0x10, 0x90, 0x93, 0x13] as [UInt32], [Mode.interrupt, Mode.user, Mode.supervisor, Mode.interrupt]))
  func aReturnThatIsUnderWayIsFinished(saved: UInt32, mode: UInt32) {
    let guest = TranslatedGuest([0xE8FD_800F])
    let translator = guest.translator
    _ = guest.enter()
    translator.changeMode(Mode.abort)
    let body = guest.enter()
    translator[.status] = Mode.abort
    translator[.savedStatus] = saved
    translator[.target] = 0x8800
    translator.setBanked(saved == 0x10 || saved == 0x90 ? 0 : 3, 0, 0x7000)
    translator[.position] = body + 36
    let answer = translator.serve(TranslatorRequest.interrupt, GuestException.interrupt.rawValue)
    #expect(answer == (mode == Mode.user ? TranslatorCall.user : TranslatorCall.resume))
    #expect(translator[.status] & 0x1F == mode)
    if mode == Mode.interrupt {
      #expect(translator.register(14) == 0x8804)
      #expect(translator[.savedStatus] == saved)
    } else {
      #expect(translator[.programCounter] == 0x8800)
      #expect(translator.register(13) == 0x7000)
    }
  }

  /// By cached code, through a register that is not transferred.
  @Test func userRegistersAreInTheirBank() {
    // STM r0, {r1, sp, lr}^; LDMDB r2, {r1, r2, lr}^; LDM r3, {r4}^
    let guest = TranslatedGuest([0xE8C0_6002, 0xE952_4006, 0xE8D3_0010])
    let words = guest.space.words(guest.enter(), 22)
    #expect(words[1...2] == [0xE280_E000, 0xE88E_0002])
    #expect(words[5] == 0xE58E_0004 && words[7] == 0xE58E_0008)
    // The base is r2 - 12; its lowest word is read, then that of LR, and all others at the end.
    #expect(words[11] == 0xE242_E00C && words[13...14] == [0xE89E_0001, 0xE59E_0008])
    #expect(words[18] == 0xE89E_0006 && words[20] == 0xE893_0010)
  }

  /// In FIQ mode R8 to R12 are others, too: the translator does it.
  @Test func userRegistersInFastInterruptMode() {
    let guest = TranslatedGuest([0xE8C0_6002])
    guest.translator.changeMode(Mode.fastInterrupt)
    let body = guest.enter()
    guest.translator.setRegister(0, 0x5000)
    guest.translator.setRegister(1, 1)
    guest.translator.setRegister(13, 2)
    guest.translator.setBanked(0, 0, 13)
    guest.translator.setBanked(0, 1, 14)
    #expect(guest.leave(at: body) == .resume)
    #expect(guest.space.words(0x5000, 3) == [1, 13, 14])
    #expect(guest.translator[.programCounter] == 0x8004)
    // What was translated is not used in another mode.
    let generation = guest.translator.generation
    guest.translator.changeMode(Mode.supervisor)
    #expect(guest.translator.generation != generation)
  }

  /// An exception's vector that loads its target: a direct branch, dropped with the pair of pages.
  @Test func vectorsBranchDirectly() {
    let guest = TranslatedGuest()
    guest.space.setWord(0xFFFF_0008, 0xE59F_FFF0)
    guest.space.setWord(0xFFFF_1000, 0x8000)
    let body = guest.enter(0xFFFF_0008)
    #expect(guest.space.word(body) == 0xEF00_0001)
    #expect(guest.leave(at: body) == .resume)
    #expect(guest.translator[.programCounter] == 0x8000)
    // One that is further away is read each time.
    guest.space.setWord(0x9FF8, 0xE59F_F004)
    #expect(guest.space.word(guest.enter(0x9FF8)) != 0xEF00_0001)
  }

  /// Where a supervisor call goes is known after the first one, until the vectors are others.
  @Test func theCallEntryIsKept() {
    let guest = TranslatedGuest([0xE1A0_0000])
    _ = guest.enter()
    guest.translator[.status] = Mode.user
    guest.translator.take(.supervisorCall)
    #expect(guest.translator[.entry(.supervisorCall)] == guest.translator[.position])
    guest.translator.flush()
    #expect(guest.translator[.entry(.supervisorCall)] == 0)
  }

  /// The guest's PC at a place of the cache is kept if that says all: not with a spilled register, not in an IT block.
  @Test func whereCodeStoppedIsKept() {
    // MOV r0, r0; MRS r0, CPSR
    let guest = TranslatedGuest([0xE1A0_0000, 0xE10F_0000])
    let translator = guest.translator
    let body = guest.enter()
    func kept(_ position: UInt32) -> [UInt32] {
      [translator[.recovery(at: position)], translator[.recovery(at: position) + 4]]
    }
    #expect(guest.programCounter(at: body) == 0x8000)
    #expect(kept(body) == [body, 0x8000])
    #expect(guest.programCounter(at: body + 4) == 0x8004)
    #expect(kept(body + 4) == [body + 4, 0x8004])
    // A register is spilled.
    #expect(guest.programCounter(at: body + 8) == 0x8004)
    #expect(kept(body + 8) == [0, 0])
    translator.flush()
    #expect(kept(body) == [0, 0] && kept(body + 4) == [0, 0])
    // IT NE; ADDS r1, #1; B .
    guest.space.setHalfwords(0x9000, [0xBF18, 0x3101, 0xE7FE])
    let conditional = guest.enter(0x9001)
    #expect(guest.programCounter(at: conditional + 6) == 0x9003)
    #expect(kept(conditional + 6) == [0, 0])
  }

  @Test func returnStateGoesToAnyStack() {
    // SRSDB sp!, #19, from IRQ mode; RFEIA sp!
    let guest = TranslatedGuest([0xF96D_0513, 0xF8BD_0A00])
    let translator = guest.translator
    _ = guest.enter()
    translator.changeMode(Mode.interrupt)
    translator.setBanked(3, 0, 0x6000)
    translator.setRegister(14, 0x8800)
    translator[.savedStatus] = 0x1F3
    translator.enter(0x8000)
    #expect(guest.leave(at: translator[.position]) == .resume)
    #expect(guest.space.words(0x5FF8, 2) == [0x8800, 0x1F3])
    #expect(translator.banked(3, 0) == 0x5FF8)
    translator.changeMode(Mode.supervisor)
    translator.enter(0x8004)
    #expect(guest.leave(at: translator[.position]) == .resume)
    #expect(translator.register(13) == 0x6000)
    #expect(translator[.programCounter] == 0x8801)
  }
}
