// The address spaces that a guest runs in: shadow tables, in which the hypervisor has its megabytes, and the translator,
// the code cache and the state page are open to the guest's kernel.

import ARMv7Assembly
import ArmArchitecture
import Hypervisor
import SoftwareVirtualization
import Translator

/// The memory that shadow tables are made of and made from, in the address space of a guest or in the hypervisor's own.
struct TableMemory: PhysicalMemory {
  let context: ContextReference

  @inline(never) func word(_ address: UInt32) -> UInt32 { load32(UInt(place(of: address))) }

  @inline(never) func setWord(_ address: UInt32, _ value: UInt32) {
    let place = place(of: address)
    store32(UInt(place), value)
    // Walks may not look into the cache.
    write_dccmvau(place)
  }

  func clear(_ address: UInt32, bytes: UInt32) {
    let pointer = unsafe pointer(to: address)
    unsafe pointer.initializeMemory(as: UInt8.self, repeating: 0, count: Int(bitPattern: UInt(bytes)))
    clean(address, bytes)
  }

  func copy(_ destination: UInt32, _ source: UInt32, bytes: UInt32) {
    unsafe pointer(to: destination).copyMemory(
      from: pointer(to: source), byteCount: Int(bitPattern: UInt(bytes)))
    clean(destination, bytes)
  }

  private func clean(_ address: UInt32, _ bytes: UInt32) {
    var offset: UInt32 = 0
    while offset < bytes {
      write_dccmvau(Pool.view &+ address &- context.value.pool &+ offset)
      offset = offset &+ 32
    }
  }

  /// Into the pool.
  private func pointer(to address: UInt32) -> UnsafeMutableRawPointer {
    // Never nil.
    unsafe UnsafeMutableRawPointer(bitPattern: UInt(Pool.view &+ address &- context.value.pool))!
  }

  @inline(never) func forgetTranslation(of page: UInt32) {
    data_barrier()
    write_tlbimvaa(page)
    data_barrier()
    instruction_barrier()
  }

  @inline(never) func forgetTranslations() {
    data_barrier()
    write_tlbiall(0)
    data_barrier()
    instruction_barrier()
  }

  /// Where an address is: in the pool, or through a view of the guest's memory.
  private func place(of address: UInt32) -> UInt32 {
    let offset = address &- context.value.pool
    if offset < Pool.size { return Pool.view &+ offset }
    let page = address &>> 12
    let view = page & 7
    if context.value.views[Int(view)] != page {
      context.value.views[Int(view)] = page
      let entry = Pool.view &+ Pool.levels &+ 4096 &+ ((Pool.guestViews &>> 12 &+ view) & 255) &* 4
      // Normal memory, for the hypervisor alone.
      store32(UInt(entry), page &<< 12 | 0x45F)
      write_dccmvau(entry)
      forgetTranslation(of: Pool.guestViews &+ view &<< 12)
    }
    return Pool.guestViews &+ view &<< 12 | address & 4095
  }
}

extension ContextReference {
  var memory: TableMemory { TableMemory(context: self) }

  var layout: ShadowLayout {
    ShadowLayout(
      base: value.pool &+ Pool.shadow, spaces: 8, tables: 448, map: value.memory, reserved: Pool.reserved,
      shared: 0xFFF)
  }

  var shadows: ShadowTables<TableMemory> { ShadowTables(memory: memory, layout: layout) }

  var regime: TranslationRegime {
    TranslationRegime(
      control: self[.control], table0: self[.table0], table1: self[.table1], tableControl: self[.tableControl],
      domains: self[.domains])
  }

  /// What tells an address space from others.
  private var spaceKey: UInt32 { self[.table0] & ~0x3FFF | self[.context] & 0xFF }

  /// The guest's own tables.
  var walk: GuestWalk<TableMemory> { GuestWalk(memory: memory, regime: regime, map: value.memory) }

  /// A word of the state page.
  subscript(_ slot: StateSlot) -> UInt32 {
    get { load32(UInt(Pool.view &+ Pool.state &+ slot.rawValue)) }
    nonmutating set { store32(UInt(Pool.view &+ Pool.state &+ slot.rawValue), newValue) }
  }

  /// A register of the state page's frame, 0…14: there while the translator runs.
  func register(_ number: UInt32) -> UInt32 { load32(registerPlace(number)) }
  func setRegister(_ number: UInt32, _ value: UInt32) {
    if number < 15 { store32(registerPlace(number), value) }
  }

  private func registerPlace(_ number: UInt32) -> UInt {
    UInt(Pool.view &+ Pool.state &+ StateSlot.registers.rawValue &+ (number & 15) &* 4)
  }

  // MARK: Making them

