/// SCTLR (B4.1.130).
public enum ControlRegister {
  /// M, A, C, Z, I, V, TRE, AFE, TE: what a guest can change. EE is not among them.
  public static var writable: UInt32 { 0x7000_3807 }
  /// M, V, AFE and TE: with them changes what is at an address, or where exceptions go.
  public static var translating: UInt32 { 0x6000_2001 }
}

/// PAR for what an access found (B4.1.112): of a page normal memory, write-back, shareable.
public enum TranslationResult {
  public static func success(_ page: GuestPage) -> UInt32 { page.physical & ~4095 | 0x8E }
  public static func failure(_ fault: TranslationFault) -> UInt32 { fault.status.rawValue &<< 1 | 1 }
}
