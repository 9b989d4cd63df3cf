import Foundation

/// A folder that is gone with its last user.
final class TemporaryFolder {
  let path: String

  /// A new folder for temporary files.
  /// - Throws: `InputError` when there can be none.
  init() throws {
    var template = Array((NSTemporaryDirectory() + "/pocketvisor-XXXXXX").utf8CString)
    guard mkdtemp(&template) != nil else { throw InputError("no temporary folder to be had") }
    path = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
  }

  /// A folder that is there.
  init(path: String) {
    self.path = path
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }
}
