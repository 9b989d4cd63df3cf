import Foundation

@testable import HostCommands

/// The ramdisk of the repository's Debians with a folder `/test` added, whose file `start` runs once user space is up.
final class DebianRamdisk {
  let path: String
  private let folder = NSTemporaryDirectory() + "/pocketvisor-ramdisk-\(UUID().uuidString)"

  /// - Parameter files: texts, by their names in `/test`.
  init(_ files: [String: String]) throws {
    path = folder + "/initrd.gz"
    try FileManager.default.createDirectory(atPath: folder + "/tree/test", withIntermediateDirectories: true)
    for (name, text) in files {
      try Data(text.utf8).write(to: URL(fileURLWithPath: folder + "/tree/test/" + name))
    }
    // Linux unpacks one archive behind the other.
    let script = """
      set -e; cd \(folder)/tree; chmod 755 test/*
      (cat \(DebianAssets.arm64.ramdisk); find . | cpio --quiet -o -H newc -R 0:0 | gzip) >\(path)
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
  /// A Debian that runs the ramdisk's `/test/start`, with devices such as `entropy: true`.
  static func debian(_ name: String, running ramdisk: DebianRamdisk, devices: String) -> String {
    """
      \(name): { kernel: \(DebianAssets.arm64.kernel), ramdisk: \(ramdisk.path), memory: 128MiB, \
    cmdline: console=ttyAMA0 quiet pocketvisor.name=\(name) pocketvisor.run=/test/start, \
    devices: { \(devices) } }

    """
  }
}
