import Foundation

@testable import HostCommands

/// A file system that a Debian of ours starts from, made of busybox and Scripts/guest-init.
final class DebianDisk {
  let path: String
  private let folder = NSTemporaryDirectory() + "/pocketvisor-root-\(UUID().uuidString)"

  /// - Parameter mark: what the file `/mark` says.
  init(mark: String) throws {
    path = folder + "/root.ext4"
    let script = """
      set -e; PATH=$PATH:/sbin:/usr/sbin; mkdir -p \(folder)/tree; cd \(folder)/tree
      mkdir bin dev proc root run sbin sys tmp; echo \(mark) >mark
      install -m 755 \(Repository.path)/.cache/debian/unpacked/busybox-static/bin/busybox bin/busybox
      ln -s busybox bin/sh; install -m 755 \(Repository.path)/Scripts/guest-init sbin/init
      fakeroot mke2fs -q -t ext4 -J size=4 -m 0 -E root_owner=0:0 -d . \(path) 16M >/dev/null
      """
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/bash")
    process.arguments = ["-c", script]
    try process.run()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else { throw InputError("\(path): not made") }
  }

  deinit { try? FileManager.default.removeItem(atPath: folder) }
}

extension PhoneText {
  /// A Debian whose root is on a partition with its name.
  static func debian(_ name: String, on disk: DebianDisk, mebibytes: Int) -> String {
    """
      \(name): { kernel: \(Repository.kernel), ramdisk: \(Repository.ramdisk), memory: 128MiB, restart: always, \
    cmdline: console=ttyAMA0 quiet pocketvisor.name=\(name), \
    devices: { disk: { partition: \(name).root, size: \(mebibytes)MiB, content: \(disk.path) } } }

    """
  }
}
