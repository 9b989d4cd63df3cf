// The address spaces that a guest runs in: shadow tables, in which the hypervisor has its megabytes, and the translator,
// the code cache and the state page are open to the guest's kernel.

import ARMv7Assembly
import ArmArchitecture
import Hypervisor
import SoftwareVirtualization
import Translator

/// The memory that shadow tables are made of and made from, in the address space of a guest or in the hypervisor's own.
struct TableMemory: ShadowMemory {
  let context: ContextReference

  var layout: ShadowLayout {
    ShadowLayout(
      base: Pool.view &+ Pool.shadow, offset: context.value.pool &- Pool.view, spaces: 8, tables: 448,
      map: context.value.memory, reserved: Pool.reserved, shared: 0xFFF)
  }

  var regime: TranslationRegime {
    TranslationRegime(
      control: context[.control], table0: context[.table0], table1: context[.table1],
      tableControl: context[.tableControl], domains: context[.domains])
  }

  @inline(__always) func word(_ place: UInt32) -> UInt32 { load32(UInt(place)) }
  @inline(__always) func setWord(_ place: UInt32, _ value: UInt32) { store32(UInt(place), value) }

  @inline(never) func setDescriptor(_ place: UInt32, _ value: UInt32) {
    store32(UInt(place), value)
    // Walks may not look into the cache.
    write_dccmvau(place)
  }

  func clear(_ place: UInt32, bytes: UInt32) {
    unsafe pointer(place).initializeMemory(as: UInt8.self, repeating: 0, count: Int(bitPattern: UInt(bytes)))
    Self.clean(place, bytes)
  }

  func copy(_ destination: UInt32, _ source: UInt32, bytes: UInt32) {
    unsafe pointer(destination).copyMemory(from: pointer(source), byteCount: Int(bitPattern: UInt(bytes)))
    Self.clean(destination, bytes)
  }

  /// Cleans what walks may not find in the cache.
  static func clean(_ place: UInt32, _ bytes: UInt32) {
    var offset: UInt32 = 0
    while offset < bytes {
      write_dccmvau(place &+ offset)
      offset = offset &+ 32
    }
  }

  private func pointer(_ place: UInt32) -> UnsafeMutableRawPointer {
    unsafe UnsafeMutableRawPointer(bitPattern: UInt(place)).unsafelyUnwrapped
  }

  func descriptor(_ address: UInt32, isSecond: Bool) -> UInt32 {
    // Tables of both levels keep their views.
    load32(UInt(view(address &>> 12 & 3 | (isSecond ? 4 : 0), of: address)))
  }

  /// Where a page of the guest's memory is in view.
  private func view(_ view: UInt32, of address: UInt32) -> UInt32 {
    let page = address &>> 12
    if context.value.views[Int(view)] != page {
      context.value.views[Int(view)] = page
      // Normal memory, for the hypervisor alone.
      setDescriptor(Pool.viewDescriptors &+ view &* 4, page &<< 12 | 0x45F)
      data_barrier()
      write_tlbimva(Pool.guestViews &+ view &<< 12)
      data_barrier()
      instruction_barrier()
    }
    return Pool.guestViews &+ view &<< 12 | address & 4095
  }

  @inline(never) func forgetTranslation(of page: UInt32) {
    data_barrier()
    // A Cortex-A8 cannot do that for all ASIDs at once.
    for space in 0...layout.spaces { write_tlbimva(page & ~4095 | space) }
    data_barrier()
    instruction_barrier()
  }

  func forgetTranslations(of space: UInt32) {
    data_barrier()
    write_tlbiasid(space)
    data_barrier()
    instruction_barrier()
  }

  @inline(never) func forgetTranslations() {
    data_barrier()
    write_tlbiall(0)
    data_barrier()
    instruction_barrier()
  }
}

extension ContextReference {
  var memory: TableMemory { TableMemory(context: self) }

  var shadows: ShadowTables<TableMemory> { ShadowTables(memory: memory) }

  /// What tells an address space from others.
  private var spaceKey: UInt32 { self[.table0] & ~0x3FFF | self[.context] & 0xFF }

  /// The guest's own tables.
  var walk: GuestWalk<TableMemory> { GuestWalk(memory: memory) }

  /// A word of the state page.
  subscript(_ slot: StateSlot) -> UInt32 {
    get { load32(UInt(Pool.view &+ Pool.state &+ slot.rawValue)) }
    nonmutating set { store32(UInt(Pool.view &+ Pool.state &+ slot.rawValue), newValue) }
  }

