/// Memory by 32-bit virtual addresses, as the guest's kernel reaches it: its own, the code cache and the state page.
///
/// On the device these are plain loads and stores; an access to the guest's memory that aborts ends the translator's
/// run and becomes the guest's own abort. So does one of a word whose address is not a multiple of four: the loads and
/// stores that the translator does for the guest (LDM, STM, RFE, SRS) have to be aligned whatever SCTLR.A says.
public protocol AddressSpace {
  func word(_ address: UInt32) -> UInt32
  func halfword(_ address: UInt32) -> UInt32
  func setWord(_ address: UInt32, _ value: UInt32)
  /// A load and a store of 1, 2 or 4 bytes whose address need not be a multiple of that.
  func load(_ address: UInt32, bytes: UInt32) -> UInt32
  func store(_ address: UInt32, bytes: UInt32, _ value: UInt32)
  /// An access with User mode's permissions is about to be made. If they do not allow it, this ends the translator's run as
  /// an access that aborts does.
  func checkUser(_ address: UInt32, isWrite: Bool)
  /// Code is about to be read from these bytes of the guest's, or fewer of them. They are in one page.
  func protect(_ address: UInt32, count: UInt32)
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

  /// Where the hypervisor puts it: the translator itself at 0xFE00_0000, then this; the status window in the next megabyte,
  /// and two megabytes of pairs.
  public static var standard: CacheLayout {
    CacheLayout(cache: 0xFE20_0000, pairs: 256, table: 0xFE01_0000, directory: 0xFE02_0000)
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
public struct StateSlot: RawRepresentable, Equatable, Sendable {
  /// The offset in bytes, a multiple of 4.
  public var rawValue: UInt32

  public init(rawValue: UInt32) { self.rawValue = rawValue }

  /// The slot some bytes further.
  public static func + (slot: StateSlot, bytes: UInt32) -> StateSlot {
    StateSlot(rawValue: slot.rawValue &+ bytes)
  }

  /// What registers held that cached code needed.
  public static var spill0: StateSlot { StateSlot(rawValue: 0x00) }
  public static var spill1: StateSlot { StateSlot(rawValue: 0x04) }
  public static var spill2: StateSlot { StateSlot(rawValue: 0x08) }
  public static var spill3: StateSlot { StateSlot(rawValue: 0x0C) }
  /// Where a branch goes, when no register is free.
  public static var target: StateSlot { StateSlot(rawValue: 0x10) }
  /// The guest's CPSR: A (bit 8), I, F and the mode. The upper half is the real one's, T is bit 0 of the PC.
  public static var status: StateSlot { StateSlot(rawValue: 0x14) }
  /// The current mode's SPSR.
  public static var savedStatus: StateSlot { StateSlot(rawValue: 0x18) }
  /// Where the status is stored when interrupts may be unmasked: `StatusWindow`.
  public static var commit: StateSlot { StateSlot(rawValue: 0x1C) }
  /// TPIDRURW, TPIDRURO, TPIDRPRW.
  public static var threadUserReadWrite: StateSlot { StateSlot(rawValue: 0x20) }
  public static var threadUserReadOnly: StateSlot { StateSlot(rawValue: 0x24) }
  public static var threadPrivileged: StateSlot { StateSlot(rawValue: 0x28) }
  /// DACR: whoever fills a shadow table looks here. Domains that are closed later stay as they are filled.
  public static var domains: StateSlot { StateSlot(rawValue: 0x2C) }
  /// SCTLR, ACTLR, CPACR.
  public static var control: StateSlot { StateSlot(rawValue: 0x30) }
  public static var auxiliaryControl: StateSlot { StateSlot(rawValue: 0x34) }
  public static var coprocessorAccess: StateSlot { StateSlot(rawValue: 0x38) }
  /// TTBR0, TTBR1, TTBCR, CONTEXTIDR.
  public static var table0: StateSlot { StateSlot(rawValue: 0x3C) }
  public static var table1: StateSlot { StateSlot(rawValue: 0x40) }
  public static var tableControl: StateSlot { StateSlot(rawValue: 0x44) }
  public static var context: StateSlot { StateSlot(rawValue: 0x48) }
  /// DFSR, IFSR, DFAR, IFAR.
  public static var dataFaultStatus: StateSlot { StateSlot(rawValue: 0x4C) }
  public static var instructionFaultStatus: StateSlot { StateSlot(rawValue: 0x50) }
  public static var dataFaultAddress: StateSlot { StateSlot(rawValue: 0x54) }
  public static var instructionFaultAddress: StateSlot { StateSlot(rawValue: 0x58) }
  /// PAR, PRRR, NMRR, VBAR.
  public static var physicalAddress: StateSlot { StateSlot(rawValue: 0x5C) }
  public static var primaryRemap: StateSlot { StateSlot(rawValue: 0x60) }
  public static var normalRemap: StateSlot { StateSlot(rawValue: 0x64) }
  public static var vectorBase: StateSlot { StateSlot(rawValue: 0x68) }
  /// CSSELR, CCSIDR of the cache that it chooses, CLIDR.
  public static var cacheSelection: StateSlot { StateSlot(rawValue: 0x6C) }
  public static var cacheSize: StateSlot { StateSlot(rawValue: 0x70) }
  public static var cacheLevels: StateSlot { StateSlot(rawValue: 0x74) }
  /// FPEXC, FPSID, MVFR0, MVFR1.
  public static var floatingPointControl: StateSlot { StateSlot(rawValue: 0xD8) }
  public static var floatingPointIdentification: StateSlot { StateSlot(rawValue: 0xDC) }
  public static var mediaFeatures0: StateSlot { StateSlot(rawValue: 0xE0) }
  public static var mediaFeatures1: StateSlot { StateSlot(rawValue: 0xE4) }
  /// R13, R14 and SPSR of every mode that is not the current one, by `Mode.bank`: those of User mode are below 256.
  public static func bank(_ bank: UInt32) -> StateSlot { StateSlot(rawValue: 0xE8 &+ 12 &* bank) }
  /// R8…R12 of FIQ mode, or of the others in FIQ mode.
  public static var fastRegisters: StateSlot { StateSlot(rawValue: 0x130) }
  /// r0…r14 at an exit, and the address in the cache.
  public static var registers: StateSlot { StateSlot(rawValue: 0x150) }
  public static var position: StateSlot { StateSlot(rawValue: 0x18C) }
  /// The real CPSR at an exit.
  public static var flags: StateSlot { StateSlot(rawValue: 0x190) }
  /// The guest's PC, bit 0 set in T32, and ITSTATE, when they are known.
  public static var programCounter: StateSlot { StateSlot(rawValue: 0x194) }
  public static var ifThen: StateSlot { StateSlot(rawValue: 0x198) }
  /// The exception that the guest takes if the translator's access to its memory aborts: a `GuestException`.
  public static var abort: StateSlot { StateSlot(rawValue: 0x19C) }
  /// Where in the cache the guest's kernel takes an exception, if that is known, and 0: a word for each `GuestException`.
  static var entries: StateSlot { StateSlot(rawValue: 0x1A0) }
  public static func entry(_ exception: GuestException) -> StateSlot {
    entries + exception.rawValue
  }
  /// CCSIDR by CSSELR: `cacheSizeCount` words.
  public static var cacheSizes: StateSlot { StateSlot(rawValue: 0x1C0) }
  /// Where cached code stopped last, and the guest's PC there: 256 pairs of words, by addresses in the cache.
  static var recoveries: StateSlot { StateSlot(rawValue: 0x1D0) }
  static var recoveriesBytes: UInt32 { 2048 }
  public static func recovery(at position: UInt32) -> StateSlot {
    recoveries + (position &<< 1 & (recoveriesBytes &- 8))
  }

  /// A register of c0 with opc1 0: 24 words from 0x78.
  /// - Parameters: CRm 0…2 and opc2.
  public static func identification(_ row: UInt32, _ column: UInt32) -> StateSlot {
    StateSlot(rawValue: 0x78 &+ row &* 32 &+ column &* 4)
  }

  /// Data and instruction caches of two levels.
  public static var cacheSizeCount: UInt32 { 4 }
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
