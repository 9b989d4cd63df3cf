/// Memory by 32-bit virtual addresses, as the guest's kernel reaches it: its own, the code cache and the state page.
///
/// On the device these are plain loads and stores; an access to the guest's memory that aborts ends the translator's
/// run and becomes the guest's own abort.
public protocol AddressSpace {
  func word(_ address: UInt32) -> UInt32
  func halfword(_ address: UInt32) -> UInt32
  func setWord(_ address: UInt32, _ value: UInt32)
  /// What was stored at these addresses is about to be executed.
  func publish(_ address: UInt32, count: UInt32)
}

/// Where the translator's memory lies in the guest's address space.
public struct CacheLayout: Sendable {
  /// Pairs of pages from here: one of code, and the state page, which is the same memory in every pair.
  public var cache: UInt32
  /// How many pairs.
  public var pairs: UInt32
  /// 64 KiB, aligned to as much: a word for each target of an indirect branch.
  public var table: UInt32
  /// `directoryBytes` for finding blocks by guest PC.
  public var directory: UInt32

  public init(cache: UInt32, pairs: UInt32, table: UInt32, directory: UInt32) {
    self.cache = cache
    self.pairs = pairs
    self.table = table
    self.directory = directory
  }

  public static var pairBytes: UInt32 { 8192 }
  public static var tableBytes: UInt32 { 65536 }
  public static var directoryBytes: UInt32 { directoryHead &+ 4 &* buckets }

  /// The first page of state.
  public var state: UInt32 { cache &+ 4096 }
  var end: UInt32 { cache &+ pairs &* CacheLayout.pairBytes }

  /// Words in front of the buckets: `DirectoryWord`.
  static var directoryHead: UInt32 { 16 }
  static var buckets: UInt32 { 4096 }

  /// Whether a block or an entry may be here.
  func contains(_ address: UInt32) -> Bool {
    address &- cache < pairs &* CacheLayout.pairBytes && (address &- cache) & 4096 == 0
      && address & 4095 >= CodePage.header
  }
}

/// A page of translated code: a bit for each of its words that begins a block or an entry, then code.
enum CodePage {
  static var header: UInt32 { 256 }
  static func start(_ address: UInt32) -> UInt32 { address & ~4095 }
}

/// Words in the state page. Cached code reaches those below 256 by an offset from the PC.
public enum StateSlot: UInt32, Sendable {
  /// What registers held that cached code needed.
  case spill0 = 0x00
  case spill1 = 0x04
  case spill2 = 0x08
  case spill3 = 0x0C
  /// Where a branch goes, when no register is free.
  case target = 0x10
  /// The guest's CPSR: A (bit 8), I, F and the mode. The upper half is the real one's, T is bit 0 of the PC.
  case status = 0x14
  /// The current mode's SPSR.
  case savedStatus = 0x18
  /// Where the status is stored when interrupts may be unmasked: `StatusWindow`.
  case commit = 0x1C
  /// TPIDRURW, TPIDRURO, TPIDRPRW.
  case threadUserReadWrite = 0x20
  case threadUserReadOnly = 0x24
  case threadPrivileged = 0x28
  /// DACR: whoever fills a shadow table looks here. Domains that are closed later stay as they are filled.
  case domains = 0x2C
  /// SCTLR as the guest reads it.
  case control = 0x30
  /// r0…r14 at an exit, and the address in the cache.
  case registers = 0x40
  case position = 0x7C
  /// The real CPSR at an exit.
  case flags = 0x80
  /// The guest's PC, bit 0 set in T32, and ITSTATE, when they are known.
  case programCounter = 0x84
  case ifThen = 0x88
  /// Where exceptions go, bit 0 set if in T32 (SCTLR.TE).
  case vectors = 0x8C
  /// R13, R14 and SPSR of every mode that is not the current one, by `Mode.bank`.
  case banks = 0xA0
  /// R8…R12 of FIQ mode, or of the others in FIQ mode.
  case fastRegisters = 0xE8
}

/// Where `StateSlot.commit` points: 256 pages by which bits of the status change, one megabyte aligned to as much. The
/// state page is mapped where only I (bit 7) and F (bit 6) do; a change of the mode finds no page and aborts. While an
/// interrupt is pending the pointer is `pendingOffset` further: there a change of I aborts as well.
public enum StatusWindow {
  public static var bytes: UInt32 { 256 &* 4096 }
  /// Bit 5, T, never counts as a change, so its pages are free for this.
  public static var pendingOffset: UInt32 { 0x20 &* 4096 }
  /// Whether the state page is mapped at page 0…255 of the window.
  public static func isMapped(_ page: UInt32) -> Bool { page & 0x1F == 0 && page & 0xA0 != 0xA0 }
}