  /// Empty address spaces. The pool is in view.
  func makeSpaces() {
    for view in 0..<8 { value.views[view] = 0 }
    memory.clear(value.pool &+ Pool.levels, bytes: 8192)
    memory.clear(value.pool &+ Pool.state, bytes: 4096)
    shadows.reset()
    makeTranslatorTable()
    makeWindowTables()
    shareHypervisor()
    value.table = shadows.table(of: 0)
    value.identifier = 0
    value.isSpaceStale = true
  }

  /// A second-level table of the pool's: 0…3, and 4 the hypervisor's, on a page of its own.
  private func level(_ index: UInt32) -> UInt32 {
    value.pool &+ Pool.levels &+ (index == 4 ? 4096 : index &<< 10)
  }

  private func setPage(_ level: UInt32, _ page: UInt32, _ descriptor: UInt32) {
    memory.setWord(self.level(level) &+ 4 &* page, descriptor)
  }

  /// The translator itself, the table of branch targets, the directory, the stack.
  private func makeTranslatorTable() {
    let image = unsafe Machine().physicalAddress(of: address_of_translator_image())
    let physical = UInt32(truncatingIfNeeded: image.rawValue)
    let size = unsafe UInt32(
      bitPattern: Int32(address_of_translator_image_end() - address_of_translator_image()))
    for page in 0..<(size &+ 4095) &>> 12 { setPage(0, page, physical &+ page &<< 12 | PageKind.code) }
    for page in 0..<16 as Range<UInt32> {
      setPage(0, 16 &+ page, value.pool &+ Pool.table &+ page &<< 12 | PageKind.data)
    }
    for page in 0..<5 as Range<UInt32> {
      setPage(0, 32 &+ page, value.pool &+ Pool.directory &+ page &<< 12 | PageKind.data)
    }
    setPage(0, 40, value.pool &+ Pool.stack | PageKind.data)
    reserve(0xFE0, level(0), ShadowDomain.kernel)
  }

  /// The status window and the pairs of pages of the cache.
  private func makeWindowTables() {
    let state = value.pool &+ Pool.state | PageKind.data
    for page in 0..<256 as Range<UInt32> where StatusWindow.isMapped(page) { setPage(1, page, state) }
    reserve(0xFE1, level(1), ShadowDomain.kernel)
    for pair in 0..<256 as Range<UInt32> {
      let level = 2 &+ pair &>> 7
      setPage(level, pair &* 2 & 255, value.pool &+ Pool.cache &+ pair &<< 12 | PageKind.cache)
      setPage(level, pair &* 2 & 255 &+ 1, state)
    }
    reserve(0xFE2, level(2), ShadowDomain.kernel)
    reserve(0xFE3, level(3), ShadowDomain.kernel)
  }

  private func reserve(_ megabyte: UInt32, _ table: UInt32, _ domain: UInt32) {
    shadows.reserve(megabyte, descriptor: table | domain &<< 5 | 1)
  }

  /// The pool, and the last megabyte with the hypervisor's own pages.
  private func shareHypervisor() {
    for megabyte in 0..<4 as Range<UInt32> {
      shadows.reserve(0xFE4 &+ megabyte, descriptor: value.pool &+ megabyte &<< 20 | PageKind.pool)
    }
    Machine().copyOwnTable(to: Pool.view &+ Pool.levels &+ 4096)
    reserve(0xFFF, level(4), ShadowDomain.user)
  }

  // MARK: Using them

  /// Makes the guest's current address space the one that is walked.
  func activateSpace() {
    guard value.isSpaceStale else { return }
    value.isSpaceStale = false
    let space = shadows.activate(spaceKey)
    value.table = shadows.table(of: space)
    value.identifier = space
    loadSpace()
  }

  /// Until the guest's current address space is needed, only what all of them have is there.
  func leaveSpace() {
    value.isSpaceStale = true
    value.table = shadows.table(of: 0)
    value.identifier = 0
    loadSpace()
  }

  func loadSpace() {
    // No entry of the old space may get the new one's number.
    write_contextidr(0)
    instruction_barrier()
    write_ttbr0(value.table | 0x4A)
    instruction_barrier()
    write_contextidr(value.identifier)
    instruction_barrier()
  }

  @inline(never) func loadDomains() {
    let domains = value.running == .user ? DomainAccess.user : DomainAccess.kernel
    guard read_dacr() != domains else { return }
    write_dacr(domains)
    instruction_barrier()
  }
}

/// Descriptors of pages and of sections that are not the guest's: normal memory, write-back, shared.
private enum PageKind {
  /// For User mode: read and executed; read and written; all three.
  static var code: UInt32 { 0x46E }
  static var data: UInt32 { 0x47F }
  static var cache: UInt32 { 0x47E }
  /// A section for the hypervisor alone.
  static var pool: UInt32 { 0x1_141E }
}
