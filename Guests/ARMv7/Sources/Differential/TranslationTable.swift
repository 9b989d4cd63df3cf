// Short-descriptor translation tables (ARM DDI 0406C, B3.5), made once.

import Machine
import Translator

/// Hands out the pages of the machine's memory and maps them.
struct TranslationTable {
  /// Who may access a page: AP[2:0] of a small page's descriptor.
  enum Access: UInt32 {
    /// The program alone.
    case program = 0x010
    /// The program alone, and it does not write.
    case programReads = 0x210
    /// User mode reads and executes it.
    case userReads = 0x020
    case everybody = 0x030
  }

  private let root: UInt32
  private var free: UInt32

  init() {
    root = memory_address()
    free = root &+ 0x4000
  }

  /// Maps everything of `Layout` and turns the MMU on.
  mutating func turnOn() {
    section(0x1000_0000, attributes: 0x0000)
    for slot in 0..<16 as Range<UInt32> { section(0x6000_0000 &+ slot &<< 20, attributes: 0x100c) }
    map(Layout.run, run_page_address(), .programReads, Domains.run)
    map(Layout.context, newPage(), .program, Domains.run)
    map(Layout.states, newPage(), .program, Domains.run)
    map(Layout.vectors, pages: 1 &+ Layout.codePages, .everybody, Domains.tested)
    map(Layout.data, pages: Layout.dataPages, .everybody, Domains.tested)
    mapCache()
    machine_turn_on(root, Domains.all)
  }

  /// Every other page of the cache is the same state page.
  private mutating func mapCache() {
    let state = newPage()
    for pair in 0..<Layout.cachePairs {
      let address = Layout.cache &+ pair &* 2 &* Layout.page
      map(address, newPage(), .userReads, Domains.cache)
      map(address &+ Layout.page, state, .everybody, Domains.cache)
    }
    map(Layout.table, pages: Layout.tablePages, .userReads, Domains.cache)
    map(Layout.directory, pages: Layout.directoryPages, .program, Domains.cache)
    for page in 0..<256 as Range<UInt32> where StatusWindow.isMapped(page) {
      map(Layout.window &+ page &* Layout.page, state, .everybody, Domains.cache)
    }
  }

  /// One MiB of the program's own, AP 01. The attributes are S, TEX, C and B.
  private func section(_ address: UInt32, attributes: UInt32) {
    write32(root &+ (address &>> 20) &<< 2, address | attributes | 1 &<< 10 | Domains.program &<< 5 | 2)
  }

  private mutating func map(_ address: UInt32, pages: UInt32, _ access: Access, _ domain: UInt32) {
    for page in 0..<pages { map(address &+ page &* Layout.page, newPage(), access, domain) }
  }

  /// Normal write-back memory, one small page.
  private mutating func map(_ address: UInt32, _ page: UInt32, _ access: Access, _ domain: UInt32) {
    let slot = root &+ (address &>> 20) &<< 2
    if read32(slot) == 0 { write32(slot, newPage() | domain &<< 5 | 1) }
    let entry = read32(slot) & 0xffff_fc00 | (address &>> 12 & 0xff) &<< 2
    write32(entry, page | access.rawValue | 0x0e)
  }

  private mutating func newPage() -> UInt32 {
    defer { free = free &+ Layout.page }
    return free
  }
}
