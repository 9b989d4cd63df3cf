// A device image is a FIT: a device tree whose `/images` name pieces of data behind the tree.

/// Finds pieces of a flattened image tree.
public enum FlattenedImageTree {
  /// Where a piece of data lies, counted from the first byte of the FIT, in bytes.
  public struct Place {
    public var offset: UInt64
    public var size: UInt64
  }

  /// Finds the image `/images/<name>`.
  /// - Parameter name: with its terminating zero.
  public static func find(_ name: StaticString, in tree: DeviceTree) -> Place? {
    var tree = tree
    var depth = 0
    var isInImages = false
    var isFound = false
    var place = Place(offset: 0, size: 0)
    while true {
      switch tree.next() {
      case .beginNode(let node):
        depth &+= 1
        if depth == 2 { isInImages = tree.blob.hasPrefix("images\0", at: node) }
        if depth == 3 { isFound = isInImages && tree.blob.hasPrefix(name, at: node) }
      case .endNode:
        if depth == 3, isFound { return place }
        depth &-= 1
      case .property(let property):
        guard depth == 3, isFound else { continue }
        let number = tree.blob.number(at: property.value, cells: property.length / 4)
        if tree.blob.hasPrefix("data-position\0", at: property.name) { place.offset = number }
        if tree.blob.hasPrefix("data-size\0", at: property.name) { place.size = number }
      case .end, .malformed: return nil
      }
    }
  }
}
