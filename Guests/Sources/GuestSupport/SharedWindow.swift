// Memory that this VM shares with others. They may change it at any time: what is to be trusted is read once.

import Appliance
import GuestMachine

public struct SharedWindow {
  /// In this guest's own translation; see `map`.
  public let base: UInt64
  /// In bytes.
  public let size: UInt64

  /// The first window of the device tree; with `writable`, the first that may be written.
  ///
  /// - Parameter compatible: what its node is compatible with, and a zero.
  public static func first(
    writable: Bool = false, compatible: StaticString = "pocketvisor,shared-window\0"
  ) -> SharedWindow? {
    guard var tree = BoardTree.walk() else { return nil }
    var node = WindowNode(wanted: compatible)
    while true {
      switch tree.next() {
      case .beginNode: node = WindowNode(wanted: compatible)
      case .property: node.read(tree.property, of: tree.blob)
      case .endNode where node.isWindow && !(writable && node.isReadOnly):
        return SharedWindow(base: map(node.base), size: node.size)
      case .end, .malformed: return nil
      default: continue
      }
    }
  }

  /// The guests' first GiB is mapped as device memory, which would not go through the caches as everybody
  /// else's accesses do: here it appears a second time, as normal memory that is never executed.
  private static func map(_ address: UInt64) -> UInt64 {
    let entry: UInt64 = 16  // the first that entry.S leaves free
    write64(translation_table_address() + 8 * entry, 0x0060_0000_0000_0705)
    invalidate_translations()
    return entry << 30 + address
  }

  /// Whether that many bytes from there on lie inside; total for any numbers.
  public func contains(_ offset: UInt64, count: UInt64) -> Bool {
    count <= size && offset <= size &- count
  }

  public func byte(at offset: UInt64) -> UInt8 { read8(base &+ offset) }
  public func write(_ byte: UInt8, at offset: UInt64) { write8(base &+ offset, byte) }
}

/// What a node says, whether it is a window's or not.
private struct WindowNode {
  /// What a window's node is compatible with.
  let wanted: StaticString
  var isWindow = false
  var isReadOnly = false
  var base: UInt64 = 0
  var size: UInt64 = 0

  mutating func read(_ property: DeviceTreeProperty, of blob: Blob) {
    if blob.hasPrefix("compatible\0", at: property.name) {
      isWindow = blob.hasPrefix(wanted, at: property.value)
    } else if blob.hasPrefix("read-only\0", at: property.name) {
      isReadOnly = true
    } else if blob.hasPrefix("reg\0", at: property.name) {
      base = blob.number(at: property.value, cells: 2)
      size = blob.number(at: property.value + 8, cells: 2)
    }
  }
}
