import Foundation

/// A GUID partition table (UEFI Specification 2.10, chapter 5) of a disk with blocks of 512 bytes.
public struct PartitionTable: Equatable, Sendable {
  /// A partition. Blocks count from the disk's first.
  public struct Partition: Equatable, Sendable {
    public var name: String
    public var firstBlock: UInt64
    public var blockCount: UInt64
    public var identifier = UUID()

    var offset: UInt64 { firstBlock * blockSize }
    var size: UInt64 { blockCount * blockSize }
    var lastBlock: UInt64 { firstBlock + blockCount - 1 }
  }

  /// Of the whole disk.
  public var blockCount: UInt64
  public var partitions: [Partition]
  public var identifier = UUID()

  public static let blockSize: UInt64 = 512
  /// Partitions begin at multiples of this many bytes.
  static let alignment: UInt64 = 1 << 20
  static let entrySize = 128
  static let entryCount = 128
  static let headerSize = 92
  /// Of an entry's name, in UTF-16 units.
  static let nameLength = 36
  /// Blocks that the entries take.
  static let entryBlocks = UInt64(entrySize * entryCount) / blockSize
  /// "EFI PART".
  static let signature = Array("EFI PART".utf8)
  /// Linux filesystem data (The Discoverable Partitions Specification).
  static let linuxData = UUID(uuidString: "0FC63DAF-8483-4772-8E79-3D69D8477DE4")!

  /// A disk just large enough for these partitions, one behind the other.
  /// - Parameter sizes: label and bytes of each.
  public init(_ sizes: [(name: String, bytes: UInt64)]) {
    var next = Self.alignment
    partitions = sizes.map { name, bytes in
      let size = MemorySize(bytes: bytes).rounded(upTo: Self.alignment).bytes
      defer { next += size }
      return Partition(name: name, firstBlock: next / Self.blockSize, blockCount: size / Self.blockSize)
    }
    blockCount = (next + Self.alignment) / Self.blockSize
  }

  /// Bytes of the whole disk.
  public var diskSize: UInt64 { blockCount * Self.blockSize }

  // MARK: Writing

  /// The disk's first blocks: protective master boot record, header, entries.
  var head: Data { protectiveRecord + header(at: 1, other: blockCount - 1, entries: 2) + entries }

  /// The disk's last blocks: the same again, the other way round.
  var tail: Data { entries + header(at: blockCount - 1, other: 1, entries: tailStart) }

  /// The block that `tail` begins at.
  var tailStart: UInt64 { blockCount - 1 - Self.entryBlocks }

  /// One partition of type 0xEE over the whole disk, or as much as it can say.
  private var protectiveRecord: Data {
    var record = Data(count: 446)
    record += [0, 0, 2, 0, 0xEE, 0xFF, 0xFF, 0xFF]
    record.append(littleEndian: UInt32(1))
    record.append(littleEndian: UInt32(clamping: blockCount - 1))
    return record + Data(count: 48) + [0x55, 0xAA]
  }

  private func header(at block: UInt64, other: UInt64, entries place: UInt64) -> Data {
    let blank = header(at: block, other: other, entries: place, checksum: 0)
    return header(at: block, other: other, entries: place, checksum: Checksum.crc32(blank))
      + Data(count: Int(Self.blockSize) - Self.headerSize)
  }

  private func header(at block: UInt64, other: UInt64, entries place: UInt64, checksum: UInt32) -> Data {
    var header = Data(Self.signature)
    for number in [0x1_0000, UInt32(Self.headerSize), checksum, 0] { header.append(littleEndian: number) }
    for number in [block, other, 2 + Self.entryBlocks, tailStart - 1] { header.append(littleEndian: number) }
    header += identifier.mixedEndian
    header.append(littleEndian: place)
    for number in [UInt32(Self.entryCount), UInt32(Self.entrySize), Checksum.crc32(entries)] {
      header.append(littleEndian: number)
    }
    return header
  }

  private var entries: Data {
    let used = partitions.reduce(into: Data()) { $0 += Self.entry($1) }
    return used + Data(count: Self.entrySize * Self.entryCount - used.count)
  }

