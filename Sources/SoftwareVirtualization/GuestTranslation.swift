/// What shadow tables are made of, by the address where we have it, and made from.
public protocol ShadowMemory {
  var layout: ShadowLayout { get }
  var regime: TranslationRegime { get }
  func word(_ place: UInt32) -> UInt32
  func setWord(_ place: UInt32, _ value: UInt32)
  /// The same for what the hardware walks.
  func setDescriptor(_ place: UInt32, _ value: UInt32)
  /// Fills words that the hardware may walk with zeros.
  func clear(_ place: UInt32, bytes: UInt32)
  func copy(_ destination: UInt32, _ source: UInt32, bytes: UInt32)
  /// A descriptor in the guest's memory.
  /// - Parameters: its address on the bus; whether it is of a second-level table.
  func descriptor(_ address: UInt32, isSecond: Bool) -> UInt32
  /// Forgets what translation tables said of a page, in every address space of this CPU.
  func forgetTranslation(of page: UInt32)
  /// Forgets what they said in one of our address spaces.
  func forgetTranslations(of space: UInt32)
  /// Forgets everything that they said.
  func forgetTranslations()
}

/// What may be done with a page, and what an access needs.
public struct AccessRights: OptionSet, Sendable {
  public let rawValue: UInt32

  public init(rawValue: UInt32) { self.rawValue = rawValue }

  static var kernelReads: AccessRights { AccessRights(rawValue: 1) }
  static var kernelWrites: AccessRights { AccessRights(rawValue: 2) }
  static var userReads: AccessRights { AccessRights(rawValue: 4) }
  static var userWrites: AccessRights { AccessRights(rawValue: 8) }
  static var executes: AccessRights { AccessRights(rawValue: 16) }
  static var all: AccessRights { AccessRights(rawValue: 31) }
}

/// An access to memory.
public struct Access: Sendable {
  public var address: UInt32
  let needs: AccessRights

  /// - Parameters: `isFetch`: of an instruction; `isUser`: made in User mode, or with its permissions.
  public init(address: UInt32, isWrite: Bool = false, isFetch: Bool = false, isUser: Bool = false) {
    self.address = address
    needs = AccessRights(rawValue: (isWrite ? 2 : 1) &<< (isUser ? 2 : 0) | (isFetch ? 16 : 0))
  }

  public var isWrite: Bool { needs.rawValue & 10 != 0 }
  /// 1 if it is a store.
  var writeBit: UInt32 { (needs.rawValue &>> 1 | needs.rawValue &>> 3) & 1 }
  public var isFetch: Bool { needs.contains(.executes) }
}

/// What a guest's tables say of a page.
public struct GuestPage: Equatable, Sendable {
  /// The guest's physical address that the accessed one is.
  public var physical: UInt32
  /// `AccessRights`, and above them what kind of page it is.
  var attributes: UInt32

  /// A section or supersection, of which all of the megabyte is the same.
  public static var section: UInt32 { 1 &<< 5 }
  /// The same in all address spaces.
  public static var global: UInt32 { 1 &<< 6 }

  var rights: AccessRights { AccessRights(rawValue: attributes) }
  public var isSection: Bool { attributes & GuestPage.section != 0 }
  public var isGlobal: Bool { attributes & GuestPage.global != 0 }
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

/// Why an access ends without a page: as in DFSR, the status in bits 3:0, the domain in 7:4.
public struct TranslationFault: Error, Equatable {
  public let rawValue: UInt32

  public static func fault(_ status: FaultStatus, domain: UInt32) -> TranslationFault {
    TranslationFault(rawValue: status.rawValue | domain &<< 4)
  }

  public var status: FaultStatus { FaultStatus(rawValue: rawValue & 15) }
}

/// Walks a guest's tables as the hardware would.
public struct GuestWalk<Memory: ShadowMemory> {
  let memory: Memory

  public init(memory: Memory) { self.memory = memory }

