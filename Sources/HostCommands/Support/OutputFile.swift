import Foundation

/// Writes a file as a whole or not at all: what was there stays until the new content is complete.
public enum OutputFile {
  /// Calls `body` with a handle on a new file beside `path`, which then takes the place of `path`.
  /// - Throws: what `body` throws, or `InputError` when the file cannot be written; `path` is untouched then.
  public static func replace(_ path: String, _ body: (FileHandle) throws -> Void) throws {
    try refuseSpecial(path)
    let temporary = "\(path).new-\(ProcessInfo.processInfo.processIdentifier)"
    guard FileManager.default.createFile(atPath: temporary, contents: nil),
      let handle = FileHandle(forWritingAtPath: temporary)
    else { throw InputError("\(path): cannot be written") }
    do {
      try body(handle)
      try handle.synchronize()
      try handle.close()
    } catch {
      try? FileManager.default.removeItem(atPath: temporary)
      throw error is InputError
        ? error : InputError("\(path): cannot be written: \(error.localizedDescription)")
    }
    try rename(temporary, to: path)
  }

  /// A device or a folder is nothing to be replaced.
  private static func refuseSpecial(_ path: String) throws {
    let attributes = try? FileManager.default.attributesOfItem(atPath: path)
    guard let type = attributes?[.type] as? FileAttributeType, type != .typeRegular else { return }
    throw InputError("\(path): is no ordinary file, and stays as it is")
  }

  private static func rename(_ temporary: String, to path: String) throws {
    guard Foundation.rename(temporary, path) == 0 else {
      try? FileManager.default.removeItem(atPath: temporary)
      throw InputError("\(path): cannot be replaced: \(String(cString: strerror(errno)))")
    }
  }
}
