// Reads at any offset, for those who look for more than the hypervisor does.

extension Blob {
  /// The big-endian 32-bit cell at `offset`, or 0 outside of the blob or at an unaligned offset.
  public func cell(at offset: Int) -> UInt32 {
    var blob = at(offset)
    return blob.cell()
  }

  /// The number in the `cells` 32-bit cells at `offset`; of more than two, what the last two say.
  public func number(at offset: Int, cells: UInt8) -> UInt64 {
    var blob = at(offset)
    return blob.number(cells: cells)
  }

  /// The zero-terminated string at `offset` as a name.
  public func name(at offset: Int) -> DeviceTreeName {
    var blob = at(offset)
    return blob.name()
  }

  private func at(_ offset: Int) -> Blob {
    var blob = self
    blob.position = offset
    return blob
  }
}

/// A property: offsets into the blob. The value lies inside of the blob.
public struct DeviceTreeProperty {
  public let name: Int
  public let value: Int
  /// Bytes of the value.
  public let length: Int
}

extension DeviceTree {
  /// The property that a walk has come to.
  public var property: DeviceTreeProperty {
    DeviceTreeProperty(name: propertyName, value: value, length: length)
  }

  /// Begins a walk; nil when this is no device tree of version 16 or later, or its parts do not lie inside of the blob.
  public static func walk(_ blob: Blob) -> DeviceTree? {
    var tree = DeviceTree(blob)
    return tree.readHeader() ? tree : nil
  }
}
