import Foundation

@testable import HostCommands

/// A folder with texts in `/test` that becomes one file of a Debian of ours; all of it is gone when this value is.
final class DebianTree {
  private let folder = NSTemporaryDirectory() + "/pocketvisor-debian-\(UUID().uuidString)"
  /// The file that is made of it.
  let product: String

  /// - Parameters:
  ///   - product: the file's name.
  ///   - files: texts, by their names in `/test`.
  init(for product: String, _ files: [String: String]) throws {
    self.product = folder + "/" + product
    let test = folder + "/tree/test"
    try FileManager.default.createDirectory(atPath: test, withIntermediateDirectories: true)
    for (name, text) in files { try Data(text.utf8).write(to: URL(fileURLWithPath: "\(test)/\(name)")) }
  }

  deinit { try? FileManager.default.removeItem(atPath: folder) }

  /// Makes the file by shell commands in the tree.
  func make(by commands: String) throws {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/bash")
    process.arguments = ["-c", "set -e; cd \(folder)/tree; chmod -R 755 test\n" + commands]
    try process.run()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else { throw InputError("\(product): not made") }
  }
}
