import SeededRandom
import Testing

@testable import Translator

@Suite struct CacheTests {
  @Test func changedCodeIsTranslatedAnew() {
    let guest = TranslatedGuest([0xE1A0_0000, 0xEAFF_FFFE])
    let body = guest.enter()
    guest.translator.drop(0x8008, count: 4)
    #expect(guest.enter() == body)
    guest.translator.drop(0x8004, count: 4)
    #expect(guest.space.word(body) == 0xEF00_0003)
    let second = guest.enter()
    #expect(second != body)
    // Whoever still comes to the old one gets to the new one, and the next time without an exit.
    #expect(guest.leave(at: body) == .resume)
    #expect(guest.translator[.position] == second)
    #expect(guest.space.word(body) >> 24 == 0xEA)
  }

  @Test func everyChangeOfAnyByteDropsIt() {
    for offset: UInt32 in 0..<16 {
      let guest = TranslatedGuest([0xE1A0_0000, 0xE1A0_0000, 0xE1A0_0000, 0xEAFF_FFFE])
      let body = guest.enter()
      guest.translator.drop(TranslatedGuest.code + offset, count: 1)
      #expect(guest.space.word(body) == 0xEF00_0003)
    }
  }

  @Test func aFullCacheBeginsAgain() {
    let guest = TranslatedGuest(pairs: 1)
    for page: UInt32 in 0..<1000 {
      let address = 0x10_0000 + page * 64
      guest.space.setWords(address, [0xE1A0_0000, 0xE10F_0000, 0xEAFF_FFFE])
      let body = guest.enter(address)
      #expect(body & ~0xFFF == TranslatedGuest.cache)
      #expect(guest.programCounter(at: body) == address)
    }
    #expect(guest.translator.generation > 10)
  }

  @Test func blocksEndWithTheirPage() {
    let guest = TranslatedGuest()
    guest.space.setWords(0x8FF8, [0xE1A0_0000, 0xE1A0_0000, 0xE1A0_0000])
    let body = guest.enter(0x8FF8)
    #expect(guest.space.words(body, 3) == [0xE1A0_0000, 0xE1A0_0000, 0xEF00_0001])
    // An instruction over the boundary is a block of its own: MOV.W r0, r0.
    guest.space.setHalfwords(0x9FFC, [0x4600, 0xEA4F, 0x0000, 0x4600])
    let thumb = guest.enter(0x9FFD)
    #expect(guest.space.words(thumb, 4) == [0xE24F_F003, 0xBF00_4600, 0xBF00_4778, 0xEF00_0001])
    let boundary = guest.enter(0x9FFF)
    #expect(guest.space.words(boundary, 4) == [0xE24F_F003, 0x0000_EA4F, 0xBF00_4778, 0xEF00_0001])
    guest.translator.drop(0xA000, count: 2)
    #expect(guest.space.word(boundary) == 0xEF00_0003)
  }

  /// Whatever bytes a guest has: each place in the cache has a state of the guest, in order, and the second walk ends
  /// where the first one did.
  @Test(arguments: [false, true]) func everyPlaceHasAState(isT32: Bool) {
    var random = SeededGenerator(seed: 5)
    let guest = TranslatedGuest(pairs: 1)
    for _ in 0..<3000 {
      guest.translator.drop(0x8F80, count: 160)
      for index: UInt32 in 0..<40 {
        guest.space.setWord(0x8F80 + 4 * index, UInt32(truncatingIfNeeded: random.next()))
      }
      let body = guest.enter(isT32 ? 0x8F81 : 0x8F80)
      let end = guest.translator[.cursor]
      #expect(end > body)
      var last: UInt32 = 0
      for place in stride(from: body, to: end, by: 4) {
        let recovery = guest.translator.recovery(at: place)
        guard let recovery else { continue }
        #expect(recovery.instruction >= last)
        last = recovery.instruction
      }
      #expect(guest.translator.recovery(at: body) != nil)
      #expect(guest.translator.recovery(at: end - 4) != nil || end - body == 4)
      #expect(guest.translator.recovery(at: end) == nil)
    }
  }

  /// A guest that writes into its own cache, directory and table: the translator answers, whatever there is.
  @Test func aDamagedCacheIsSurvived() {
    var random = SeededGenerator(seed: 9)
    let guest = TranslatedGuest(pairs: 2)
    for _ in 0..<2000 {
      for index: UInt32 in 0..<32 {
        guest.space.setWord(0x8000 + 4 * index, UInt32(truncatingIfNeeded: random.next()))
      }
      _ = guest.enter()
      for _ in 0..<32 {
        let value = UInt32(truncatingIfNeeded: random.next())
        let place = UInt32(truncatingIfNeeded: random.next() >> 32)
        switch place & 7 {
        case 0: guest.space.setWord(0xF200_0000 + place >> 8 & 0x4FFC, value)
        case 1: guest.space.setWord(0xF200_0000 + place >> 8 & 0x4FFC, TranslatedGuest.cache + value & 0x3FFC)
        case 2: guest.space.setWord(TranslatedGuest.cache + 0x1000 + place >> 8 & 0xFC, value)
        case 3: guest.space.setWord(TranslatedGuest.cache + place >> 8 & 0xFC, value)
        default: guest.space.setWord(TranslatedGuest.cache + place >> 8 & 0x3FFC, value)
        }
        guest.translator[.position] = value & 1 != 0 ? value : TranslatedGuest.cache + value >> 8 & 0x3FFC
        switch place >> 3 & 7 {
        case 0: _ = guest.translator.handleStatusStore()
        case 1: if guest.translator.recover() { guest.translator.take(.interrupt) }
        case 2: guest.translator.drop(value, count: 4)
        case 3: guest.translator.enter(value)
        default: _ = guest.translator.handle(place >> 6 & 0xF)
        }
      }
    }
  }
}
