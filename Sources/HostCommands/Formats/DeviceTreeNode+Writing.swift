extension DeviceTreeNode {
  /// The tree with this node as its root, as a blob of version 17 (Devicetree Specification 0.4, chapter 5).
  public func flattened() -> [UInt8] {
    var writer = DeviceTreeWriter()
    writer.write(self)
    return writer.finish()
  }
}

/// Lays out the blocks of a flattened device tree: header, reservations, structure, strings.
private struct DeviceTreeWriter {
  private enum Token: UInt32 {
    case beginNode = 1
    case endNode = 2
    case property = 3
    case end = 9
  }

  private var structure: [UInt8] = []
  private var strings: [UInt8] = []
  private var stringOffsets: [String: UInt32] = [:]

  mutating func write(_ node: DeviceTreeNode) {
    append(Token.beginNode.rawValue)
    appendPadded(Array(node.name.utf8) + [0])
    for property in node.properties { write(property) }
    for child in node.children { write(child) }
    append(Token.endNode.rawValue)
  }

  private mutating func write(_ property: DeviceTreeNode.Property) {
    append(Token.property.rawValue)
    append(UInt32(property.value.count))
    append(offset(of: property.name))
    appendPadded(property.value)
  }

  private mutating func offset(of name: String) -> UInt32 {
    if let known = stringOffsets[name] { return known }
    let offset = UInt32(strings.count)
    strings += Array(name.utf8) + [0]
    stringOffsets[name] = offset
    return offset
  }

  private mutating func append(_ cell: UInt32) {
    structure += cell.bigEndianBytes
  }

  private mutating func appendPadded(_ bytes: [UInt8]) {
    structure += bytes + Array(repeating: 0, count: -bytes.count & 3)
  }

  /// Header and blocks. No memory is reserved: the reservation block is one pair of zeros.
  mutating func finish() -> [UInt8] {
    append(Token.end.rawValue)
    let reservationsOffset: UInt32 = 40
    let structureOffset = reservationsOffset + 16
    let stringsOffset = structureOffset + UInt32(structure.count)
    let unpadded = Int(stringsOffset) + strings.count
    let total = UInt32((unpadded + 7) & ~7)
    let header: [UInt32] = [
      0xD00D_FEED, total, structureOffset, stringsOffset, reservationsOffset,
      17, 16, 0, UInt32(strings.count), UInt32(structure.count),
    ]
    let blocks = header.flatMap(\.bigEndianBytes) + Array(repeating: 0, count: 16) + structure + strings
    return blocks + Array(repeating: 0, count: Int(total) - unpadded)
  }
}

extension UInt32 {
  fileprivate var bigEndianBytes: [UInt8] {
    withUnsafeBytes(of: bigEndian) { Array($0) }
  }
}
