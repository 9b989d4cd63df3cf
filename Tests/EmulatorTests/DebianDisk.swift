/// A file system that a Debian of ours starts from, made of busybox and Scripts/guest-init.
final class DebianDisk {
  var path: String { tree.product }
  /// What it was made for.
  let assets: DebianAssets
  /// What the kernel is told so that `/test/start` runs once user space is up; empty where there is no such file.
  let argument: String
  private let tree: DebianTree

  /// - Parameters:
  ///   - mark: what the file `/mark` says.
  ///   - files: texts, by their names in `/test`.
  init(mark: String, of assets: DebianAssets = .arm64, files: [String: String] = [:]) throws {
    self.assets = assets
    argument = files["start"] == nil ? "" : " pocketvisor.run=/test/start"
    tree = try DebianTree(for: "root.ext4", files)
    try tree.make(
      by: """
        PATH=$PATH:/sbin:/usr/sbin
        mkdir bin dev proc root run sbin sys tmp; echo \(mark) >mark
        install -m 755 \(assets.busybox) bin/busybox
        ln -s busybox bin/sh; install -m 755 \(Repository.path)/Scripts/guest-init sbin/init
        fakeroot mke2fs -q -t ext4 -J size=4 -m 0 -E root_owner=0:0 -d . \(path) 16M >/dev/null
        """)
  }
}

extension PhoneText {
  /// A Debian whose root is on a partition with its name.
  /// - Parameter more: devices and what is shared, such as `, network: true`.
  static func debian(_ name: String, on disk: DebianDisk, mebibytes: Int, more: String = "") -> String {
    """
      \(name): { kernel: \(disk.assets.kernel), ramdisk: \(disk.assets.ramdisk), memory: 128MiB, restart: always, \
    cmdline: console=ttyAMA0 quiet pocketvisor.name=\(name)\(disk.argument), \
    devices: { disk: { partition: \(name).root, size: \(mebibytes)MiB, content: \(disk.path) }\(more) } }

    """
  }
}
