import Testing

@testable import Translator

/// Coprocessor 15 as words of the state page.
@Suite struct SystemControlTests {
  /// An MCR or MRC of r3.
  private static func word(_ cn: UInt32, _ opc1: UInt32, _ cm: UInt32, _ opc2: UInt32, reads: Bool) -> UInt32 {
    0xEE00_3F10 | cn << 16 | opc1 << 21 | cm | opc2 << 5 | (reads ? 1 << 20 : 0)
  }

  private func read(_ cn: UInt32, _ opc1: UInt32, _ cm: UInt32, _ opc2: UInt32) -> Operation {
    A32Decoder.decode(Self.word(cn, opc1, cm, opc2, reads: true), at: 0).operation
  }

  private func write(_ cn: UInt32, _ opc1: UInt32, _ cm: UInt32, _ opc2: UInt32) -> Operation {
    A32Decoder.decode(Self.word(cn, opc1, cm, opc2, reads: false), at: 0).operation
  }

  @Test func words() {
    #expect(read(1, 0, 0, 0) == .readState(register: 3, .control))
    #expect(read(2, 0, 0, 2) == .readState(register: 3, .tableControl))
    #expect(read(13, 0, 0, 1) == .readState(register: 3, .context))
    #expect(read(0, 0, 1, 4) == .readState(register: 3, .identification(1, 4)))
    #expect(read(0, 1, 0, 0) == .readState(register: 3, .cacheSize))
    #expect(write(6, 0, 0, 0) == .writeState(register: 3, .dataFaultAddress))
    #expect(read(6, 0, 0, 0) == .readState(register: 3, .dataFaultAddress))
    #expect(write(13, 0, 0, 3) == .writeState(register: 3, .threadUserReadOnly))
  }

  /// SCTLR, TTBR0, TTBR1, TTBCR, CONTEXTIDR, TLB maintenance, and what does not exist leave the cache.
  @Test func others() {
    for (cn, opc2): (UInt32, UInt32) in [(1, 0), (2, 0), (2, 1), (2, 2), (13, 1), (4, 0)] {
      let word = Self.word(cn, 0, 0, opc2, reads: false)
      #expect(write(cn, 0, 0, opc2) == .coprocessor(word: word))
    }
    #expect(write(8, 0, 7, 1) == .coprocessor(word: Self.word(8, 0, 7, 1, reads: false)))
    #expect(write(0, 0, 0, 0) == .coprocessor(word: Self.word(0, 0, 0, 0, reads: false)))
    #expect(read(8, 0, 7, 0) == .coprocessor(word: Self.word(8, 0, 7, 0, reads: true)))
    #expect(read(0, 0, 3, 0) == .coprocessor(word: Self.word(0, 0, 3, 0, reads: true)))
  }

  /// Performance counters and what the implementation defines are not there; there is no debug.
  @Test func absent() {
    #expect(read(9, 0, 12, 0) == .constant(register: 3, value: 0))
    #expect(write(9, 0, 12, 0) == .nothing)
    #expect(read(15, 0, 0, 0) == .constant(register: 3, value: 0))
    #expect(read(5, 0, 1, 0) == .constant(register: 3, value: 0))
    #expect(A32Decoder.decode(0xEE10_0E10, at: 0).operation == .constant(register: 0, value: 0))
    #expect(A32Decoder.decode(0xEE11_0E10, at: 0).operation == .coprocessor(word: 0xEE11_0E10))
  }

  /// Every word that cached code reads or writes is one that it reaches.
  @Test func everyWordIsInReach() {
    for bits: UInt32 in 0..<(1 << 15) {
      let word = Self.word(bits >> 10 & 15, bits >> 7 & 7, bits >> 3 & 15, bits & 7, reads: bits >> 14 != 0)
      switch A32Decoder.decode(word, at: 0).operation {
      case .readState(_, let slot), .writeState(_, let slot): #expect(slot.rawValue < 256)
      default: break
      }
    }
  }

  /// Registers that take only some values, by the translator.
  @Test func checked() throws {
    let guest = TranslatedGuest([
      Self.word(1, 0, 0, 2, reads: false), Self.word(12, 0, 0, 0, reads: false),
      Self.word(0, 2, 0, 0, reads: false),
    ])
    guest.translator[StateSlot(rawValue: StateSlot.cacheSizes.rawValue + 4)] = 0x700F_E019
    for (slot, value): (StateSlot, UInt32) in [
      (.coprocessorAccess, 0xF0_0000), (.vectorBase, 0xFFFF_FFE0), (.cacheSelection, 15),
    ] {
      let place = guest.enter(
        TranslatedGuest.code + 4 * (slot == .vectorBase ? 1 : slot == .cacheSelection ? 2 : 0))
      guest.translator.setRegister(3, ~0)
      #expect(guest.leave(at: place) == .resume)
      #expect(guest.translator[slot] == value)
    }
    #expect(guest.translator[.cacheSize] == 0)
    let place = guest.enter(TranslatedGuest.code + 8)
    guest.translator.setRegister(3, 1)
    #expect(guest.leave(at: place) == .resume)
    #expect(guest.translator[.cacheSize] == 0x700F_E019)
  }

  @Test func vectors() {
    let guest = TranslatedGuest()
    guest.translator[.vectorBase] = 0x8000_1220
    #expect(guest.translator.vectors == 0x8000_1220)
    guest.translator[.control] = 1 << 13 | 1 << 30
    #expect(guest.translator.vectors == 0xFFFF_0001)
  }
}
