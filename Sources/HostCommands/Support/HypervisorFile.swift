import Foundation

/// Finds the hypervisor's image.
enum HypervisorFile {
  /// The file that the user named, or the one that `make build` left in this repository: above the
  /// current folder, or above this program.
  /// - Parameters:
  ///   - generation: of the board's interrupt controller; there is an image for each.
  ///   - board: there is one image for all boards without virtualization extensions, too.
  /// - Throws: `InputError` when there is none, or it cannot be started.
  static func locate(_ named: String?, generation: Int, board: BoardModel = .virt) throws -> String {
    let path = try named ?? search(for: board == .virt ? defaultPath(generation: generation) : narrowPath)
    let file = try InputFile(path: path)
    let architecture = try KernelImage(file, form: KernelForm()).architecture
    guard architecture == (board == .virt ? .arm64 : .arm) else {
      throw InputError("\(path): is for \(architecture), but the board \(board.rawValue) is not")
    }
    return path
  }

  static let narrowPath = "Firmware/.build/pocketvisor.armv7.img"

  static func defaultPath(generation: Int) -> String {
    "Firmware/.build/pocketvisor.aarch64\(generation == 2 ? "-gicv2" : "").img"
  }

  private static func search(for file: String) throws -> String {
    let candidates = RepositoryFile.candidates(file)
    guard let path = candidates.first(where: { FileManager.default.fileExists(atPath: $0) }) else {
      throw InputError("no hypervisor at \(file); build it with `make build`, or name it with --hypervisor")
    }
    return path
  }
}
