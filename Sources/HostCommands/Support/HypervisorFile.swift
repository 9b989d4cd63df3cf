import Foundation

/// Finds the hypervisor's image.
enum HypervisorFile {
  /// The file that the user named, or the one that `make build` left in this repository: above the
  /// current folder, or above this program.
  /// - Parameter generation: of the board's interrupt controller; there is an image for each.
  /// - Throws: `InputError` when there is none, or it cannot be started.
  static func locate(_ named: String?, generation: Int) throws -> String {
    let path = try named ?? search(for: defaultPath(generation: generation))
    _ = try KernelImage(InputFile(path: path))
    return path
  }

  static func defaultPath(generation: Int) -> String {
    "Firmware/.build/pocketvisor.aarch64\(generation == 2 ? "-gicv2" : "").img"
  }

  private static func search(for file: String) throws -> String {
    let program = Bundle.main.executableURL?.deletingLastPathComponent().path ?? "/"
    let starts = [FileManager.default.currentDirectoryPath, program]
    for path in starts.flatMap({ candidates(file, above: $0) })
    where FileManager.default.fileExists(atPath: path) {
      return path
    }
    throw InputError("no hypervisor at \(file); build it with `make build`, or name it with --hypervisor")
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
