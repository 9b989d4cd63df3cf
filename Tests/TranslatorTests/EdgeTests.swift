import Testing

@testable import Translator

/// Where addresses end: at a page's end and at 4 GiB.
@Suite struct EdgeTests {
  /// B to 0; nothing says that no code is there.
  @Test func codeBranchesToZero() {
    let guest = TranslatedGuest([0xEAFF_DFFE])
    let body = guest.enter()
    #expect(guest.leave(at: body) == .resume)
    #expect(guest.translator[.programCounter] == 0)
  }

  /// MOV r0, r0 at the last word.
  @Test func codeGoesOnAtZero() {
    let guest = TranslatedGuest()
    guest.space.setWord(0xFFFF_FFFC, 0xE1A0_0000)
    let body = guest.enter(0xFFFF_FFFC)
    #expect(guest.leave(at: body + 4) == .resume)
    #expect(guest.translator[.programCounter] == 0)
  }

  /// The next page may not be there, and need not be before code comes to it: BEQ, and in the last halfword the first half
  /// of a long instruction.
  @Test func aPageThatIsNotReachedIsNotRead() {
    let guest = TranslatedGuest()
    guest.space.setHalfwords(0x9FFC, [0xD07E, 0xEA4F])
    guest.space.setWord(0xA000, 0)
    _ = guest.enter(0x9FFD)
    #expect(!guest.space.readPages.contains(0xA))
  }
}
