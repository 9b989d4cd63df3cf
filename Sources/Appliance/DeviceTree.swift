// A reader of flattened device trees (Devicetree Specification 0.4, chapter 5): the board's own tree, and
// the FIT that holds the device image. It never allocates and never traps: a read outside the blob answers
// zero, which no tree structure accepts, so every walk over hostile bytes ends in `.malformed`.

/// Bytes that somebody else wrote, read one after the other. Every read is total: outside of the blob there are zeros.
@safe public struct Blob {
  private let base: UnsafeRawPointer
  /// Bytes that may be read.
  public let count: Int
  /// Where the next read begins.
  public var position = 0

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

  /// The next big-endian 32-bit cell, or 0 outside of the blob or at an unaligned position.
  @inline(never) public mutating func cell() -> UInt32 {
    let offset = position
    position = offset &+ 4
    guard offset >= 0, offset & 3 == 0, offset <= count &- 4 else { return 0 }
    // In bounds and aligned by the guard.
    return UInt32(bigEndian: unsafe base.load(fromByteOffset: offset, as: UInt32.self))
  }

  /// The number in the next `cells` 32-bit cells; of more than two, what the last two say.
  @inline(never) public mutating func number(cells: UInt8) -> UInt64 {
    var value: UInt64 = 0
    var rest = cells
    while rest != 0 {
      value = value &<< 32 | UInt64(cell())
      rest &-= 1
    }
    return value
  }

  /// A cell that is an offset or a size.
  mutating func offset() -> Int { Int(clamping: cell()) }
}

/// One step of a walk through the structure block.
public enum DeviceTreeEvent {
  /// A node begins: `name` is its own, with its unit address, and `value` is where that lies.
  case beginNode
  case endNode
  /// A property: `name`, `value` and `length` are its own, and `blob.position` is at its value.
  case property
  /// The whole tree was walked.
  case end
  /// The structure block is damaged here.
  case malformed
}

/// Walks the structure block, event by event.
public struct DeviceTree {
  public static let magic: UInt32 = 0xD00D_FEED
  /// The arm64 boot protocol allows device trees of up to 2 MiB.
  public static let sizeLimit = 2 << 20

  public var blob: Blob
  /// Nodes that have begun and not ended.
  public private(set) var depth = 0
  /// What the event brings: a name, and offset and bytes of a value, which lies inside of the blob.
  public private(set) var name = DeviceTreeName.unknown
  public private(set) var value = 0
  public private(set) var length = 0
  private var position = 0
  private var strings = 0
  private var end = 0

  /// - Parameter blob: with the header at its position.
  public init(_ blob: Blob) { self.blob = blob }

  /// Reads the header.
  /// - Returns: whether this is a device tree of version 16 or later, all inside of the blob. Otherwise there is nothing
  ///   to walk.
  public mutating func readHeader() -> Bool {
    let magic = blob.cell()
    let total = blob.offset()
    position = blob.offset()
    strings = blob.offset()
    _ = blob.cell()
    let version = blob.cell()
    let compatibleVersion = blob.cell()
    blob.position = 36
    let end = position &+ blob.offset()
    guard magic == Self.magic, compatibleVersion <= 17, version >= 16, total <= blob.count,
      end >= position,
      end <= total, strings < total, position & 3 == 0
    else { return false }
    self.end = end
    return true
  }

  /// The size that a header claims, or nil where there is no device tree.
  public static func totalSize(of blob: Blob) -> Int? {
    var header = blob
    return header.cell() == magic ? header.offset() : nil
  }

  /// Goes to the memory reservation block: pairs of 64-bit address and size, ended by a pair of zeros.
  public mutating func goToReservations() {
    blob.position = 16
    blob.position = blob.offset()
  }

  /// Where the name of the property lies whose value is at `value`.
  public var propertyName: Int {
    var header = blob
    header.position = value &- 4
    return strings &+ header.offset()
  }

  /// The next event. After `.end` and `.malformed` it answers the same again.
  @inline(never) public mutating func next() -> DeviceTreeEvent {
    var event = DeviceTreeEvent.malformed
    while event == .malformed, position < end {
      blob.position = position
      let token = blob.cell()
      value = blob.position
      switch token {
      case 1:
        event = .beginNode
        name = blob.name()
        depth &+= 1
      case 2:
        event = .endNode
        depth &-= 1
      case 3:
        event = .property
        readProperty()
      case 4: break
      case 9: return depth == 0 ? .end : .malformed
      default: return .malformed
      }
      guard blob.position <= end, depth >= 0 else { return .malformed }
      position = (blob.position &+ 3) & ~3
      blob.position = value
    }
    return event
  }

  private mutating func readProperty() {
    length = blob.offset()
    let nameOffset = blob.offset()
    value = blob.position
    blob.position = strings &+ nameOffset
    name = blob.name()
    blob.position = value &+ length
  }
}
