/// The ramdisk of the repository's Debians with a folder `/test` added, whose file `start` runs once user space is up.
final class DebianRamdisk {
  var path: String { tree.product }
  private let tree: DebianTree

  /// - Parameter files: texts, by their names in `/test`.
  init(_ files: [String: String]) throws {
    tree = try DebianTree(for: "initrd.gz", files)
    // Linux unpacks one archive behind the other.
    try tree.make(
      by: "(cat \(DebianAssets.arm64.ramdisk); find . | cpio --quiet -o -H newc -R 0:0 | gzip) >\(path)")
  }
}

extension PhoneText {
  /// A Debian that runs the ramdisk's `/test/start`, with devices such as `entropy: true`.
  static func debian(_ name: String, running ramdisk: DebianRamdisk, devices: String) -> String {
    """
      \(name): { kernel: \(DebianAssets.arm64.kernel), ramdisk: \(ramdisk.path), memory: 128MiB, \
    cmdline: console=ttyAMA0 quiet pocketvisor.name=\(name) pocketvisor.run=/test/start, \
    devices: { \(devices) } }

    """
  }
}
