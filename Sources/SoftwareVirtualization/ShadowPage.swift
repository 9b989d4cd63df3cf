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
///
/// Bits are numbers here, not conditions: the tables are made of them.
struct ShadowPage {
  private let physical: UInt32
  /// The same in all address spaces of the guest. Not so for the TLB: the hypervisor's own address space has other things
  /// there.
  let isGlobal: Bool
  /// APX and XN.
  private let isReadOnly: UInt32
  private let isData: UInt32

  /// - Parameter writes: 1 if it may be written, 0 if not.
  init(physical: UInt32, _ page: GuestPage, writes: UInt32) {
    self.physical = physical
    isReadOnly = writes ^ 1
    isGlobal = page.isGlobal
    isData = page.userBit & page.attributes &>> 4 ^ 1
  }

  var isWritable: Bool { isReadOnly == 0 }

  /// A section's descriptor: TEX 001, C, B, S, nG; AP 11, and APX if it cannot be written.
  func section(_ domain: UInt32) -> UInt32 {
    physical & 0xFFF0_0000 | 0x3_1C0E | domain &<< 5 | isReadOnly &<< 15 | isData &<< 4
  }

  /// A small page's.
  var smallPage: UInt32 {
    physical & ~4095 | 0xC7E | isReadOnly &<< 9 | isData
  }
}

extension GuestPage {
  /// 1 if the guest's User mode may do anything there.
  var userBit: UInt32 { attributes &>> 2 & 1 }

  /// All of the guest runs in User mode: its kernel gets what the guest's User mode may do, where that may anything.
  var shadowWriteBit: UInt32 { attributes &>> (1 &+ 2 &* userBit) & 1 }
  var shadowWrites: Bool { shadowWriteBit != 0 }
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
