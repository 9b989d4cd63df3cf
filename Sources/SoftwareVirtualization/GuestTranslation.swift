/// Memory by physical address, a word at a time: tables of ours, and of guests.
public protocol PhysicalMemory {
  func word(_ address: UInt32) -> UInt32
  func setWord(_ address: UInt32, _ value: UInt32)
  /// Fills words with zeros.
  func clear(_ address: UInt32, bytes: UInt32)
  func copy(_ destination: UInt32, _ source: UInt32, bytes: UInt32)
  /// Forgets what translation tables said of a page, in every address space of this CPU.
  func forgetTranslation(of page: UInt32)
  /// Forgets everything that they said.
  func forgetTranslations()
}

/// What an access needs.
public struct Access: Sendable {
  public var address: UInt32
  public var isWrite: Bool
  /// An instruction fetch.
  public var isFetch: Bool
  /// Made in User mode, or with its permissions.
  public var isUser: Bool

  public init(address: UInt32, isWrite: Bool = false, isFetch: Bool = false, isUser: Bool = false) {
    self.address = address
    self.isWrite = isWrite
    self.isFetch = isFetch
    self.isUser = isUser
  }
}

/// What a guest's tables say of a page.
public struct GuestPage: Equatable, Sendable {
  /// The guest's physical address that the accessed one is.
  public var physical: UInt32
  /// A section or supersection, of which all of the megabyte is the same.
  public var isSection: Bool
  public var isGlobal: Bool
  var kernelReads: Bool
  var kernelWrites: Bool
  var userReads: Bool
  var userWrites: Bool
  var executes: Bool
}

/// A fault status of the short-descriptor format (Arm ARM DDI 0406C, table B3-23), bits 3:0, for DFSR and IFSR.
public struct FaultStatus: Equatable, Sendable {
  public let rawValue: UInt32

  public init(rawValue: UInt32) { self.rawValue = rawValue }

  public static func translation(isSection: Bool) -> FaultStatus {
    FaultStatus(rawValue: isSection ? 0x5 : 0x7)
  }
  static func accessFlag(isSection: Bool) -> FaultStatus { FaultStatus(rawValue: isSection ? 0x3 : 0x6) }
  static func domain(isSection: Bool) -> FaultStatus { FaultStatus(rawValue: isSection ? 0x9 : 0xB) }
  static func permission(isSection: Bool) -> FaultStatus { FaultStatus(rawValue: isSection ? 0xD : 0xF) }
  /// A table lies where there is no memory.
  static func walk(isSection: Bool) -> FaultStatus { FaultStatus(rawValue: isSection ? 0xC : 0xE) }
  /// Nothing answers at the physical address: a synchronous external abort.
  public static var external: FaultStatus { FaultStatus(rawValue: 0x8) }
  public static var alignment: FaultStatus { FaultStatus(rawValue: 0x1) }
}

/// The guest's registers that say how it translates (B3.5).
public struct TranslationRegime: Sendable {
  /// SCTLR: M is bit 0, AFE bit 29.
  public var control: UInt32
  public var table0: UInt32
  public var table1: UInt32
  /// TTBCR.
  public var tableControl: UInt32
  /// DACR.
  public var domains: UInt32

  public init(control: UInt32, table0: UInt32, table1: UInt32, tableControl: UInt32, domains: UInt32) {
    self.control = control
    self.table0 = table0
    self.table1 = table1
    self.tableControl = tableControl
    self.domains = domains
  }

  var isOn: Bool { control & 1 != 0 }

  /// Where the first-level descriptor of an address is.
  func descriptorAddress(_ address: UInt32) -> UInt32 {
    let bits = tableControl & 7
    let usesTable1 = bits != 0 && address &>> (32 &- bits) != 0
    let shift = usesTable1 ? 14 : 14 &- bits
    let base = (usesTable1 ? table1 : table0) & (~0 &<< shift)
    return base | address &>> 18 & ~3
  }
}

/// Why an access ends without a page.
public enum TranslationFault: Error, Equatable {
  case fault(FaultStatus, domain: UInt32)
}

/// Walks a guest's tables as the hardware would.
public struct GuestWalk<Memory: PhysicalMemory> {
  let memory: Memory
  let regime: TranslationRegime
  let map: GuestMemory

  public init(memory: Memory, regime: TranslationRegime, map: GuestMemory) {
    self.memory = memory
    self.regime = regime
    self.map = map
  }

  /// - Throws: the fault that the guest has to see.
  public func translate(_ access: Access) throws(TranslationFault) -> GuestPage {
    guard regime.isOn else { return flat(access.address) }
    guard let first = guestWord(regime.descriptorAddress(access.address)) else {
      throw .fault(.walk(isSection: true), domain: 0)
    }
    let domain = first &>> 5 & 15
    switch first & 3 {
    case 0: throw .fault(.translation(isSection: true), domain: 0)
    case 1:
      guard let second = guestWord(first & ~1023 | access.address &>> 10 & 1020) else {
        throw .fault(.walk(isSection: false), domain: domain)
      }
      return try page(access, second, domain)
    default: return try section(access, first)
    }
  }