  /// - Throws: the fault that the guest has to see.
  public func translate(_ access: Access) throws(TranslationFault) -> GuestPage {
    let regime = memory.regime
    guard regime.isOn else { return flat(access.address) }
    guard let first = descriptor(regime.descriptorAddress(access.address), isSecond: false) else {
      throw .fault(.walk(isSection: true), domain: 0)
    }
    let domain = first &>> 5 & 15
    switch first & 3 {
    case 0: throw .fault(.translation(isSection: true), domain: 0)
    case 1:
      guard let second = descriptor(first & ~1023 | access.address &>> 10 & 1020, isSecond: true)
      else {
        throw .fault(.walk(isSection: false), domain: domain)
      }
      return try page(access, second, domain)
    default: return try section(access, first)
    }
  }

  @inline(never) private func descriptor(_ address: UInt32, isSecond: Bool) -> UInt32? {
    memory.layout.map.physical(address).map { memory.descriptor($0, isSecond: isSecond) }
  }

  /// The MMU is off: every address is its own, and everything is allowed.
  private func flat(_ address: UInt32) -> GuestPage {
    GuestPage(physical: address, attributes: AccessRights.all.rawValue | GuestPage.section | GuestPage.global)
  }

  private func section(_ access: Access, _ descriptor: UInt32) throws(TranslationFault) -> GuestPage {
    // Bit 18: a supersection of 16 MB, domain 0.
    let isSuper = descriptor & 1 &<< 18 != 0
    let mask: UInt32 = isSuper ? 0xFF_FFFF : 0xF_FFFF
    let page = GuestPage(
      physical: descriptor & ~mask | access.address & mask,
      attributes: GuestPage.section | (descriptor & 1 &<< 17 == 0 ? GuestPage.global : 0)
        | (descriptor & 1 &<< 4 == 0 ? AccessRights.executes.rawValue : 0))
    let permissions = descriptor &>> 13 & 4 | descriptor &>> 10 & 3
    return try checked(page, access, permissions, isSuper ? 0 : descriptor &>> 5 & 15)
  }

  private func page(_ access: Access, _ descriptor: UInt32, _ domain: UInt32) throws(TranslationFault)
    -> GuestPage
  {
    guard descriptor & 3 != 0 else { throw .fault(.translation(isSection: false), domain: domain) }
    let isLarge = descriptor & 2 == 0
    let mask: UInt32 = isLarge ? 0xFFFF : 0xFFF
    let neverExecutes = isLarge ? 1 &<< 15 : 1 as UInt32
    let page = GuestPage(
      physical: descriptor & ~mask | access.address & mask,
      attributes: (descriptor & 1 &<< 11 == 0 ? GuestPage.global : 0)
        | (descriptor & neverExecutes == 0 ? AccessRights.executes.rawValue : 0))
    let permissions = descriptor &>> 7 & 4 | descriptor &>> 4 & 3
    return try checked(page, access, permissions, domain)
  }

  /// - Parameter permissions: APX, AP[1], AP[0].
  @inline(never)
  private func checked(_ page: GuestPage, _ access: Access, _ permissions: UInt32, _ domain: UInt32)
    throws(TranslationFault) -> GuestPage
  {
    var page = page
    let regime = memory.regime
    let usesAccessFlag = regime.control & 1 &<< 29 != 0
    switch regime.domains &>> (2 &* domain) & 3 {
    case 1:
      if usesAccessFlag, permissions & 1 == 0 {
        throw .fault(.accessFlag(isSection: page.isSection), domain: domain)
      }
      // Table B3-8: four bits of rights by APX, AP[1], AP[0]. With an access flag AP[0] is set, and says no more.
      page.attributes |= 0x5510_F730 &>> (4 &* permissions) & 15
    case 3: page.attributes |= AccessRights.all.rawValue
    default: throw .fault(.domain(isSection: page.isSection), domain: domain)
    }
    guard page.rights.isSuperset(of: access.needs) else {
      throw .fault(.permission(isSection: page.isSection), domain: domain)
    }
    return page
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
