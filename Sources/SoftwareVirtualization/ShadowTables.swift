// The tables that the hardware walks while a guest runs that has no stage 2: what the guest's own tables say, with the
// guest's physical memory replaced by the board's. They are filled by faults, and forget what the guest's TLB
// maintenance says; so they are a large TLB, and nobody watches the guest's tables.

/// What became of an access that found nothing in the shadow tables.
public enum Filling: Equatable, Sendable {
  /// It can be made again.
  case filled
  /// There is no memory at this address of the guest's: a device, or nothing.
  case device(UInt32)
  /// A store to a page from which code was translated, at this physical address of the guest's.
  case code(UInt32)
  /// The address is the hypervisor's.
  case reserved
}

public struct ShadowTables<Memory: ShadowMemory> {
  let memory: Memory

  public init(memory: Memory) { self.memory = memory }

  private var layout: ShadowLayout { memory.layout }

  /// Begins with empty tables; the first-level entries of the hypervisor's megabytes follow by `reserve`.
  public func reset() {
    memory.clear(layout.base, bytes: layout.bytes)
  }

  /// Puts a megabyte of the hypervisor's into all address spaces.
  public func reserve(_ megabyte: UInt32, descriptor: UInt32) {
    for space in 0...layout.spaces { setSlot(space, megabyte, descriptor) }
  }

  // MARK: Address spaces

  /// Makes an address space of the guest the current one.
  /// - Parameter key: what tells it from others: its table's address and its ASID.
  /// - Returns: its number, an ASID, 1…`spaces`.
  public func activate(_ key: UInt32) -> UInt32 {
    // 0 is no key; the lowest bit of a table's address never is set.
    let key = key | 1 &<< 13
    let now = memory.word(layout.clock) &+ 1
    memory.setWord(layout.clock, now)
    var found: UInt32 = 1
    while found <= layout.spaces, memory.word(layout.key(found)) != key { found = found &+ 1 }
    if found > layout.spaces {
      found = oldest(now)
      empty(found)
      memory.setWord(layout.key(found), key)
      memory.setWord(layout.inUse, memory.word(layout.inUse) | 1 &<< found)
    }
    memory.setWord(layout.lastUse(found), now)
    memory.setWord(layout.current, found)
    return found
  }

  private func oldest(_ now: UInt32) -> UInt32 {
    var oldest: UInt32 = 1
    for space in 2...layout.spaces where age(space, now) > age(oldest, now) { oldest = space }
    return oldest
  }

  /// The first-level table of a space, on the bus.
  public func table(of space: UInt32) -> UInt32 { layout.firstLevel(space) &+ layout.offset }

  private func age(_ space: UInt32, _ now: UInt32) -> UInt32 {
    memory.word(layout.key(space)) == 0 ? ~0 : now &- memory.word(layout.lastUse(space))
  }

  /// A space that has nothing but what all have.
  private func empty(_ space: UInt32) {
    let isUsed = memory.word(layout.key(space)) != 0
    if isUsed { release(space) }
    if !isUsed || memory.word(layout.hasSections(space)) != 0 {
      memory.setWord(layout.hasSections(space), 0)
      memory.copy(layout.firstLevel(space), layout.firstLevel(0), bytes: 16384)
    }
    memory.forgetTranslations(of: space)
  }

  private var current: UInt32 { memory.word(layout.current) }

  // MARK: Filling

  /// Finds out what the guest's tables say of an access, and enters it.
  /// - Parameter overCode: whether a store to a page from which code was translated is allowed, until the page is
  ///   invalidated.
  /// - Throws: the fault that the guest has to see.
  public func fill(_ access: Access, overCode: Bool = false) throws(TranslationFault) -> Filling {
    guard !layout.isReserved(access.address) else { return .reserved }
    let page = try GuestWalk(memory: memory).translate(access)
    guard let physical = layout.map.physical(page.physical) else { return .device(page.physical) }
    // Before this page is entered, which may be among them.
    if memory.word(layout.looseCount) == ShadowLayout.loosePages { tighten() }
    let use = memory.word(layout.pageUse(layout.map.pageNumber(page.physical)))
    let isCode = use & PageUse.code != 0
    if isCode, access.isWrite, !overCode { return .code(page.physical) }
    let isExtra = access.isWrite && !page.shadowWrites
    let shadow = ShadowPage(
      physical: physical, page,
      writes: isCode ? (overCode ? access.writeBit : 0) : page.shadowWriteBit | access.writeBit)
    let domain = ShadowDomain.kernel &+ page.userBit
    if page.isSection, !isExtra, isWhole(page.physical), access.address &>> 20 != layout.shared {
      enterSection(access.address, shadow, domain)
      if shadow.isWritable {
        note(layout.sectionUse(layout.map.megabyteNumber(page.physical)), at: access.address)
      }
    } else {
      let isLoose = enterPage(access.address, shadow, domain)
      if isLoose || isExtra { loosen(access.address) }
      if shadow.isWritable, !isCode {
        note(layout.pageUse(layout.map.pageNumber(page.physical)), at: access.address)
      }
    }
    return .filled
  }

