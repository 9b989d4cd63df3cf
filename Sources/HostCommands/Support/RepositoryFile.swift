import Foundation

/// Files of this repository, wherever the program was started from.
enum RepositoryFile {
  /// Where a file may be: above the current folder, or above this program.
  static func candidates(_ file: String) -> [String] {
    let program = Bundle.main.executableURL?.deletingLastPathComponent().path ?? "/"
    return [FileManager.default.currentDirectoryPath, program].flatMap { candidates(file, above: $0) }
  }

  private static func candidates(_ file: String, above folder: String) -> [String] {
    var parts = folder.split(separator: "/")
    var candidates: [String] = []
    while !parts.isEmpty {
      candidates.append("/" + parts.joined(separator: "/") + "/" + file)
      parts.removeLast()
    }
    return candidates
  }
}
