import Appliance

extension BoardTree {
  /// Whether some node has this property with a value that begins so; both end in a zero.
  static func has(_ name: StaticString, _ value: StaticString) -> Bool {
    property { $0.hasPrefix(name, at: $1.name) && $0.hasPrefix(value, at: $1.value) } != nil
  }

  /// The first cell of a property, whose name ends in a zero; 0 where there is none.
  public static func cell(_ name: StaticString) -> UInt32 {
    guard let found = property(where: { $0.hasPrefix(name, at: $1.name) }) else { return 0 }
    return found.blob.cell(at: found.property.value)
  }
}