  /// Whether the megabyte around a physical address of the guest is memory without translated code.
  private func isWhole(_ physical: UInt32) -> Bool {
    memory.word(layout.codeCount(layout.map.megabyteNumber(physical))) == 0
  }

  private func note(_ place: UInt32, at address: UInt32) {
    memory.setWord(place, PageUse.joined(memory.word(place), PageUse.writable, at: address))
  }

  private func slot(_ space: UInt32, _ megabyte: UInt32) -> ShadowSlot {
    ShadowSlot(rawValue: memory.word(layout.firstLevel(space) &+ 4 &* megabyte))
  }

  private func setSlot(_ space: UInt32, _ megabyte: UInt32, _ value: UInt32) {
    memory.setDescriptor(layout.firstLevel(space) &+ 4 &* megabyte, value)
  }

  private func enterSection(_ address: UInt32, _ shadow: ShadowPage, _ domain: UInt32) {
    let megabyte = address &>> 20
    clearSlot(megabyte, everywhere: shadow.isGlobal)
    shadow.isGlobal
      ? setSlot(0, megabyte, shadow.section(domain)) : memory.setWord(layout.hasSections(current), 1)
    setSlot(current, megabyte, shadow.section(domain))
  }

  /// - Returns: whether User mode must not find it, though its megabyte is open to it.
  private func enterPage(_ address: UInt32, _ shadow: ShadowPage, _ domain: UInt32) -> Bool {
    let megabyte = address &>> 20
    let slot = table(at: megabyte, shadow.isGlobal, domain)
    memory.setDescriptor(entry(slot, address), shadow.smallPage)
    memory.forgetTranslation(of: address)
    return slot.domain != domain
  }

  /// Where an address has its entry in a second-level table.
  private func entry(_ slot: ShadowSlot, _ address: UInt32) -> UInt32 {
    slot.table &- layout.offset &+ address &>> 10 & 1020
  }

  /// The second-level table for a page of the current space, made if there is none that may hold it.
  private func table(at megabyte: UInt32, _ isGlobal: Bool, _ domain: UInt32) -> ShadowSlot {
    var slot = slot(current, megabyte)
    guard megabyte != layout.shared else { return slot }
    if slot.isEmpty, isGlobal { slot = self.slot(0, megabyte) }
    let isPrivate = slot.isTable && owner(of: slot) != 0
    // Pages of one address space do not go into a table that all have.
    let fits =
      slot.isTable && (isGlobal || isPrivate) && (slot.domain == domain || domain == ShadowDomain.kernel)
    if !fits {
      let staysPrivate = isPrivate || !isGlobal
      clearSlot(megabyte, everywhere: !staysPrivate)
      let owner = staysPrivate ? current : 0
      let table = allocate(TableOwner.word(owner, megabyte))
      slot = ShadowSlot(rawValue: ShadowSlot.table(table, domain))
      if owner == 0 { setSlot(0, megabyte, slot.rawValue) }
    }
    setSlot(current, megabyte, slot.rawValue)
    return slot
  }

  // MARK: Second-level tables

  private func ownerPlace(of slot: ShadowSlot) -> UInt32 {
    layout.owner((slot.table &- layout.offset &- layout.secondLevels) &>> 10)
  }

  /// The space that a table is of.
  private func owner(of slot: ShadowSlot) -> UInt32 {
    TableOwner.space(memory.word(ownerPlace(of: slot)))
  }

  /// - Parameter owner: a `TableOwner`.
  /// - Returns: the table's address on the bus.
  private func allocate(_ owner: UInt32) -> UInt32 {
    var table = memory.word(layout.cursor)
    var left = layout.tables
    while memory.word(layout.owner(table)) != 0 {
      table = table &+ 1 == layout.tables ? 0 : table &+ 1
      left = left &- 1
      if left == 0 {
        makeRoom()
        left = layout.tables
      }
    }
    memory.setWord(layout.cursor, table)
    memory.setWord(layout.owner(table), owner)
    memory.clear(layout.secondLevel(table), bytes: 1024)
    return layout.secondLevel(table) &+ layout.offset
  }

