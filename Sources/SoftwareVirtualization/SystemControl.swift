// The guest's coprocessor 15 (Arm ARM DDI 0406C, B3.17): what it reads and writes, and what a write asks for. The thread
// registers, DACR and reading SCTLR never come here: the translator has them in its state page. Nor does cache
// maintenance, which needs nothing.

/// An MCR or MRC.
public struct CoprocessorAccess: Sendable {
  public let word: UInt32

  public init(word: UInt32) { self.word = word }

  public var isRead: Bool { word & 1 &<< 20 != 0 }
  public var register: UInt32 { word &>> 12 & 15 }
  var coprocessor: UInt32 { word &>> 8 & 15 }
  /// CRn, opc1, CRm, opc2: four bits each.
  var encoding: UInt32 {
    (word &>> 16 & 15) &<< 12 | (word &>> 21 & 7) &<< 8 | (word & 15) &<< 4 | word &>> 5 & 7
  }
}

/// What the guest's access asks the hypervisor for.
public enum SystemEffect: Equatable, Sendable {
  case nothing
  /// The register does not exist.
  case undefined
  /// SCTLR was written: the bits that changed.
  case control(changed: UInt32)
  /// The guest's tables or its ASID are others now.
  case space
  /// Where exceptions go has changed.
  case vectors
  case invalidateAll
  case invalidatePage(UInt32)
  /// The guest wants to know what an access would find: ATS1C and ATS12NSO, whose result is PAR.
  case translate(UInt32, isWrite: Bool, isUser: Bool)
}

/// Registers that identify the CPU; the hardware's own, or what we make of them.
public protocol Identification {
  /// - Parameter index: CRm and opc2 of a register of c0 with opc1 0, four bits each.
  func identification(_ index: UInt32) -> UInt32
  /// CLIDR, and CCSIDR of a cache by CSSELR.
  func cacheLevels() -> UInt32
  func cacheSize(_ selection: UInt32) -> UInt32
}

/// The guest's system registers that need no more than a word.
public struct SystemRegisters: Sendable {
  public var control: UInt32 = SystemRegisters.resetControl
  public var table0: UInt32 = 0
  public var table1: UInt32 = 0
  public var tableControl: UInt32 = 0
  /// CONTEXTIDR: the ASID is bits 7:0.
  public var context: UInt32 = 0
  public var dataFaultStatus: UInt32 = 0
  public var instructionFaultStatus: UInt32 = 0
  public var dataFaultAddress: UInt32 = 0
  public var instructionFaultAddress: UInt32 = 0
  /// VBAR.
  public var vectorBase: UInt32 = 0
  public var coprocessorAccess: UInt32 = 0
  /// PAR.
  public var physicalAddress: UInt32 = 0
  var cacheSelection: UInt32 = 0
  var auxiliaryControl: UInt32 = 0
  var primaryRemap: UInt32 = 0x0009_8AA4
  var normalRemap: UInt32 = 0x44E0_48E0
  /// MPIDR: the place among the VM's CPUs.
  public var affinity: UInt32 = 0

  public init() {}

  /// Out of reset: MMU and caches off, vectors at 0; the bits that are ones.
  public static var resetControl: UInt32 { 0x00C5_0078 }
  /// M, A, C, Z, I, V, TRE, AFE, TE: what a guest can change. EE is not among them.
  static var controlBits: UInt32 { 0x7000_3807 }

  /// VBAR, or the high vectors (SCTLR.V); bit 0 set if exceptions are taken in T32 (SCTLR.TE).
  public var vectors: UInt32 {
    (control & 1 &<< 13 != 0 ? 0xFFFF_0000 : vectorBase) | control &>> 30 & 1
  }

  /// - Parameter value: what the guest writes, and what it reads.
  public mutating func access<Source: Identification>(
    _ access: CoprocessorAccess, _ value: inout UInt32, _ source: Source
  ) -> SystemEffect {
    guard access.coprocessor == 15 else { return debug(access, &value) }
    switch access.encoding &>> 12 {
    case 0: return identify(access, &value, source)
    case 7: return translateAddress(access, &value)
    case 8: return access.isRead ? .undefined : invalidate(access.encoding, value)
    // Performance counters, cache lockdown, DMA of older cores, what the implementation defines: nothing is there.
    case 9, 11, 15:
      if access.isRead { value = 0 }
      return .nothing
    default: return plain(access, &value)
    }
  }

  /// Coprocessor 14: DBGDIDR says that there is no debug; nothing else is there.
  private func debug(_ access: CoprocessorAccess, _ value: inout UInt32) -> SystemEffect {
    guard access.isRead, access.encoding == 0 else { return .undefined }
    value = 0
    return .nothing
  }

