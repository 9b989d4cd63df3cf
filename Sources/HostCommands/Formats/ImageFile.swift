import Appliance
import Crypto
import Foundation

/// A FIT file that was read and checked: every hash, the seal over its tree, its bounds.
public struct ImageFile: Sendable {
  /// An image of the FIT.
  public struct Entry: Sendable {
    public let name: String
    public let type: String
    public let description: String
    /// Where its data lies in the file.
    public let range: Range<Int>
    public let digest: [UInt8]
  }

  public let file: InputFile
  public let tree: DeviceTreeNode
  public let entries: [Entry]

  /// - Throws: `InputError` at the first thing that is wrong.
  public init(verifying file: InputFile) throws {
    self.file = file
    tree = try DeviceTreeNode(reading: file)
    guard let images = tree.node("images") else {
      throw InputError("\(file.path): is a device tree, but no FIT image")
    }
    try Self.checkSeal(of: tree, in: file)
    entries = try images.children.map { try Entry($0, in: file) }
    try checkGaps()
    for entry in entries { try checkHash(of: entry) }
  }

  public func entry(_ name: String) -> Entry? { entries.first { $0.name == name } }

  public func entry(type: String) -> Entry? { entries.first { $0.type == type } }

  /// The data of an image.
  public func data(of entry: Entry) -> Data {
    file.data.subdata(in: entry.range)
  }

  private static func checkSeal(of tree: DeviceTreeNode, in file: InputFile) throws {
    guard let seal = tree.property(ImageTree.sealName), seal.value.count == SHA256.byteCount else {
      throw InputError("\(file.path): was not written by pocketvisor, or is damaged: its tree has no seal")
    }
    var bytes = Data(file.data.prefix(file.treeSize))
    bytes.replaceSubrange(seal.offset..<seal.offset + seal.value.count, with: Data(count: seal.value.count))
    guard Array(SHA256.hash(data: bytes)) == seal.value else {
      throw InputError("\(file.path): is damaged: the hash of its tree does not match")
    }
  }

  private func checkHash(of entry: Entry) throws {
    guard Array(SHA256.hash(data: data(of: entry))) == entry.digest else {
      throw InputError("\(file.path): is damaged: the hash of `\(entry.name)` does not match")
    }
  }

  /// Between the data there are zeros, and behind the last nothing.
  private func checkGaps() throws {
    var end = file.treeSize
    for entry in entries.sorted(by: { $0.range.lowerBound < $1.range.lowerBound }) {
      guard entry.range.lowerBound >= end, file.data[end..<entry.range.lowerBound].allSatisfy({ $0 == 0 })
      else {
        throw InputError(
          "\(file.path): is damaged: there is something before `\(entry.name)` that does not belong there")
      }
      end = entry.range.upperBound
    }
    guard end == file.data.count else {
      throw InputError("\(file.path): has \(file.data.count - end) bytes too many at its end")
    }
  }
}

extension ImageFile.Entry {
  fileprivate init(_ node: DeviceTreeNode, in file: InputFile) throws {
    guard let position = node.cell("data-position"), let size = node.cell("data-size"),
      let hash = node.node("hash-1"), hash.string("algo") == "sha256",
      let digest = hash.property("value")?.value
    else { throw InputError("\(file.path): `\(node.name)` lacks its place, size or hash") }
    let end = Int(position) + Int(size)
    guard end <= file.data.count else {
      throw InputError(
        "\(file.path): cut short: `\(node.name)` ends at byte \(end), the file has \(file.data.count)")
    }
    guard position % UInt32(ImageTree.alignment) == 0 else {
      throw InputError("\(file.path): `\(node.name)` is not aligned")
    }
    name = node.name
    type = node.string("type") ?? "?"
    description = node.string("description") ?? ""
    range = Int(position)..<end
    self.digest = digest
  }
}

extension InputFile {
  /// Bytes of the device tree at the start of the file.
  var treeSize: Int { withBlob { DeviceTree.totalSize(of: $0) ?? 0 } }
}