  /// The address space that was not used for longest loses its tables; if there is no other, everything goes.
  private func makeRoom() {
    var oldest: UInt32 = 0
    let now = memory.word(layout.clock)
    for space in 1...layout.spaces where space != current && memory.word(layout.key(space)) != 0 {
      if oldest == 0 || age(space, now) > age(oldest, now) { oldest = space }
    }
    guard oldest != 0 else { return invalidateAll() }
    release(oldest)
    memory.setWord(layout.key(oldest), 0)
    memory.setWord(layout.inUse, memory.word(layout.inUse) & ~(1 &<< oldest))
    memory.forgetTranslations(of: oldest)
  }

  /// A space loses its own second-level tables; it has what all have instead.
  private func release(_ space: UInt32) {
    for table in 0..<layout.tables {
      let owner = memory.word(layout.owner(table))
      guard TableOwner.space(owner) == space else { continue }
      let megabyte = TableOwner.megabyte(owner)
      memory.setWord(layout.owner(table), 0)
      setSlot(space, megabyte, slot(0, megabyte).rawValue)
    }
  }

  private func free(_ slot: ShadowSlot) {
    guard slot.isTable else { return }
    memory.setWord(ownerPlace(of: slot), 0)
  }

  /// Empties a megabyte of the current space, or what all spaces have there.
  private func clearSlot(_ megabyte: UInt32, everywhere: Bool) {
    let old = slot(current, megabyte)
    let common = slot(0, megabyte)
    if old.isTable, owner(of: old) != 0 { free(old) }
    if everywhere {
      free(common)
      for space in 0...layout.spaces where slot(space, megabyte).rawValue == common.rawValue {
        setSlot(space, megabyte, 0)
      }
    }
    setSlot(current, megabyte, 0)
    if !old.isEmpty || (everywhere && !common.isEmpty) { memory.forgetTranslations() }
  }

  // MARK: Forgetting

  /// The guest's TLB forgets a page, in all its address spaces.
  @inline(never) public func invalidate(_ address: UInt32) {
    let megabyte = address &>> 20
    guard !layout.isReserved(address) else { return }
    var last: UInt32 = 0
    var wasThere = false
    // Space 0, which all have in common, has no key.
    var spaces = memory.word(layout.inUse) | 1
    while spaces != 0 {
      let space = UInt32(truncatingIfNeeded: spaces.trailingZeroBitCount)
      spaces &= spaces &- 1
      let slot = slot(space, megabyte)
      // What all have in common is forgotten once.
      guard !slot.isEmpty, slot.rawValue != last || !slot.isTable else { continue }
      last = slot.rawValue
      if !slot.isTable {
        setSlot(space, megabyte, 0)
        memory.forgetTranslations()
      } else if memory.word(entry(slot, address)) != 0 {
        memory.setDescriptor(entry(slot, address), 0)
        wasThere = true
      }
    }
    // The TLB has nothing that the tables do not have.
    if wasThere { memory.forgetTranslation(of: address) }
  }

  /// The guest's TLB forgets all of an ASID but what is global.
  public func invalidate(identifier: UInt32) {
    for space in 1...layout.spaces {
      let key = memory.word(layout.key(space))
      if key != 0, (key ^ identifier) & 0xFF == 0 { empty(space) }
    }
  }

  /// The guest's TLB forgets everything.
  public func invalidateAll() {
    let current = self.current
    let key = memory.word(layout.key(current))
    memory.clear(layout.owner(0), bytes: 4 &* layout.tables)
    memory.clear(layout.key(0), bytes: 12 &* (layout.spaces &+ 1))
    memory.setWord(layout.key(current), key)
    memory.setWord(layout.inUse, 1 &<< current)
    memory.setWord(layout.lastUse(current), memory.word(layout.clock))
    memory.setWord(layout.looseCount, 0)
    clearFirstLevel(0)
    clearFirstLevel(current)
    if layout.shared < 4096 { memory.clear(entry(slot(0, layout.shared), 0xF_0000), bytes: 64) }
    memory.forgetTranslations()
  }

  private func clearFirstLevel(_ space: UInt32) {
    let table = layout.firstLevel(space)
    memory.clear(table, bytes: 4 &* layout.reserved.lowerBound)
    memory.clear(
      table &+ 4 &* layout.reserved.upperBound, bytes: 4 &* (layout.shared &- layout.reserved.upperBound))
  }

  // MARK: Before User mode

  /// A page is more open than User mode may find it.
  private func loosen(_ address: UInt32) {
    let count = memory.word(layout.looseCount)
    memory.setWord(layout.loose(count), address)
    memory.setWord(layout.looseCount, count &+ 1)
  }

  /// Closes what only the guest's kernel may use, but its domain does not say so. To be called before the guest goes on
  /// in User mode.
  @inline(__always) public func tighten() {
    if memory.word(layout.looseCount) != 0 { closeLoose() }
  }