  private func guestWord(_ address: UInt32) -> UInt32? {
    map.physical(address).map { memory.word($0) }
  }

  /// The MMU is off: every address is its own, and everything is allowed.
  private func flat(_ address: UInt32) -> GuestPage {
    GuestPage(
      physical: address, isSection: true, isGlobal: true, kernelReads: true, kernelWrites: true,
      userReads: true, userWrites: true, executes: true)
  }

  private func section(_ access: Access, _ descriptor: UInt32) throws(TranslationFault) -> GuestPage {
    // Bit 18: a supersection of 16 MB, domain 0.
    let isSuper = descriptor & 1 &<< 18 != 0
    let mask: UInt32 = isSuper ? 0xFF_FFFF : 0xF_FFFF
    var page = GuestPage(
      physical: descriptor & ~mask | access.address & mask, isSection: true,
      isGlobal: descriptor & 1 &<< 17 == 0, kernelReads: false, kernelWrites: false, userReads: false,
      userWrites: false, executes: descriptor & 1 &<< 4 == 0)
    let permissions = descriptor &>> 13 & 4 | descriptor &>> 10 & 3
    return try checked(&page, access, permissions, isSuper ? 0 : descriptor &>> 5 & 15)
  }

  private func page(_ access: Access, _ descriptor: UInt32, _ domain: UInt32) throws(TranslationFault)
    -> GuestPage
  {
    guard descriptor & 3 != 0 else { throw .fault(.translation(isSection: false), domain: domain) }
    let isLarge = descriptor & 2 == 0
    let mask: UInt32 = isLarge ? 0xFFFF : 0xFFF
    let neverExecutes = isLarge ? 1 &<< 15 : 1 as UInt32
    var page = GuestPage(
      physical: descriptor & ~mask | access.address & mask, isSection: false,
      isGlobal: descriptor & 1 &<< 11 == 0, kernelReads: false, kernelWrites: false, userReads: false,
      userWrites: false, executes: descriptor & neverExecutes == 0)
    let permissions = descriptor &>> 7 & 4 | descriptor &>> 4 & 3
    return try checked(&page, access, permissions, domain)
  }

  /// - Parameter permissions: APX, AP[1], AP[0].
  private func checked(_ page: inout GuestPage, _ access: Access, _ permissions: UInt32, _ domain: UInt32)
    throws(TranslationFault) -> GuestPage
  {
    let isSection = page.isSection
    switch regime.domains &>> (2 &* domain) & 3 {
    case 1:
      if regime.control & 1 &<< 29 != 0, permissions & 1 == 0 {
        throw .fault(.accessFlag(isSection: isSection), domain: domain)
      }
      page.allow(permissions, usesAccessFlag: regime.control & 1 &<< 29 != 0)
    case 3:
      page.allow(3, usesAccessFlag: false)
      page.executes = true
    default: throw .fault(.domain(isSection: isSection), domain: domain)
    }
    guard page.allows(access) else { throw .fault(.permission(isSection: isSection), domain: domain) }
    return page
  }
}

extension GuestPage {
  /// Table B3-8: APX, AP[1], AP[0]; with an access flag AP[0] says nothing of permissions.
  mutating func allow(_ permissions: UInt32, usesAccessFlag: Bool) {
    let permissions = usesAccessFlag ? permissions | 1 : permissions
    let isReadOnly = permissions & 4 != 0
    kernelReads = permissions & 3 != 0
    kernelWrites = kernelReads && !isReadOnly
    userReads = permissions & 2 != 0
    userWrites = permissions & 3 == 3 && !isReadOnly
  }

  func allows(_ access: Access) -> Bool {
    if access.isFetch, !executes { return false }
    if access.isUser { return access.isWrite ? userWrites : userReads }
    return access.isWrite ? kernelWrites : kernelReads
  }
}

/// Where the guest's physical memory is: one piece, both ends on megabytes.
public struct GuestMemory: Sendable {
  public let base: UInt32
  public let size: UInt32
  /// Its address on the bus.
  public let location: UInt32

  public init(base: UInt32, size: UInt32, location: UInt32) {
    self.base = base
    self.size = size
    self.location = location
  }

  /// An address on the bus, if there is memory at the guest's.
  public func physical(_ address: UInt32) -> UInt32? {
    address &- base < size ? address &- base &+ location : nil
  }

  func pageNumber(_ address: UInt32) -> UInt32 { (address &- base) &>> 12 }
  func megabyteNumber(_ address: UInt32) -> UInt32 { (address &- base) &>> 20 }
}
