/// Where a VM's shadow tables lie: one piece of memory, from a physical address on a boundary of 16 KiB.
///
/// First the first-level tables, 16 KiB each, the first of them for what is the same in all address spaces; then the
/// second-level tables of 1 KiB; then words: who owns each second-level table, the address spaces, what each megabyte of
/// the guest's memory is used for, and what each page.
public struct ShadowLayout: Sendable {
  public let base: UInt32
  /// From where we have it to where it is on the bus.
  public let offset: UInt32
  /// Address spaces of the guest that are kept, 1…31: their numbers are ASIDs.
  public let spaces: UInt32
  /// Second-level tables.
  public let tables: UInt32
  /// The guest's memory.
  public let map: GuestMemory
  /// The megabytes of every address space that are not the guest's.
  public let reserved: Range<UInt32>
  /// The megabyte that the hypervisor shares with the guest, which has its last 64 KiB; 4096 for none.
  public let shared: UInt32

  public init(
    base: UInt32, offset: UInt32, spaces: UInt32, tables: UInt32, map: GuestMemory, reserved: Range<UInt32>,
    shared: UInt32 = 4096
  ) {
    self.shared = shared
    self.base = base
    self.offset = offset
    self.spaces = spaces
    self.tables = tables
    self.map = map
    self.reserved = reserved
  }

  /// Whether an address is the hypervisor's.
  func isReserved(_ address: UInt32) -> Bool {
    reserved.contains(address &>> 20) || address &>> 20 == shared && address & 0xF_0000 != 0xF_0000
  }

  /// Space 0 is what all have in common.
  func firstLevel(_ space: UInt32) -> UInt32 { base &+ space &<< 14 }
  var secondLevels: UInt32 { firstLevel(spaces &+ 1) }
  func secondLevel(_ table: UInt32) -> UInt32 { secondLevels &+ table &<< 10 }

  /// For each second-level table 0, or its `TableOwner`.
  func owner(_ table: UInt32) -> UInt32 { secondLevel(tables) &+ 4 &* table }
  /// For each space the guest's table and ASID, or 0, when it was used last, and whether it has sections of its own.
  func key(_ space: UInt32) -> UInt32 { owner(tables) &+ 12 &* space }
  func lastUse(_ space: UInt32) -> UInt32 { key(space) &+ 4 }
  func hasSections(_ space: UInt32) -> UInt32 { key(space) &+ 8 }
  /// The current space, the clock of `lastUse`, where to look for a free table, how many loose pages there are, a bit for each
  /// space that has a key.
  var current: UInt32 { key(spaces &+ 1) }
  var clock: UInt32 { current &+ 4 }
  var cursor: UInt32 { current &+ 8 }
  var looseCount: UInt32 { current &+ 12 }
  var inUse: UInt32 { current &+ 16 }
  func loose(_ index: UInt32) -> UInt32 { current &+ 20 &+ 4 &* index }
  static var loosePages: UInt32 { 12 }

  /// Of each megabyte of the guest's memory.
  func sectionUse(_ megabyte: UInt32) -> UInt32 { loose(ShadowLayout.loosePages) &+ 8 &* megabyte }
  /// How many pages of a megabyte hold translated code.
  func codeCount(_ megabyte: UInt32) -> UInt32 { sectionUse(megabyte) &+ 4 }
  /// A guest has at most as many.
  static var megabytes: UInt32 { 1024 }

  /// Of each page: its use, and a bit for each 64 bytes from which code was translated.
  func pageUse(_ page: UInt32) -> UInt32 { sectionUse(ShadowLayout.megabytes) &+ 12 &* page }
  func pieces(_ page: UInt32) -> UInt32 { pageUse(page) &+ 4 }

  /// What all of it takes, in bytes.
  public var bytes: UInt32 { pageUse(map.size &>> 12) &- base }
}

/// Whose a second-level table is: the number of its space plus 1, and its megabyte.
enum TableOwner {
  static func word(_ space: UInt32, _ megabyte: UInt32) -> UInt32 { space &+ 1 | megabyte &<< 8 }
  static func space(_ word: UInt32) -> UInt32 { (word & 0xFF) &- 1 }
  static func megabyte(_ word: UInt32) -> UInt32 { word &>> 8 }
}

/// Where a page or a megabyte of the guest's memory can be written, or where its code was translated from: a virtual
/// address and one of these, so that it can be found when that has to end.
enum PageUse {
  static var writable: UInt32 { 1 }
  static var code: UInt32 { 2 }
  /// At more than one address.
  static var many: UInt32 { 4 }

  static func joined(_ old: UInt32, _ kind: UInt32, at address: UInt32) -> UInt32 {
    let new = address & ~4095 | kind
    guard old & 3 == kind else { return new }
    return (old ^ new) & ~4095 == 0 ? old : old | many
  }
}
