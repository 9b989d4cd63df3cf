// What the board's device tree says: the first bank of RAM, and any one property.

import Appliance
import GuestMachine

public enum BoardTree {
  /// The tree that the boot protocol handed over, which limits its size; `Blob` bounds every read.
  static func walk() -> DeviceTree? {
    UnsafeRawPointer(bitPattern: UInt(device_tree_address())).flatMap {
      DeviceTree.walk(Blob(base: $0, count: DeviceTree.sizeLimit))
    }
  }

  /// The first property, of any node, for which a condition holds.
  public static func property(
    where matches: (Blob, DeviceTreeProperty) -> Bool
  ) -> (blob: Blob, property: DeviceTreeProperty)? {
    guard var tree = walk() else { return nil }
    while true {
      switch tree.next() {
      case .property where matches(tree.blob, tree.property): return (tree.blob, tree.property)
      case .end, .malformed: return nil
      default: continue
      }
    }
  }
}

public enum BoardMemory {
  /// First address and size in bytes of the memory node; 0 and 0 without one. Two cells each.
  public static func bank() -> (base: UInt64, size: UInt64) {
    guard var walk = BoardTree.walk() else { return (0, 0) }
    var isMemory = false
    while true {
      switch walk.next() {
      case .beginNode: isMemory = walk.blob.hasPrefix("memory@", at: walk.value)
      case .property where isMemory && walk.blob.hasPrefix("reg\0", at: walk.propertyName):
        return (
          walk.blob.number(at: walk.value, cells: 2), walk.blob.number(at: walk.value + 8, cells: 2)
        )
      case .end, .malformed: return (0, 0)
      default: continue
      }
    }
  }
}
