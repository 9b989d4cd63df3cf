// A reader of flattened device trees (Devicetree Specification 0.4, chapter 5): the board's own tree, and
// the FIT that holds the device image. It never allocates and never traps: a read outside the blob answers
// zero, which no tree structure accepts, so every walk over hostile bytes ends in `.malformed`.

/// Bytes that somebody else wrote. Every read is total: outside of the blob there are zeros.
@safe public struct Blob {
  private let base: UnsafeRawPointer
  /// Bytes that may be read.
  public let count: Int

  /// - Parameter base: the first byte, 4-byte aligned; the bytes must outlive this value.
  public init(base: UnsafeRawPointer, count: Int) {
    unsafe self.base = unsafe base
    self.count = count
  }

  /// The byte at `offset`, or 0 outside of the blob.
  public func byte(at offset: Int) -> UInt8 {
    guard offset >= 0, offset < count else { return 0 }
    // In bounds by the guard.
    return unsafe base.load(fromByteOffset: offset, as: UInt8.self)
  }

  /// The big-endian 32-bit cell at `offset`, or 0 outside of the blob or at an unaligned offset.
  @inline(never) public func cell(at offset: Int) -> UInt32 {
    guard offset >= 0, offset & 3 == 0, offset <= count &- 4 else { return 0 }
    // In bounds and aligned by the guard.
    return UInt32(bigEndian: unsafe base.load(fromByteOffset: offset, as: UInt32.self))
  }

  /// A number of `cells` 32-bit cells (0…2) at `offset`.
  @inline(never) public func number(at offset: Int, cells: Int) -> UInt64 {
    var value: UInt64 = 0
    var position = offset
    for _ in 0..<min(cells, 2) {
      value = value &<< 32 | UInt64(cell(at: position))
      position &+= 4
    }
    return value
  }
}

/// One step of a walk through the structure block.
public enum DeviceTreeEvent {
  /// A node begins; its name (with unit address) is the string at this offset of the blob.
  case beginNode(name: Int)
  case endNode
  case property(DeviceTreeProperty)
  /// The whole tree was walked.
  case end
  /// The structure block is damaged here.
  case malformed
}

/// A property: offsets into the blob. The value lies inside of the blob.
public struct DeviceTreeProperty {
  public let name: Int
  public let value: Int
  /// Bytes of the value.
  public var length: Int

  public init(name: Int = 0, value: Int = 0, length: Int = 0) {
    self.name = name
    self.value = value
    self.length = length
  }
}

/// Walks the structure block, event by event.
public struct DeviceTree {
  public static let magic: UInt32 = 0xD00D_FEED
  /// The header's size (version 17), and so the least size of a blob.
  public static let headerSize = 40
  /// The arm64 boot protocol allows device trees of up to 2 MiB.
  public static let sizeLimit = 2 << 20

  public let blob: Blob
  private let strings: Int
  private let end: Int
  private var position: Int
  private var depth = 0

  /// Reads the header of a blob; nil when it is no device tree of version 16 or later, or its parts do not
  /// lie inside of it.
  public init?(_ blob: Blob) {
    func offset(_ field: Int) -> Int { Int(truncatingIfNeeded: min(blob.cell(at: field), 0x7FFF_FFFF)) }
    let total = offset(4)
    self.blob = blob
    strings = offset(12)
    position = offset(8)
    end = position &+ offset(36)
    guard blob.cell(at: 0) == Self.magic, blob.cell(at: 24) <= 17, blob.cell(at: 20) >= 16,
      total >= Self.headerSize, total <= blob.count, end >= position, end <= total, strings < total,
      position & 3 == 0
    else { return nil }
  }

  /// The size that a header claims, or nil where there is no device tree.
  public static func totalSize(of blob: Blob) -> Int? {
    blob.cell(at: 0) == magic ? Int(truncatingIfNeeded: blob.cell(at: 4) & 0x7FFF_FFFF) : nil
  }

  /// Offset of the memory reservation block: pairs of 64-bit address and size, ended by a pair of zeros.
  public var reservations: Int { Int(truncatingIfNeeded: blob.cell(at: 16) & 0x7FFF_FFFF) }

  /// The next event. After `.end` and `.malformed` it answers the same again.
  @inline(never) public mutating func next() -> DeviceTreeEvent {
    while position < end {
      let token = blob.cell(at: position)
      switch token {
      case 1: return beginNode()
      case 2:
        guard depth > 0 else { return .malformed }
        depth &-= 1
        position &+= 4
        return .endNode
      case 3: return property()
      case 4: position &+= 4
      case 9: return depth == 0 ? .end : .malformed
      default: return .malformed
      }
    }
    return .malformed
  }

  private mutating func beginNode() -> DeviceTreeEvent {
    let name = position &+ 4
    var scan = name
    while blob.byte(at: scan) != 0 { scan &+= 1 }
    guard scan < end else { return .malformed }
    position = (scan &+ 4) & ~3
    depth &+= 1
    return .beginNode(name: name)
  }

  private mutating func property() -> DeviceTreeEvent {
    let length = Int(truncatingIfNeeded: blob.cell(at: position &+ 4) & 0x7FFF_FFFF)
    let name = strings &+ Int(truncatingIfNeeded: blob.cell(at: position &+ 8) & 0x7FFF_FFFF)
    let value = position &+ 12
    guard length <= end &- value, name < blob.count else { return .malformed }
    position = (value &+ length &+ 3) & ~3
    return .property(DeviceTreeProperty(name: name, value: value, length: length))
  }
}
