import Foundation

/// Finds the hypervisor's image.
enum HypervisorFile {
  static let defaultPath = "Firmware/.build/pocketvisor.aarch64.img"

  /// The file that the user named, or the one that `make build` left in this repository: above the
  /// current folder, or above this program.
  /// - Throws: `InputError` when there is none, or it cannot be started.
  static func locate(_ named: String?) throws -> String {
    let path = try named ?? search()
    _ = try KernelImage(InputFile(path: path))
    return path
  }

  private static func search() throws -> String {
    let program = Bundle.main.executableURL?.deletingLastPathComponent().path ?? "/"
    let starts = [FileManager.default.currentDirectoryPath, program]
    for path in starts.flatMap(candidates(above:)) where FileManager.default.fileExists(atPath: path) {
      return path
    }
    throw InputError(
      "no hypervisor at \(defaultPath); build it with `make build`, or name it with --hypervisor")
  }

  private static func candidates(above folder: String) -> [String] {
    var parts = folder.split(separator: "/")
    var candidates: [String] = []
    while !parts.isEmpty {
      candidates.append("/" + parts.joined(separator: "/") + "/" + defaultPath)
      parts.removeLast()
    }
    return candidates
  }
}