  @inline(never) private func closeLoose() {
    var count = memory.word(layout.looseCount)
    memory.setWord(layout.looseCount, 0)
    while count != 0 {
      count = count &- 1
      invalidate(memory.word(layout.loose(count)))
    }
  }

  // MARK: Translated code

  /// Code was translated from some bytes of a page: stores to the page are to be noticed.
  /// - Parameter address: its virtual address. `physical`: the guest's physical one.
  public func protect(_ physical: UInt32, at address: UInt32, bytes: UInt32 = 4096) {
    mark(physical, bytes)
    guard layout.map.physical(physical) != nil else { return }
    let place = layout.pageUse(layout.map.pageNumber(physical))
    let use = memory.word(place)
    let joined = PageUse.joined(use, PageUse.code, at: address)
    guard use != joined else { return }
    memory.setWord(place, joined)
    guard use & PageUse.code == 0 else { return }
    let megabyte = layout.map.megabyteNumber(physical)
    memory.setWord(layout.codeCount(megabyte), memory.word(layout.codeCount(megabyte)) &+ 1)
    close(use)
    close(memory.word(layout.sectionUse(megabyte)))
    memory.setWord(layout.sectionUse(megabyte), 0)
  }

  /// Notes which pieces of 64 bytes are code.
  private func mark(_ physical: UInt32, _ bytes: UInt32) {
    guard layout.map.physical(physical) != nil else { return }
    var piece = physical &>> 6 & 63
    let last = min((physical & 4095) &+ bytes &- 1, 4095) &>> 6
    while piece <= last {
      let place = layout.pieces(layout.map.pageNumber(physical)) &+ piece &>> 5 &* 4
      memory.setWord(place, memory.word(place) | 1 &<< (piece & 31))
      piece = piece &+ 1
    }
  }

  /// Whether code was translated from the 64 bytes around a physical address of the guest's, or the next 64.
  public func isCode(_ physical: UInt32) -> Bool {
    let pieces = layout.pieces(layout.map.pageNumber(physical))
    let piece = physical &>> 6 & 63
    let next = min(piece &+ 1, 63)
    return memory.word(pieces &+ piece &>> 5 &* 4) &>> (piece & 31) & 1 != 0
      || memory.word(pieces &+ next &>> 5 &* 4) &>> (next & 31) & 1 != 0
  }

  /// Nothing writes there any more.
  private func close(_ use: UInt32) {
    guard use & PageUse.writable != 0 else { return }
    use & PageUse.many != 0 ? invalidateAll() : invalidate(use)
  }

  /// The code of a page is no longer used: it may be written again.
  /// - Returns: where it was translated from, or nil if from more than one address.
  public func unprotect(_ physical: UInt32) -> UInt32? {
    let place = layout.pageUse(layout.map.pageNumber(physical))
    let use = memory.word(place)
    let megabyte = layout.map.megabyteNumber(physical)
    memory.setWord(place, 0)
    memory.clear(layout.pieces(layout.map.pageNumber(physical)), bytes: 8)
    memory.setWord(layout.codeCount(megabyte), memory.word(layout.codeCount(megabyte)) &- 1)
    return use & PageUse.many == 0 ? use & ~4095 : nil
  }

  /// The guest's physical page of code at an address, or 1 if nothing is executed there.
  @inline(never) public func codePage(_ address: UInt32) -> UInt32 {
    let page = try? GuestWalk(memory: memory).translate(Access(address: address, isFetch: true))
    return page.map { $0.physical & ~4095 } ?? 1
  }

  /// Whether all translated code still is what lies where it was translated from.
  public func holdsAllCode() -> Bool {
    for megabyte in 0..<layout.map.size &>> 20 where memory.word(layout.codeCount(megabyte)) != 0 {
      for page in megabyte &<< 8..<(megabyte &+ 1) &<< 8 {
        let use = memory.word(layout.pageUse(page))
        guard use & PageUse.code != 0 else { continue }
        if use & PageUse.many != 0 || codePage(use) != layout.map.base &+ page &<< 12 { return false }
      }
    }
    return true
  }

  /// No code is translated any more.
  public func unprotectAll() {
    for megabyte in 0..<layout.map.size &>> 20 where memory.word(layout.codeCount(megabyte)) != 0 {
      memory.setWord(layout.codeCount(megabyte), 0)
      for page in megabyte &<< 8..<(megabyte &+ 1) &<< 8
      where memory.word(layout.pageUse(page)) & PageUse.code != 0 {
        memory.setWord(layout.pageUse(page), 0)
        memory.clear(layout.pieces(page), bytes: 8)
      }
    }
  }
}
