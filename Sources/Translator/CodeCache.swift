// Where blocks are. A block begins with a header; a bit of its page says so. It is found by guest PC through the
// directory's buckets, or by an address in it through the bits. Blocks are never freed one by one: a dropped one leaves
// the cache at its first word, and when there is no room everything is thrown away.

/// In front of a block, or the first half of it in front of an entry.
struct BlockHeader {
  /// Of the guest, bit 0 set in T32.
  var programCounter: UInt32
  /// ITSTATE in bits 7:0, the guest's bytes in 27:8, `entryBit`.
  var description: UInt32

  static var entryBit: UInt32 { 1 &<< 31 }
  static var bytes: UInt32 { 16 }
  /// The next block of its bucket, and the entry to it or 0.
  static var nextOffset: UInt32 { 8 }
  static var entryOffset: UInt32 { 12 }

  init<Space: AddressSpace>(_ space: Space, _ address: UInt32) {
    programCounter = space.word(address)
    description = space.word(address &+ 4)
  }

  var ifThen: UInt32 { description & 0xFF }
  var guestBytes: UInt32 { description &>> 8 & 0xFFFFF }
  var isEntry: Bool { description & BlockHeader.entryBit != 0 }
}

/// Words at the directory's start.
enum DirectoryWord: UInt32 {
  /// Where the next block goes.
  case cursor = 0
  /// How often everything was thrown away.
  case generation = 4
}

extension Translator {
  subscript(_ word: DirectoryWord) -> UInt32 {
    get { space.word(layout.directory &+ word.rawValue) }
    nonmutating set { space.setWord(layout.directory &+ word.rawValue, newValue) }
  }

  var generation: UInt32 { self[.generation] }

  /// Throws all code away. Nobody may be in it.
  public func flush() {
    self[.generation] = generation &+ 1
    forgetEntries()
    fill(layout.state &+ StateSlot.recoveries.rawValue, StateSlot.recoveriesBytes, 0)
    fill(layout.directory &+ CacheLayout.directoryHead, 4 &* CacheLayout.buckets, 0)
    var page = layout.cache
    while page != layout.end {
      fill(page, CodePage.header, 0)
      page = page &+ CacheLayout.pairBytes
    }
    // One exit serves every word of the table.
    let miss = missExit
    space.setWord(miss, A32.exit(ExitCode.miss))
    space.publish(miss, count: 4)
    fill(layout.table, CacheLayout.tableBytes, miss)
    self[.cursor] = miss &+ 4
  }

  /// The exit of all indirect branches whose target has no entry.
  var missExit: UInt32 { layout.cache &+ CodePage.header }

  func fill(_ address: UInt32, _ count: UInt32, _ value: UInt32) {
    var offset: UInt32 = 0
    while offset < count {
      space.setWord(address &+ offset, value)
      offset = offset &+ 4
    }
  }

  // MARK: Blocks

  func body(of block: UInt32) -> UInt32 { block &+ BlockHeader.bytes }

  /// The block for this PC, translated now if there is none.
  func block(for programCounter: UInt32, _ ifThen: UInt32) -> UInt32 {
    let programCounter = programCounter & 1 != 0 ? programCounter : programCounter & ~3
    var block = space.word(bucket(programCounter))
    // A chain that does not end is not ours.
    for _ in 0..<CacheLayout.buckets {
      guard layout.contains(block) else { break }
      let header = BlockHeader(space, block)
      if header.programCounter == programCounter, header.ifThen == ifThen { return block }
      block = space.word(block &+ BlockHeader.nextOffset)
    }
    return translate(programCounter, ifThen)
  }

  private func bucket(_ programCounter: UInt32) -> UInt32 {
    layout.directory &+ CacheLayout.directoryHead &+ programCounter & (4 &* CacheLayout.buckets &- 4)
  }

  private func translate(_ programCounter: UInt32, _ ifThen: UInt32) -> UInt32 {
    let block = room()
    self[.abort] = GuestException.prefetchAbort.rawValue
    let longest = 4 &* (BlockTranslator<Space>.limit &+ 4)
    space.protect(programCounter & ~1, count: min(longest, 4096 &- (programCounter & 4094)))
    // An instruction over the boundary.
    if programCounter & 4095 == 4095 { space.protect(programCounter &+ 1, count: 2) }
    var translator = BlockTranslator(
      writer: CodeWriter(space: space, position: body(of: block), writes: true, wanted: 0),
      table: layout.table, programCounter: programCounter, ifThen: ifThen)
    translator.translate()
    let guestBytes = translator.programCounter &- programCounter
    let bucket = bucket(programCounter)
    begin(block, programCounter, ifThen | guestBytes &<< 8, end: translator.writer.position)
    space.setWord(block &+ BlockHeader.nextOffset, space.word(bucket))
    space.setWord(block &+ BlockHeader.entryOffset, 0)
    space.setWord(bucket, block)
    return block
  }

  /// Makes room for a block and an entry to it, so that the second is surely where the first one still is.
  func reserve() { self[.cursor] = room() }

  /// A place for a block of any kind and an entry to it.
  private func room() -> UInt32 {
    var place = self[.cursor]
    if !layout.contains(place) || place & 4095 > 4096 &- 2 &* BlockTranslator<Space>.reserve {
      place = CodePage.start(place) &+ CacheLayout.pairBytes &+ CodePage.header
    }
    if !layout.contains(place) {
      flush()
      place = self[.cursor]
    }
    return place
  }

