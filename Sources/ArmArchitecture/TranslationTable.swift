// Stage-2 descriptors of the 4 KiB granule, Arm ARM D8.3.

/// The entries of stage-2 tables: levels 1 (1 GiB an entry), 2 (2 MiB) and 3 (4 KiB).
public enum StageTwo {
  /// What a mapping allows and how it is cached.
  public struct Attributes: Equatable, Sendable {
    public let rawValue: UInt64

    /// Normal write-back memory, inner shareable, read, write and execute.
    public static let memory = Attributes(rawValue: 0x7FC)
    /// Normal write-back memory that cannot be written.
    public static let readOnlyMemory = Attributes(rawValue: 0x77C)
    /// Device memory nGnRE, read and write, never executed.
    public static let device = Attributes(rawValue: 0x40_0000_0000_04C4)
  }

  /// log₂ of the bytes that an entry of `level` covers.
  public static func shift(level: UInt64) -> UInt64 { 39 &- 9 &* level }

  /// A leaf: a block at levels 1 and 2, a page at level 3.
  public static func leaf(_ address: UInt64, level: UInt64, _ attributes: Attributes) -> UInt64 {
    address | attributes.rawValue | (level == 3 ? 3 : 1)
  }

  /// An entry that names the next level's table.
  public static func table(_ address: UInt64) -> UInt64 { address | 3 }

  /// The table an entry names, or nil if it is none.
  public static func table(of entry: UInt64) -> UInt64? {
    entry & 3 == 3 ? entry & 0xFFFF_FFFF_F000 : nil
  }
}
