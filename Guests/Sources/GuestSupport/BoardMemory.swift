// The first bank of RAM, from the device tree.

import Appliance
import GuestMachine

public enum BoardMemory {
  /// First address and size in bytes of the memory node; 0 and 0 without one. Two cells each.
  public static func bank() -> (base: UInt64, size: UInt64) {
    guard let tree = UnsafeRawPointer(bitPattern: UInt(device_tree_address())),
      var walk = DeviceTree(Blob(base: tree, count: DeviceTree.sizeLimit))
    else { return (0, 0) }
    var isMemory = false
    while true {
      switch walk.next() {
      case .beginNode(let name): isMemory = walk.blob.hasPrefix("memory@", at: name)
      case .property(let property) where isMemory && walk.blob.hasPrefix("reg\0", at: property.name):
        return (
          walk.blob.number(at: property.value, cells: 2), walk.blob.number(at: property.value + 8, cells: 2)
        )
      case .end, .malformed: return (0, 0)
      default: continue
      }
    }
  }
}
