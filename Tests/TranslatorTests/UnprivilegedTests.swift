import Testing

@testable import Translator

/// LDRT, STRT and their kin.
@Suite struct UnprivilegedTests {
  @Test func unprivileged() {
    // LDRT r0, [r4]; STRBT r1, [r2], #8; LDRHT r3, [r5], -r6; LDRSBT r7, [r8], #-2
    let load = UnprivilegedAccess(a32: 0xE4B4_0000)
    #expect(load.bytes == 4 && !load.isWrite && load.base == 4 && load.register == 0 && load.offset == 0)
    let store = UnprivilegedAccess(a32: 0xE4E2_1008)
    #expect(store.bytes == 1 && store.isWrite && store.offset == 8 && store.addsOffset)
    let halfword = UnprivilegedAccess(a32: 0xE035_30B6)
    #expect(halfword.bytes == 2 && halfword.offsetRegister == 6 && !halfword.addsOffset && !halfword.isSigned)
    let signed = UnprivilegedAccess(a32: 0xE078_70D2)
    #expect(signed.bytes == 1 && signed.isSigned && signed.offset == 2 && !signed.addsOffset)
    #expect(signed.extended(0x1280) == 0xFFFF_FF80)
    // LDRSHT r1, [r2, #3]
    let thumb = UnprivilegedAccess(t32: 0xF932, 0x1E03)
    #expect(thumb.bytes == 2 && thumb.isSigned && thumb.offset == 3 && thumb.isT32)
    #expect(thumb.extended(0x8001) == 0xFFFF_8001)
  }

  /// Runs one instruction with r2 an address and r3 an offset.
  private func run(_ word: UInt32, at address: UInt32) -> TranslatedGuest {
    let guest = TranslatedGuest([word])
    guest.space.setWords(0x10_0000, [0x8899_AABB, 0xCCDD_EEFF])
    let place = guest.enter()
    guest.translator.setRegister(1, 0x1122_33F4)
    guest.translator.setRegister(2, address)
    guest.translator.setRegister(3, 0x10)
    guest.translator[.position] = place + 4
    let exit = guest.space.word(place) & 0xFF_FFFF
    #expect(guest.translator.serve(TranslatorRequest.exit, exit) == TranslatorCall.resume)
    #expect(guest.translator[.programCounter] == TranslatedGuest.code + 4)
    return guest
  }

  @Test func loads() {
    // LDRT r1, [r2], #4; LDRBT r1, [r2], -r3, LSL #2; LDRSHT r1, [r2], r3
    let word = run(0xE4B2_1004, at: 0x10_0002)
    #expect(word.translator.register(1) == 0xEEFF_8899 && word.translator.register(2) == 0x10_0006)
    let byte = run(0xE672_1103, at: 0x10_0003)
    #expect(byte.translator.register(1) == 0x88 && byte.translator.register(2) == 0xF_FFC3)
    let halfword = run(0xE0B2_10F3, at: 0x10_0000)
    #expect(halfword.translator.register(1) == 0xFFFF_AABB && halfword.translator.register(2) == 0x10_0010)
    // LDRSBT r1, [r2], r3: its register is not shifted.
    let signed = run(0xE0B2_10D3, at: 0x10_0000)
    #expect(signed.translator.register(1) == 0xFFFF_FFBB && signed.translator.register(2) == 0x10_0010)
  }

  /// Both pages of a store are asked for, before anything is written.
  @Test func stores() {
    let guest = run(0xE4A2_1000, at: 0x10_0FFE)
    let addresses = guest.space.checked.map { $0.isWrite ? $0.address : 0 }
    #expect(addresses == [0x10_0FFE, 0x10_1001])
    #expect(guest.space.load(0x10_0FFE, bytes: 4) == 0x1122_33F4)
    let byte = run(0xE4E2_1001, at: 0x10_0001)
    #expect(byte.space.word(0x10_0000) == 0x8899_F4BB && byte.translator.register(2) == 0x10_0002)
    #expect(byte.space.checked.count == 1)
  }
}