  private mutating func identify<Source: Identification>(
    _ access: CoprocessorAccess, _ value: inout UInt32, _ source: Source
  ) -> SystemEffect {
    switch (access.encoding, access.isRead) {
    case (0x0200, _): SystemRegisters.exchange(&cacheSelection, &value, access)
    case (0x0100, true): value = source.cacheSize(cacheSelection)
    case (0x0101, true): value = source.cacheLevels()
    case (0x0107, true): value = 0
    case (0x0005, true): value = 0x8000_0000 | affinity
    case (0...0x00FF, true): value = source.identification(access.encoding)
    default: return .undefined
    }
    return .nothing
  }

  private static func exchange(_ register: inout UInt32, _ value: inout UInt32, _ access: CoprocessorAccess) {
    if access.isRead { value = register } else { register = value }
  }

  /// Registers of one word.
  private mutating func plain(_ access: CoprocessorAccess, _ value: inout UInt32) -> SystemEffect {
    var effect = SystemEffect.nothing
    switch access.encoding {
    case 0x1000: return writeControl(access, &value)
    case 0x1001: SystemRegisters.exchange(&auxiliaryControl, &value, access)
    case 0x1002:
      SystemRegisters.exchange(&coprocessorAccess, &value, access)
      // Only the floating-point unit is there.
      coprocessorAccess &= 0xF0_0000
    case 0x2000:
      SystemRegisters.exchange(&table0, &value, access)
      effect = .space
    case 0x2001:
      SystemRegisters.exchange(&table1, &value, access)
      effect = .space
    case 0x2002:
      SystemRegisters.exchange(&tableControl, &value, access)
      tableControl &= 0x37
      effect = .space
    case 0x5000: SystemRegisters.exchange(&dataFaultStatus, &value, access)
    case 0x5001: SystemRegisters.exchange(&instructionFaultStatus, &value, access)
    // ADFSR, AIFSR; the TLB's lockdown, FCSEIDR, ISR: zero.
    case 0x5010, 0x5011, 0xA000, 0xA001, 0xD000, 0xC010: if access.isRead { value = 0 }
    case 0x6000: SystemRegisters.exchange(&dataFaultAddress, &value, access)
    case 0x6002: SystemRegisters.exchange(&instructionFaultAddress, &value, access)
    case 0xA020: SystemRegisters.exchange(&primaryRemap, &value, access)
    case 0xA021: SystemRegisters.exchange(&normalRemap, &value, access)
    case 0xC000:
      SystemRegisters.exchange(&vectorBase, &value, access)
      vectorBase &= ~31
      effect = .vectors
    case 0xD001:
      SystemRegisters.exchange(&context, &value, access)
      effect = .space
    default: return .undefined
    }
    return access.isRead ? .nothing : effect
  }

  private mutating func writeControl(_ access: CoprocessorAccess, _ value: inout UInt32) -> SystemEffect {
    guard !access.isRead else {
      value = control
      return .nothing
    }
    let new = control & ~SystemRegisters.controlBits | value & SystemRegisters.controlBits
    let changed = new ^ control
    control = new
    return .control(changed: changed)
  }

  /// PAR, and the operations that write it.
  private mutating func translateAddress(_ access: CoprocessorAccess, _ value: inout UInt32) -> SystemEffect {
    switch access.encoding {
    case 0x7040:
      SystemRegisters.exchange(&physicalAddress, &value, access)
      return .nothing
    case 0x7080...0x7083 where !access.isRead:
      return .translate(value, isWrite: access.encoding & 1 != 0, isUser: access.encoding & 2 != 0)
    default: return .undefined
    }
  }

  /// c8: CRm says which TLB, opc2 what of it (B3.18.7).
  private func invalidate(_ encoding: UInt32, _ value: UInt32) -> SystemEffect {
    switch (encoding &>> 4 & 0xFF, encoding & 15) {
    // By ASID, or all.
    case (3, 0), (5...7, 0), (3, 2), (5...7, 2): return .invalidateAll
    case (3, 1), (5...7, 1), (3, 3), (5...7, 3): return .invalidatePage(value & ~4095)
    default: return .undefined
    }
  }

  /// How the guest translates.
  public func regime(domains: UInt32) -> TranslationRegime {
    TranslationRegime(
      control: control, table0: table0, table1: table1, tableControl: tableControl, domains: domains)
  }

  /// What tells an address space from others.
  public var spaceKey: UInt32 { table0 & ~0x3FFF | context & 0xFF }

  /// PAR for what an access found.
  public mutating func setPhysicalAddress(_ result: Result<GuestPage, TranslationFault>) {
    switch result {
    // Normal memory, write-back, shareable.
    case .success(let page): physicalAddress = page.physical & ~4095 | 0x8E
    case .failure(.fault(let status, _)): physicalAddress = status.rawValue &<< 1 | 1
    }
  }
}