  private static func entry(_ partition: Partition) -> Data {
    var entry = linuxData.mixedEndian + partition.identifier.mixedEndian
    for number in [partition.firstBlock, partition.lastBlock, 0] { entry.append(littleEndian: number) }
    for unit in partition.name.utf16.prefix(nameLength) { entry.append(littleEndian: unit) }
    return entry + Data(count: entrySize - entry.count)
  }
}

extension PartitionTable {
  /// Reads the table of a disk. Its first copy only: a disk of ours has no other damage than that of a file cut short.
  /// - Throws: `InputError` where there is none, or it contradicts itself.
  public init(reading disk: InputFile) throws {
    let size = Int(Self.blockSize)
    let header = disk.data.dropFirst(size).prefix(size)
    guard header.count == size, header.starts(with: Self.signature) else {
      throw InputError("\(disk.path): is no disk with a GUID partition table")
    }
    guard Self.isSound(header) else {
      throw InputError("\(disk.path): is damaged: the checksum of its partition table does not match")
    }
    blockCount = UInt64(disk.data.count) / Self.blockSize
    identifier = UUID(mixedEndian: header.dropFirst(56).prefix(16))
    let (place, count) = (header.number(at: 72, 8), header.number(at: 80, 4))
    guard place < blockCount, count <= 1024, header.number(at: 84, 4) == Self.entrySize else {
      throw InputError("\(disk.path): has a partition table of a kind that is not ours")
    }
    let start = Int(place) * size
    let entries = disk.data.dropFirst(start).prefix(Int(count) * Self.entrySize)
    guard entries.count == Int(count) * Self.entrySize, Checksum.crc32(entries) == header.number(at: 88, 4)
    else {
      throw InputError("\(disk.path): is damaged: the checksum of its partitions does not match")
    }
    partitions = (0..<Int(count)).compactMap { index in
      Partition(entry: entries.dropFirst(index * Self.entrySize).prefix(Self.entrySize))
    }
    guard partitions.allSatisfy({ $0.lastBlock < blockCount }) else {
      throw InputError("\(disk.path): is cut short: a partition ends behind its end")
    }
  }

  private static func isSound(_ header: Data) -> Bool {
    let size = Int(header.number(at: 12, 4))
    guard (headerSize...header.count).contains(size) else { return false }
    var blank = Data(header.prefix(size))
    blank.replaceSubrange(16..<20, with: Data(count: 4))
    return Checksum.crc32(blank) == header.number(at: 16, 4)
  }
}

extension PartitionTable.Partition {
  /// nil where the entry is not in use, or ends before it begins.
  fileprivate init?(entry: Data) {
    let (first, last) = (entry.number(at: 32, 8), entry.number(at: 40, 8))
    guard entry.prefix(16).contains(where: { $0 != 0 }), first > 0, last >= first else { return nil }
    let units = (0..<PartitionTable.nameLength).map { UInt16(entry.number(at: 56 + 2 * $0, 2)) }
    name = String(decoding: units.prefix { $0 != 0 }, as: UTF16.self)
    firstBlock = first
    blockCount = last - first + 1
    identifier = UUID(mixedEndian: entry.dropFirst(16).prefix(16))
  }
}

extension UUID {
  /// As partition tables have it: the first three fields little-endian (UEFI Specification 2.10, appendix A).
  fileprivate var mixedEndian: Data {
    let bytes = withUnsafeBytes(of: uuid) { Array($0) }
    return Data(Self.order.map { bytes[$0] })
  }

  /// - Parameter bytes: 16.
  fileprivate init(mixedEndian bytes: Data) {
    let bytes = Array(bytes)
    var value = UUID().uuid
    withUnsafeMutableBytes(of: &value) { target in
      for (to, from) in Self.order.enumerated() { target[from] = bytes[to] }
    }
    self.init(uuid: value)
  }

  private static let order = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15]
}

extension Data {
  fileprivate mutating func append(littleEndian number: some FixedWidthInteger) {
    Swift.withUnsafeBytes(of: number.littleEndian) { append(contentsOf: $0) }
  }

  /// The little-endian number in `count` bytes from an offset on.
  fileprivate func number(at offset: Int, _ count: Int) -> UInt64 {
    dropFirst(offset).prefix(count).reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }
}