  var statePage: StatePage { StatePage(base: base_register(UInt(Pool.view &+ Pool.state))) }

  /// FPEXC: only EN can be changed.
  var floatingPointControl: UInt32 { self[.floatingPointControl] & 1 &<< 30 }

  // MARK: Making them

  /// Empty address spaces. The pool is in view.
  func makeSpaces() {
    for view in 0..<8 { value.views[view] = ~0 }
    memory.clear(Pool.view &+ Pool.levels, bytes: 8192)
    forgetCodePages()
    memory.clear(Pool.view &+ Pool.state, bytes: 4096)
    shadows.reset()
    makeTranslatorTable()
    makeWindowTables()
    shareHypervisor()
    value.table = shadows.table(of: 0)
    value.identifier = 0
    value.isSpaceStale = true
  }

  /// Where in the pool a second-level table is: 0…3, and 4 the hypervisor's, on a page of its own.
  private func level(_ index: UInt32) -> UInt32 {
    Pool.levels &+ (index == 4 ? 4096 : index &<< 10)
  }

  private func setPage(_ level: UInt32, _ page: UInt32, _ descriptor: UInt32) {
    memory.setDescriptor(Pool.view &+ self.level(level) &+ 4 &* page, descriptor)
  }

  /// The translator itself, the table of branch targets, the directory, the stack.
  private func makeTranslatorTable() {
    let image = unsafe Machine().physicalAddress(of: address_of_translator_image())
    let physical = UInt32(truncatingIfNeeded: image.rawValue)
    let size = unsafe UInt32(
      bitPattern: Int32(address_of_translator_image_end() - address_of_translator_image()))
    for page in 0..<(size &+ 4095) &>> 12 { setPage(0, page, physical &+ page &<< 12 | PageKind.code) }
    for page in 0..<22 as Range<UInt32> {
      setPage(0, 16 &+ page, value.pool &+ Pool.table &+ page &<< 12 | PageKind.data)
    }
    reserve(0xFE0, 0, ShadowDomain.kernel)
  }

  /// The status window and the pairs of pages of the cache.
  private func makeWindowTables() {
    let state = value.pool &+ Pool.state | PageKind.data
    for page in 0..<256 as Range<UInt32> where StatusWindow.isMapped(page) { setPage(1, page, state) }
    reserve(0xFE1, 1, ShadowDomain.kernel)
    for pair in 0..<256 as Range<UInt32> {
      let level = 2 &+ pair &>> 7
      setPage(level, pair &* 2 & 255, value.pool &+ Pool.cache &+ pair &<< 12 | PageKind.cache)
      setPage(level, pair &* 2 & 255 &+ 1, state)
    }
    reserve(0xFE2, 2, ShadowDomain.kernel)
    reserve(0xFE3, 3, ShadowDomain.kernel)
  }

  private func reserve(_ megabyte: UInt32, _ level: UInt32, _ domain: UInt32) {
    shadows.reserve(megabyte, descriptor: value.pool &+ self.level(level) | domain &<< 5 | 1)
  }

  /// The pool, and the last megabyte with the hypervisor's own pages.
  private func shareHypervisor() {
    for megabyte in 0..<4 as Range<UInt32> {
      shadows.reserve(0xFE4 &+ megabyte, descriptor: value.pool &+ megabyte &<< 20 | PageKind.pool)
    }
    Machine().copyOwnTable(to: Pool.view &+ Pool.levels &+ 4096)
    reserve(0xFFF, 4, ShadowDomain.user)
  }

  // MARK: Using them

  /// What is at an address may be something else now.
  @inline(never) func forgetDevices() {
    for index in 0..<4 as Range<Int> { value.devices[index].page = Pool.noDevice }
  }

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
    guard read_ttbr0() != value.table | 0x4A else { return }
    // No entry of the old space may get the new one's number.
    write_contextidr(0)
    instruction_barrier()
    write_ttbr0(value.table | 0x4A)
    instruction_barrier()
    write_contextidr(value.identifier)
    instruction_barrier()
  }
}

/// The state page for who needs many of its words: they have offsets from one register.
struct StatePage {
  fileprivate let base: UInt

  subscript(_ slot: StateSlot) -> UInt32 {
    get { load32(base &+ UInt(slot.rawValue)) }
    nonmutating set { store32(base &+ UInt(slot.rawValue), newValue) }
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