  /// What lies between `start` and `end` is a block or an entry.
  private func begin(_ start: UInt32, _ programCounter: UInt32, _ description: UInt32, end: UInt32) {
    space.setWord(start, programCounter)
    space.setWord(start &+ 4, description)
    let bits = bitmapWord(start)
    space.setWord(bits, space.word(bits) | 1 &<< (start &>> 2 & 31))
    self[.cursor] = end
    space.publish(start, count: end &- start)
  }

  private func bitmapWord(_ address: UInt32) -> UInt32 {
    CodePage.start(address) &+ (address &>> 7 & 31) &* 4
  }

  /// Where the block or entry begins that this address is in.
  func start(of address: UInt32) -> UInt32? {
    guard layout.contains(address) else { return nil }
    var word = address &>> 7 & 31
    var bits = space.word(bitmapWord(address)) & ~(~1 &<< (address &>> 2 & 31))
    while bits == 0, word != 0 {
      word = word &- 1
      bits = space.word(CodePage.start(address) &+ word &* 4)
    }
    guard bits != 0 else { return nil }
    let bit = 31 &- UInt32(truncatingIfNeeded: bits.leadingZeroBitCount)
    return CodePage.start(address) &+ (word &* 32 &+ bit) &* 4
  }

  // MARK: Entries for indirect branches

  /// An indirect branch comes to T32 code, because CBNZ compares without changing the flags: r0 is its target, r0 and r1
  /// are in the spill slots.
  func openEntry(to block: UInt32) {
    let header = BlockHeader(space, block)
    var entry = space.word(block &+ BlockHeader.entryOffset)
    if entry == 0 {
      entry = self[.cursor]
      writeEntry(entry, header.programCounter, body(of: block))
      space.setWord(block &+ BlockHeader.entryOffset, entry)
    }
    space.setWord(layout.table &+ header.programCounter & 0xFFFC, (entry &+ Entry.code) | 1)
  }

  private func writeEntry(_ entry: UInt32, _ programCounter: UInt32, _ body: UInt32) {
    let code = entry &+ Entry.code
    let state = CodePage.start(entry) &+ 4096
    space.setWord(code, T32.moveWord(1, programCounter))
    space.setWord(code &+ 4, T32.moveTop(1, programCounter))
    // SUB.W r1, r1, r0; CBNZ r1, the exit
    space.setWord(code &+ 8, 0x0100_EBA1)
    // The loads are not aligned to words.
    let first = T32.load(0, offset: state &+ StateSlot.spill0.rawValue &- code &- 16)
    let second = T32.load(1, offset: state &+ StateSlot.spill1.rawValue &- code &- 20)
    let third = T32.load(15, offset: 4)
    space.setWord(code &+ 12, 0xB941 | first &<< 16)
    space.setWord(code &+ 16, first &>> 16 | second &<< 16)
    space.setWord(code &+ 20, second &>> 16 | third &<< 16)
    space.setWord(code &+ 24, third &>> 16 | T32.nothing &<< 16)
    space.setWord(code &+ 28, body)
    space.setWord(code &+ 32, T32.enterA32 | T32.nothing &<< 16)
    space.setWord(code &+ 36, A32.exit(ExitCode.miss))
    begin(entry, programCounter, BlockHeader.entryBit, end: code &+ 40)
  }

  /// The guest's state in an entry: until r0 is loaded the branch is not yet certain, but r0 says where it goes.
  func entryRecovery(at address: UInt32, _ entry: UInt32, _ header: BlockHeader) -> Recovery {
    let offset = address &- entry &- Entry.code
    if offset <= Entry.firstLoad || offset >= Entry.exit { return branchRecovery }
    var recovery = Recovery()
    recovery.instruction = header.programCounter
    if offset <= Entry.secondLoad { recovery.spill(1, 1) }
    return recovery
  }

  /// The same in an indirect branch that is not yet certain: r0 says where it goes.
  var branchRecovery: Recovery {
    var recovery = Recovery()
    recovery.place = .inRegister(0)
    recovery.spill(0, 0)
    recovery.spill(1, 1)
    return recovery
  }

  // MARK: Changed code

  /// The guest's memory at these addresses changes: what was translated from it is not used again. Nobody may be in it:
  /// whoever is, has to be recovered first.
  public func drop(_ address: UInt32, count: UInt32) {
    let before = 4 &* (BlockTranslator<Space>.limit &+ 4)
    let first = address & ~3 &- before
    var offset: UInt32 = 0
    while offset < before &+ count &+ 4 {
      dropBlocks(at: first &+ offset, address, count)
      offset = offset &+ 4
    }
  }

  /// Drops those blocks that begin in this word of the guest and reach into the `count` bytes at `address`.
  private func dropBlocks(at word: UInt32, _ address: UInt32, _ count: UInt32) {
    var link = bucket(word)
    for _ in 0..<CacheLayout.buckets {
      let block = space.word(link)
      guard layout.contains(block) else { return }
      let header = BlockHeader(space, block)
      let start = header.programCounter & ~1
      if start & ~3 == word, start &- address < count || address &- start < header.guestBytes {
        space.setWord(link, space.word(block &+ BlockHeader.nextOffset))
        space.setWord(body(of: block), A32.exit(ExitCode.stale))
        space.publish(body(of: block), count: 4)
      } else {
        link = block &+ BlockHeader.nextOffset
      }
    }
  }
}

/// Offsets of an entry's code: behind its header, and in the code where its loads and its exit are.
private enum Entry {
  static var code: UInt32 { 8 }
  static var firstLoad: UInt32 { 14 }
  static var secondLoad: UInt32 { 18 }
  static var exit: UInt32 { 32 }
}
