import Foundation

/// A file that the user named, mapped into memory.
public struct InputFile: Sendable {
  /// The path as the user wrote it, for messages.
  public let path: String
  public let data: Data

  /// - Throws: `InputError` that names the file when it is missing, no file, or unreadable.
  public init(path: String) throws {
    var isDirectory: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
      throw InputError("\(path): no such file")
    }
    guard !isDirectory.boolValue else { throw InputError("\(path): is a folder, not a file") }
    do {
      data = try Data(contentsOf: URL(fileURLWithPath: path), options: .alwaysMapped)
    } catch {
      throw InputError("\(path): cannot be read")
    }
    self.path = path
  }

  /// A file that exists only in memory.
  public init(path: String, data: Data) {
    self.path = path
    self.data = data
  }

  /// The path of `name` as a file that stands beside `path` would mean it.
  static func resolve(_ name: String, besides path: String) -> String {
    if name.hasPrefix("/") { return name }
    let folder = (path as NSString).deletingLastPathComponent
    return folder.isEmpty ? name : folder + "/" + name
  }
}
