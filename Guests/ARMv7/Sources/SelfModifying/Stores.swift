// Every kind of store changes code.

import GuestMachine
import GuestSupport

extension Lab {
  mutating func checkStores() {
    let page = Self.page(10)
    let function = page &+ 0x7C
    for turn in 0..<10 as Range<UInt32> {
      let old = next()
      set.function(at: function, giving: old)
      expect("before a store", run(set.entry(function)), old)
      let value = next()
      let word = set.move(0, value)
      store(turn, at: function, set.inMemory(word))
      publish(function &- 4, bytes: 12)
      expect(Self.names[Int(turn)], run(set.entry(function)), value)
    }
    checkUnaligned()
    checkNeighbours()
  }

  private static var names: InlineArray<10, StaticString> {
    ["STR", "STRH", "STRB", "STRD", "STM", "STREX", "STMDB", "STRT", "STR with write-back", "SWP or STREXB"]
  }

  /// Writes one word over an instruction; what is before and behind it is written again as it was.
  private func store(_ kind: UInt32, at address: UInt32, _ word: UInt32) {
    let before = read32(address &- 4)
    let behind = read32(address &+ 4)
    switch kind {
    case 0: write32(address, word)
    case 1:
      write16(address, UInt16(truncatingIfNeeded: word))
      write16(address &+ 2, UInt16(truncatingIfNeeded: word &>> 16))
    case 2:
      for byte in 0..<4 as Range<UInt32> {
        write8(address &+ byte, UInt8(truncatingIfNeeded: word &>> (8 &* byte)))
      }
    case 3: store(0xE1C0_20F0, 0xE9C0_2300, address, word, behind)  // STRD r2, r3, [r0]
    case 4: store(0xE880_000C, 0xE880_000C, address, word, behind)  // STM r0, {r2, r3}
    case 5: exclusively(0xE190_1F9F, 0xE180_1F92, 0xE850_1F00, 0xE840_2100, address, word)
    case 6: store(0xE900_000C, 0xE900_000C, address &+ 4, before, word)  // STMDB r0, {r2, r3}
    case 7: storeAsUser(address, word)
    case 8: store(0xE480_2004, 0xF840_2B04, address, word, 0)  // STR r2, [r0], #4
    default:
      for byte in 0..<4 as Range<UInt32> {
        exclusively(
          0xE1D0_1F9F, 0xE1C0_1F92, 0xE8D0_1F4F, 0xE8C0_2F41, address &+ byte, word &>> (8 &* byte) & 0xFF)
      }
    }
  }

  /// Runs a store of R2 and R3 at R0.
  private func store(_ a32: UInt32, _ t32: UInt32, _ address: UInt32, _ first: UInt32, _ second: UInt32) {
    var program = Program(at: set.entry(Self.page(12)))
    program.add(set.isT32 ? t32 : a32)
    program.add(set.back)
    program.publish()
    var registers: InlineArray<8, UInt32> = [address, 0, first, second, 0, 0, 0, 0]
    _ = Attempt.run(program.start, &registers)
  }

  /// STRT r2, [r0], by an address where User mode may write.
  private func storeAsUser(_ address: UInt32, _ word: UInt32) {
    let window = Self.window(4)
    remap(window, to: address & ~4095, PageAccess.user)
    store(0xE4A0_2000, 0xF840_2E00, window | address & 4095, word, 0)
  }

  /// Runs a load and a store that are exclusive, until it is done: R1 is its state.
  private func exclusively(
    _ load: UInt32, _ store: UInt32, _ t32Load: UInt32, _ t32Store: UInt32, _ address: UInt32, _ word: UInt32
  ) {
    var program = Program(at: set.entry(Self.page(12)))
    program.add(set.isT32 ? t32Load : load)
    program.add(set.isT32 ? t32Store : store)
    program.add(set.back)
    program.publish()
    var registers: InlineArray<8, UInt32> = [address, 1, word, 0, 0, 0, 0, 0]
    repeat { _ = Attempt.run(program.start, &registers) } while registers[1] != 0
  }

  /// A word that begins before the instruction and ends in it, also over the ends of pieces and of the page.
  private mutating func checkUnaligned() {
    let places: InlineArray<3, UInt32> = [
      Self.page(13) &+ 0x1000, Self.page(13) &+ 0x40, Self.page(13) &+ 0x82,
    ]
    for index in 0..<3 {
      // A32 code is at multiples of four.
      let place = set.isT32 ? places[index] : places[index] & ~3
      let function = place &- (set.isT32 ? 2 : 4)
      let old = next()
      set.function(at: function, giving: old)
      expect("before an unaligned store", run(set.entry(function)), old)
      let value = next()
      let word = set.move(0, value)
      let bytes = set.inMemory(word)
      // The instruction's upper three bytes, with the byte behind them.
      let last = UInt32(read8(function &+ 4))
      write32(function &+ 1, bytes &>> 8 | last &<< 24)
      write8(function, UInt8(truncatingIfNeeded: bytes))
      publish(function, bytes: 8)
      expect("an unaligned store", run(set.entry(function)), value)
    }
  }

  /// Data beside code, in its 64 bytes and in its page.
  private mutating func checkNeighbours() {
    let page = Self.page(15)
    let value = next()
    set.function(at: page &+ 0x100, giving: value)
    for turn in 0..<64 as Range<UInt32> {
      write32(page &+ 0x108 &+ (turn & 13) &* 4, turn)
      write32(page &+ 0x200 &+ turn &* 4, turn)
      expect("code beside data", run(set.entry(page &+ 0x100)), value)
      expect("data beside code", read32(page &+ 0x200 &+ turn &* 4), turn)
    }
  }
}
