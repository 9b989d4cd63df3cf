// What of the guest's coprocessor 15 (Arm ARM DDI 0406C, B3.17) changes how it translates. Its other registers are the
// translator's.

/// What an MCR asks the hypervisor for.
public enum SystemEffect: Equatable, Sendable {
  /// The register does not exist.
  case undefined
  /// SCTLR is written.
  case control
  /// The guest's tables or its ASID are others now. The number says which register: TTBR0, TTBR1, TTBCR, CONTEXTIDR.
  case space(UInt32)
  case invalidateAll
  case invalidatePage
  /// The guest wants to know what an access would find: ATS1C, whose result is PAR.
  case translate(isWrite: Bool, isUser: Bool)

  /// - Parameter word: an MCR or MRC of coprocessor 15 or 14.
  public init(_ word: UInt32) {
    // CRn, opc1, CRm, opc2: four bits each.
    let name =
      (word &>> 16 & 15) &<< 12 | (word &>> 21 & 7) &<< 8 | (word & 15) &<< 4 | word &>> 5 & 7
    self = word & 0x0010_0F00 == 0x0F00 ? SystemEffect(ofWriting: name) : .undefined
  }

  private init(ofWriting name: UInt32) {
    switch name {
    case 0x1000: self = .control
    case 0x2000, 0x2001, 0x2002: self = .space(name & 3)
    case 0xD001: self = .space(3)
    case 0x7080...0x7083: self = .translate(isWrite: name & 1 != 0, isUser: name & 2 != 0)
    default: self = SystemEffect(ofInvalidating: name)
    }
  }

  /// c8: CRm says which TLB, 3 and 5 to 7; opc2 what of it: all, a page, an ASID, a page of every ASID (B3.18.7).
  private init(ofInvalidating name: UInt32) {
    guard name & 0xFF00 == 0x8000, 0xE8 &>> (name &>> 4 & 15) & 1 != 0, name & 15 < 4 else {
      self = .undefined
      return
    }
    self = name & 1 != 0 ? .invalidatePage : .invalidateAll
  }
}

/// SCTLR (B4.1.130).
public enum ControlRegister {
  /// Out of reset: MMU and caches off, vectors at 0; the bits that are ones.
  public static var reset: UInt32 { 0x00C5_0078 }
  /// M, A, C, Z, I, V, TRE, AFE, TE: what a guest can change. EE is not among them.
  public static var writable: UInt32 { 0x7000_3807 }
  /// M and AFE: with them changes what is at an address.
  public static var translating: UInt32 { 0x2000_0001 }
}

/// PAR for what an access found (B4.1.112): of a page normal memory, write-back, shareable.
public enum TranslationResult {
  public static func success(_ page: GuestPage) -> UInt32 { page.physical & ~4095 | 0x8E }
  public static func failure(_ fault: TranslationFault) -> UInt32 { fault.status.rawValue &<< 1 | 1 }
}
