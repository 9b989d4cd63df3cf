import Appliance
import Crypto
import Foundation

/// A FIT (flattened image tree) to be written: a device tree of images and configurations, the data of the
/// images behind it.
public struct ImageTree: Sendable {
  /// One image: a node below `/images` and its data.
  public struct Image: Sendable {
    public var name: String
    public var description: String
    /// One of U-Boot's image types: `kernel`, `ramdisk`, `flat_dt`, `firmware`, `script`.
    public var type: String
    public var operatingSystem: String?
    /// Where U-Boot would load and enter it, for a kernel.
    public var loadAddress: UInt64?
    public var architecture: Architecture
    public let data: Data
    /// The SHA-256 of the data.
    public let digest: [UInt8]

    public init(
      _ name: String, _ description: String, type: String, operatingSystem: String? = nil,
      loadAddress: UInt64? = nil, architecture: Architecture = .arm64, data: Data
    ) {
      self.name = name
      self.description = description
      self.type = type
      self.operatingSystem = operatingSystem
      self.loadAddress = loadAddress
      self.architecture = architecture
      self.data = data
      digest = Array(SHA256.hash(data: data))
    }
  }

  /// One configuration: a node below `/configurations`; which image plays which part.
  public struct Configuration: Sendable {
    public var name: String
    public var description: String
    /// Part (`kernel`, `ramdisk`, `fdt`, `firmware`, `loadables`) and image.
    public var parts: [(part: String, image: String)]

    public init(_ name: String, _ description: String, parts: [(part: String, image: String)]) {
      self.name = name
      self.description = description
      self.parts = parts
    }
  }

  public var description: String
  public var images: [Image]
  public var configurations: [Configuration]
  /// When it was made, in seconds since 1970, which U-Boot's tools insist on.
  public var timestamp = UInt32(clamping: Int(Date().timeIntervalSince1970))

  /// Data begins at multiples of this, so that the device copies and maps whole pages.
  public static let alignment = 4096
  /// The property of the root that seals the tree: the SHA-256 of all bytes before the data, this value
  /// taken as zeros. The standard's `hash-1` nodes cover the data only.
  static let sealName = "pocketvisor,tree-sha256"

  public init(description: String, images: [Image], configurations: [Configuration]) {
    self.description = description
    self.images = images
    self.configurations = configurations
  }

  /// Where the data of each image begins, counted from the first byte of the FIT.
  public var positions: [Int] {
    positions(behind: root(positions: images.map { _ in 0 }).flattened().count)
  }

  private func positions(behind treeSize: Int) -> [Int] {
    var next = treeSize
    return images.map { image in
      let position = next.aligned(to: Self.alignment)
      next = position + image.data.count
      return position
    }
  }

  /// Bytes of the whole FIT.
  public var size: Int {
    guard let last = images.last, let position = positions.last else { return 0 }
    return position + last.data.count
  }

  /// Writes the FIT.
  /// - Throws: `InputError` when it is larger than its 32-bit positions can say.
  public func write(to handle: FileHandle) throws {
    try write { try handle.write(contentsOf: $0) }
  }

  /// The FIT's bytes.
  func data() throws -> Data {
    var data = Data(capacity: size)
    try write { data.append($0) }
    return data
  }

  private func write(_ put: (Data) throws -> Void) throws {
    guard size <= UInt32.max else { throw InputError("the image has more than 4 GiB") }
    let positions = positions
    var written = 0
    func append(_ data: Data, at position: Int) throws {
      if position > written { try put(Data(count: position - written)) }
      try put(data)
      written = position + data.count
    }
    try append(Data(sealedTree(positions: positions)), at: 0)
    for (image, position) in zip(images, positions) { try append(image.data, at: position) }
  }

  /// The tree with its seal.
  func sealedTree(positions: [Int]) throws -> [UInt8] {
    var tree = root(positions: positions).flattened()
    guard tree.count < DeviceTree.sizeLimit else { throw InputError("the image's tree has more than 2 MiB") }
    let blank = try DeviceTreeNode(reading: InputFile(path: "the image's tree", data: Data(tree)))
    guard let seal = blank.property(Self.sealName) else { preconditionFailure("the tree has no seal") }
    tree.replaceSubrange(seal.offset..<seal.offset + seal.value.count, with: Array(SHA256.hash(data: tree)))
    return tree
  }

  private func root(positions: [Int]) -> DeviceTreeNode {
    var root = DeviceTreeNode("")
    root.set("description", description)
    root.set("timestamp", cells: [timestamp])
    root.set("#address-cells", cells: [2])
    root.set(Self.sealName, bytes: Array(repeating: 0, count: SHA256.byteCount))
    var images = DeviceTreeNode("images")
    images.children = zip(self.images, positions).map { $0.node(position: $1) }
    var configurations = DeviceTreeNode("configurations")
    if let first = self.configurations.first { configurations.set("default", first.name) }
    configurations.children = self.configurations.map(\.node)
    root.children = [images, configurations]
    return root
  }
}

extension ImageTree.Image {
  fileprivate func node(position: Int) -> DeviceTreeNode {
    var node = DeviceTreeNode(name)
    node.set("description", description)
    node.set("type", type)
    node.set("arch", architecture.rawValue)
    if let operatingSystem { node.set("os", operatingSystem) }
    node.set("compression", "none")
    if let loadAddress {
      node.set("load", numbers: [loadAddress])
      node.set("entry", numbers: [loadAddress])
    }
    node.set("data-position", cells: [UInt32(position)])
    node.set("data-size", cells: [UInt32(data.count)])
    node.children = [hash]
    return node
  }

  private var hash: DeviceTreeNode {
    var node = DeviceTreeNode("hash-1")
    node.set("algo", "sha256")
    node.set("value", bytes: digest)
    return node
  }
}

extension ImageTree.Configuration {
  fileprivate var node: DeviceTreeNode {
    var node = DeviceTreeNode(name)
    node.set("description", description)
    for (part, image) in parts { node.set(part, image) }
    return node
  }
}

extension Int {
  /// Rounded up to a multiple of a power of two.
  func aligned(to unit: Int) -> Int { (self + unit - 1) & ~(unit - 1) }
}
