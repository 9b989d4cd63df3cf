import Appliance
import Foundation

extension DeviceTreeNode {
  /// Deeper trees than this are refused: nothing that we read is, and values nest on the stack.
  private static let depthLimit = 32

  /// Reads the tree at the start of `file`, with the device's own reader.
  /// - Throws: `InputError` when there is none, or it is damaged.
  public init(reading file: InputFile) throws {
    self = try file.withBlob { blob in
      if let total = DeviceTree.totalSize(of: blob), total > blob.count {
        throw InputError(
          "\(file.path): cut short: its device tree has \(total) bytes, the file \(blob.count)")
      }
      var tree = DeviceTree(blob)
      guard tree.readHeader() else {
        throw InputError("\(file.path): is no device tree or FIT image")
      }
      guard let root = Self.read(tree) else {
        throw InputError("\(file.path): its device tree is damaged")
      }
      return root
    }
  }

  /// Walks the whole tree; nil when it is malformed.
  static func read(_ tree: DeviceTree) -> DeviceTreeNode? {
    var walk = tree
    // The first element stands above the root and collects it.
    var open = [DeviceTreeNode("")]
    while open.count <= depthLimit {
      switch walk.next() {
      case .beginNode: open.append(DeviceTreeNode(walk.blob.string(at: walk.value)))
      case .property: open[open.count - 1].properties.append(Property(of: walk))
      case .endNode:
        let closed = open.removeLast()
        open[open.count - 1].children.append(closed)
      case .end: return open[0].children.count == 1 ? open[0].children[0] : nil
      case .malformed: return nil
      }
    }
    return nil
  }
}

extension DeviceTreeNode.Property {
  /// The property that a walk has come to.
  init(of walk: DeviceTree) {
    name = walk.blob.string(at: walk.propertyName)
    value = (0..<walk.length).map { walk.blob.byte(at: walk.value + $0) }
    offset = walk.value
  }
}

extension Blob {
  /// The string at `offset`, up to its zero or the end of the blob.
  func string(at offset: Int) -> String {
    var bytes: [UInt8] = []
    while case let byte = byte(at: offset + bytes.count), byte != 0 { bytes.append(byte) }
    return String(decoding: bytes, as: UTF8.self)
  }
}

extension InputFile {
  /// Lends the file's bytes to the device's readers.
  func withBlob<Result>(_ body: (Blob) throws -> Result) rethrows -> Result {
    try data.withUnsafeBytes { bytes in
      guard let base = bytes.baseAddress else {
        return try withUnsafeBytes(of: 0) { try body(Blob(base: $0.baseAddress!, count: 0)) }
      }
      return try body(Blob(base: base, count: bytes.count))
    }
  }
}
