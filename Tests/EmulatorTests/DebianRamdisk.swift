/// The ramdisk of the repository's Debians with a folder `/test` added, whose file `start` runs once user space is up.
final class DebianRamdisk {
  var path: String { tree.product }
  let assets: DebianAssets
  private let tree: DebianTree

  /// - Parameter files: texts, by their names in `/test`.
  init(_ files: [String: String], of assets: DebianAssets = .arm64) throws {
    self.assets = assets
    tree = try DebianTree(for: "initrd.gz", files)
    // Linux unpacks one archive behind the other.
    try tree.make(
      by: "(cat \(assets.ramdisk); find . | cpio --quiet -o -H newc -R 0:0 | gzip) >\(path)")
  }
}

extension PhoneText {
  /// A Debian that runs the ramdisk's `/test/start`, with devices such as `entropy: true`.
  static func debian(_ name: String, running ramdisk: DebianRamdisk, devices: String? = nil) -> String {
    let more = devices.map { ", devices: { \($0) }" } ?? ""
    return """
        \(name): { kernel: \(ramdisk.assets.kernel), ramdisk: \(ramdisk.path), memory: 128MiB, \
      cmdline: console=ttyAMA0 quiet pocketvisor.name=\(name) pocketvisor.run=/test/start\(more) }

      """
  }
}
