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

  /// TTBR0, TTBR1, TTBCR, CONTEXTIDR: words of which the hypervisor is told.
  @Test func spaces() {
    for (cn, opc2, slot): (UInt32, UInt32, StateSlot) in [
      (2, 0, .table0), (2, 1, .table1), (2, 2, .tableControl), (13, 1, .context),
    ] { #expect(write(cn, 0, 0, opc2) == .changeState(register: 3, slot, .space)) }
  }

  /// SCTLR, address translation and TLB maintenance are the hypervisor's.
  @Test func effects() {
    #expect(write(1, 0, 0, 0) == .system(.control, register: 3))
    #expect(write(7, 0, 8, 0) == .system(.translateRead, register: 3))
    #expect(write(7, 0, 8, 3) == .system(.translateUserWrite, register: 3))
    for row: UInt32 in [3, 5, 6, 7] {
      #expect(write(8, 0, row, 0) == .system(.invalidateAll, register: 3))
      #expect(write(8, 0, row, 1) == .system(.invalidatePage, register: 3))
      #expect(write(8, 0, row, 2) == .system(.invalidateSpace, register: 3))
      #expect(write(8, 0, row, 3) == .system(.invalidatePage, register: 3))
    }
  }

  /// What does not exist.
  @Test func undefined() {
    for (cn, opc1, row, opc2): (UInt32, UInt32, UInt32, UInt32) in [
      (0, 0, 0, 0), (4, 0, 0, 0), (8, 0, 4, 0), (8, 0, 7, 4), (8, 4, 7, 0), (13, 0, 0, 5),
    ] { #expect(write(cn, opc1, row, opc2) == .leave(.undefined)) }
    #expect(read(8, 0, 7, 0) == .leave(.undefined))
    #expect(read(0, 0, 3, 0) == .leave(.undefined))
    let effects = (0..<UInt32(1 << 14)).filter { bits in
      if case .system = write(bits >> 10, bits >> 7 & 7, bits >> 3 & 15, bits & 7) { true } else { false }
    }
    #expect(effects.count == 1 + 4 + 16)
  }

  /// What the hypervisor reads of an exit.
  @Test func codes() {
    let code = ExitCode.system(.translateUserWrite, 14)
    #expect(ExitCode.isSystem(code) && !ExitCode.isSystem(ExitCode.departure + 7))
    #expect(ExitCode.register(code) == 14)
    #expect(SystemEffect(rawValue: code >> 12 & 15) == .translateUserWrite)
    #expect(ExitCode.register(0xF10) == 14)
  }

  /// Performance counters and what the implementation defines are not there; there is no debug.
  @Test func absent() {
    #expect(read(9, 0, 12, 0) == .constant(register: 3, value: 0))
    #expect(write(9, 0, 12, 0) == .nothing)
    #expect(read(15, 0, 0, 0) == .constant(register: 3, value: 0))
    #expect(read(5, 0, 1, 0) == .constant(register: 3, value: 0))
    #expect(A32Decoder.decode(0xEE10_0E10, at: 0).operation == .constant(register: 0, value: 0))
    #expect(A32Decoder.decode(0xEE11_0E10, at: 0).operation == .leave(.undefined))
  }

  /// Every word that cached code reads or writes is one that it reaches.
  @Test func everyWordIsInReach() {
    for bits: UInt32 in 0..<(1 << 15) {
      let word = Self.word(bits >> 10 & 15, bits >> 7 & 7, bits >> 3 & 15, bits & 7, reads: bits >> 14 != 0)
      switch A32Decoder.decode(word, at: 0).operation {
      case .readState(_, let slot), .writeState(_, let slot), .changeState(_, let slot, _):
        #expect(slot.rawValue < 256)
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
