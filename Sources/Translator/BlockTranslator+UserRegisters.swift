// LDM and STM of User mode's registers (Arm ARM B9.3.6, B9.3.17). R0…R12 are the same, but in FIQ mode, whose code is thrown
// away when the mode changes; R13 and R14 are words of the state page.

extension BlockTranslator {
  /// What the translator has to do, but for these, as far as they have their usual form.
  mutating func emulate(_ word: A32Word) {
    let isTransfer = word.field(25, 3) == 4 && word.condition != 15 && word[22] && !word[21] && !word[15]
    let list = word.field(0, 13)
    guard isTransfer, status & Status.mode != Mode.fastInterrupt else { return emulate() }
    guard word.field(13, 2) != 0 else { return writer.emit(word.rawValue & 0x0FBF_FFFF | 14 &<< 28) }
    // Another register has the lowest address; it is none of those that are transferred.
    let address: UInt32 = word.rn == 14 ? 13 : 14
    writer.spill(address, 2)
    move(address, word.rn, plus: word.lowest(0, word.listBytes))
    word[20] ? loadUser(word, list, address) : storeUser(word, list, address)
    writer.restore(address, 2)
  }

  /// The guest's CPSR when this is translated.
  private var status: UInt32 {
    writer.space.word(CodePage.start(writer.position) &+ 4096 &+ StateSlot.status.rawValue)
  }

  private mutating func loadUser(_ word: A32Word, _ list: UInt32, _ address: UInt32) {
    writer.spill(0, 3)
    // Both ends are read first: then all of it is there.
    writer.emit(A32.loadMultiple(address, 1))
    forEachBanked(word, list) { writer, slot, offset in
      writer.emit(A32.load(0, address, offset))
      writer.store(0, slot)
    }
    writer.restore(0, 3)
    // The base may be loaded; should that be interrupted, it is what it was.
    if word.rn < 13 { writer.spill(word.rn, 1) }
    if list != 0 { writer.emit(A32.loadMultiple(address, list)) }
    writer.state.place = .behind
    writer.state.restored(1)
  }

  private mutating func storeUser(_ word: A32Word, _ list: UInt32, _ address: UInt32) {
    if list != 0 { writer.emit(A32.storeMultiple(address, list)) }
    writer.spill(0, 3)
    forEachBanked(word, list) { writer, slot, offset in
      writer.load(0, slot)
      // STM, which has to be aligned.
      writer.emit(offset == 0 ? A32.storeMultiple(address, 1) : A32.store(0, address, offset))
    }
    writer.state.place = .behind
    writer.restore(0, 3)
  }

  /// R13 and R14 of the list, with where they are behind the lowest address.
  private mutating func forEachBanked(
    _ word: A32Word, _ list: UInt32, _ body: (inout CodeWriter<Space>, StateSlot, UInt32) -> Void
  ) {
    var offset = 4 &* UInt32(truncatingIfNeeded: list.nonzeroBitCount)
    for number: UInt32 in 0..<2 where word.field(13 &+ number, 1) != 0 {
      body(&writer, .bank(0) + 4 &* number, offset)
      offset = offset &+ 4
    }
  }
}
