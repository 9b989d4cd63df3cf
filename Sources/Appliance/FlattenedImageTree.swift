// A device image is a FIT: a device tree whose `/images` name pieces of data behind the tree.

/// Where a piece of a flattened image tree lies.
public struct ImagePlace {
  /// Counted from the first byte of the FIT, in bytes (`data-position`).
  public var offset: UInt64 = 0
  /// In bytes (`data-size`); 0 where there is no such piece.
  public var size: UInt64 = 0
}

extension DeviceTree {
  /// Finds the image node with this name, two levels below the root.
  public mutating func findImage(_ name: DeviceTreeName) -> ImagePlace {
    var place = ImagePlace()
    var depth = 0
    var isFound = false
    while true {
      switch next() {
      case .beginNode(let node):
        depth &+= 1
        isFound = depth == 3 && blob.name(at: node) == name
      case .endNode:
        depth &-= 1
        if place.size != 0 { return place }
      case .property(let property):
        guard isFound else { continue }
        let number = blob.number(at: property.value, cells: property.length &>> 2)
        switch blob.name(at: property.name) {
        case .dataPosition: place.offset = number
        case .dataSize: place.size = number
        default: break
        }
      case .end, .malformed: return place
      }
    }
  }
}
