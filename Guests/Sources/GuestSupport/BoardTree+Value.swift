import Appliance
import GuestMachine

extension BoardTree {
  /// Where the value of the first property of this name lies in memory; the name ends in a zero.
  public static func value(_ name: StaticString) -> Range<UInt64>? {
    guard let property = property(where: { $0.hasPrefix(name, at: $1.name) })?.property else { return nil }
    let start = device_tree_address() + UInt64(property.value)
    return start..<start + UInt64(property.length)
  }
}
