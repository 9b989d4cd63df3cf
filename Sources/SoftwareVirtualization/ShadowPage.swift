// The descriptors of our own tables (short-descriptor format). Everything is normal memory, write-back, shareable.

/// Who may use the megabyte of a first-level entry: its domain.
public enum ShadowDomain {
  /// The hypervisor's own, and what is not there.
  public static var hypervisor: UInt32 { 0 }
  /// What the guest's kernel alone may use: closed while the guest is in User mode.
  public static var kernel: UInt32 { 1 }
  public static var user: UInt32 { 2 }
}

/// DACR, by what runs.
public enum DomainAccess {
  public static var kernel: UInt32 { user | 1 &<< (2 &* ShadowDomain.kernel) }
  public static var user: UInt32 {
    1 &<< (2 &* ShadowDomain.hypervisor) | 1 &<< (2 &* ShadowDomain.user)
  }
}

/// A shadow entry's content: what User mode, in which all of the guest runs, may do there.
struct ShadowPage {
  var physical: UInt32
  var writes: Bool
  var executes: Bool
  var isGlobal: Bool

  /// A section's descriptor: TEX 001, C, B, S; AP 11, and APX if it cannot be written.
  func section(_ domain: UInt32) -> UInt32 {
    let attributes: UInt32 = 0x1_1C0E | domain &<< 5
    return physical & 0xFFF0_0000 | attributes | (writes ? 0 : 1 &<< 15) | (isGlobal ? 0 : 1 &<< 17)
      | (executes ? 0 : 1 &<< 4)
  }

  /// A small page's.
  var smallPage: UInt32 {
    physical & ~4095 | 0x47E | (writes ? 0 : 1 &<< 9) | (isGlobal ? 0 : 1 &<< 11) | (executes ? 0 : 1)
  }
}

/// A first-level entry of ours.
struct ShadowSlot {
  let rawValue: UInt32

  var isEmpty: Bool { rawValue & 3 == 0 }
  var isTable: Bool { rawValue & 3 == 1 }
  var table: UInt32 { rawValue & ~1023 }
  var domain: UInt32 { rawValue &>> 5 & 15 }

  static func table(_ address: UInt32, _ domain: UInt32) -> UInt32 { address | domain &<< 5 | 1 }
}
