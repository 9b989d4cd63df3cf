import Appliance
import Foundation

/// A node of a device tree, as a value: built to be written, or read from a blob.
public struct DeviceTreeNode: Equatable, Sendable {
  /// A property. `offset` says where in the blob its value stood when it was read, else 0.
  public struct Property: Equatable, Sendable {
    public var name: String
    public var value: [UInt8]
    public var offset = 0
  }

  /// Name with unit address; empty for the root.
  public var name: String
  public var properties: [Property] = []
  public var children: [DeviceTreeNode] = []

  public init(_ name: String) {
    self.name = name
  }

  // MARK: Building

  /// A property without a value.
  public mutating func set(_ name: String) {
    set(name, bytes: [])
  }

  public mutating func set(_ name: String, bytes: [UInt8]) {
    properties.append(Property(name: name, value: bytes))
  }

  /// A list of strings, each ended by a zero.
  public mutating func set(_ name: String, _ strings: String...) {
    set(name, bytes: strings.flatMap { Array($0.utf8) + [0] })
  }

  /// 32-bit cells, big-endian.
  public mutating func set(_ name: String, cells: [UInt32]) {
    set(name, bytes: cells.flatMap { cell in (0..<4).map { UInt8(truncatingIfNeeded: cell >> (24 - 8 * $0)) } })
  }

  /// 64-bit numbers of two cells each, as in a `reg` below `#address-cells = <2>`.
  public mutating func set(_ name: String, numbers: [UInt64]) {
    set(name, cells: numbers.flatMap { [UInt32($0 >> 32), UInt32(truncatingIfNeeded: $0)] })
  }

  // MARK: Reading

  public func property(_ name: String) -> Property? {
    properties.first { $0.name == name }
  }

  /// The first string of a property, without its zero.
  public func string(_ name: String) -> String? {
    strings(name).first
  }

  public func strings(_ name: String) -> [String] {
    guard let value = property(name)?.value, !value.isEmpty else { return [] }
    return value.split(separator: 0, omittingEmptySubsequences: false).dropLast().map {
      String(decoding: $0, as: UTF8.self)
    }
  }

  /// The cell at `index` of a property.
  public func cell(_ name: String, _ index: Int = 0) -> UInt32? {
    guard let value = property(name)?.value, value.count >= 4 * (index + 1) else { return nil }
    return value[4 * index..<4 * index + 4].reduce(0) { $0 << 8 | UInt32($1) }
  }

  /// The number in `cells` cells of a property; 0 where it has not so many.
  func number(_ name: String, _ start: Int, cells: Int) -> UInt64 {
    (0..<cells).reduce(0) { $0 << 32 | UInt64(cell(name, start + $1) ?? 0) }
  }

  /// The node at a path of names below this one; `chosen`, `images/phone`.
  public func node(_ path: String) -> DeviceTreeNode? {
    path.split(separator: "/").reduce(self as DeviceTreeNode?) { node, name in
      node?.children.first { $0.name == name }
    }
  }
}
