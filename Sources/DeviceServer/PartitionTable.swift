// GUID partition tables (UEFI Specification 2.10, chapter 5.3). The disk may hold anything.

import Appliance
import Virtio

/// CRC-32 as in IEEE 802.3, piece by piece.
public struct CyclicRedundancyCheck {
  private var register: UInt32 = ~0

  public init() {}

  public var value: UInt32 { ~register }

  public mutating func add(_ byte: UInt8) {
    register ^= UInt32(byte)
    for _ in 0..<8 { register = register &>> 1 ^ (register & 1 == 0 ? 0 : 0xEDB8_8320) }
  }

  mutating func add(_ count: UInt64, of memory: MemoryView, at address: UInt64) {
    for offset in 0..<count { add(memory.load8(address &+ offset)) }
  }
}

/// A partition's blocks on the disk.
public struct Partition: Equatable, BitwiseCopyable {
  /// Logical block addresses.
  public var first: UInt64 = 0
  /// Blocks; 0: there is no partition.
  public var count: UInt64 = 0

  public init(first: UInt64 = 0, count: UInt64 = 0) {
    self.first = first
    self.count = count
  }
}

/// The header of a partition table.
public struct PartitionTable {
  /// "EFI PART"
  static let signature: UInt64 = 0x5452_4150_2049_4645
  /// Bytes of entries that are read at most.
  static let sizeLimit: UInt64 = 64 << 10
  static let nameLimit = 36

  /// Where the entries begin.
  let entriesBlock: UInt64
  let entryCount: UInt64
  /// Bytes.
  let entrySize: UInt64
  private let check: UInt32
  private let firstUsable: UInt64
  private let lastUsable: UInt64

  /// - Parameters:
  ///   - block: block 1 of the disk, from address 0 on.
  ///   - blocks: of the whole disk.
  /// - Returns: nil where it is no sound header.
  init?(_ block: MemoryView, blocks: UInt64) {
    let headerSize = UInt64(block.load32(12))
    entriesBlock = block.load64(72)
    entryCount = UInt64(block.load32(80))
    entrySize = UInt64(block.load32(84))
    check = block.load32(88)
    firstUsable = block.load64(40)
    lastUsable = block.load64(48)
    guard block.load64(0) == Self.signature, headerSize >= 92, headerSize <= block.size,
      Self.headerCheck(block, size: headerSize) == block.load32(16),
      entrySize >= 128, entrySize <= 4096, entrySize & (entrySize &- 1) == 0,
      entryCount <= Self.sizeLimit / entrySize, firstUsable > 1, firstUsable <= lastUsable,
      lastUsable < blocks, entriesBlock > 1, entriesBlock < blocks
    else { return nil }
  }

  /// The header's own sum, computed with a zero in its place.
  private static func headerCheck(_ block: MemoryView, size: UInt64) -> UInt32 {
    var check = CyclicRedundancyCheck()
    check.add(16, of: block, at: 0)
    for _ in 0..<4 { check.add(0) }
    check.add(size &- 20, of: block, at: 20)
    return check.value
  }

  /// Bytes of all entries.
  var size: UInt64 { entryCount &* entrySize }

  /// Whether the sum of all entries is this.
  func matches(_ check: CyclicRedundancyCheck) -> Bool { check.value == self.check }

  /// The blocks of the entry at `address`, if it is in use and lies where partitions may.
  func partition(_ entries: MemoryView, at address: UInt64) -> Partition? {
    let isUsed = entries.load64(address) | entries.load64(address &+ 8) != 0
    let first = entries.load64(address &+ 32)
    let last = entries.load64(address &+ 40)
    guard isUsed, first >= firstUsable, first <= last, last <= lastUsable else { return nil }
    return Partition(first: first, count: last &- first &+ 1)
  }

  /// Whether the entry at `address` has this name, in ASCII.
  static func hasName(_ entries: MemoryView, at address: UInt64, _ name: TreeText, in tree: Blob) -> Bool {
    guard name.length > 0, name.length <= nameLimit else { return false }
    for index in 0..<nameLimit {
      let unit = entries.load16(address &+ 56 &+ UInt64(index) &* 2)
      let expected = index < name.length ? tree.byte(at: name.offset &+ index) : 0
      guard unit == UInt16(expected) else { return false }
      if unit == 0 { break }
    }
    return true
  }
}
