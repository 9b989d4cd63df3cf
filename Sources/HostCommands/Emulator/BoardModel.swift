import Appliance
import ArgumentParser
import Foundation

/// A board that QEMU can be: its own `virt`, or a real one whose CPUs have no virtualization extensions.
public enum BoardModel: String, CaseIterable, Sendable {
  case virt
  /// ARM's Versatile Express with a Cortex-A9.
  case vexpress = "vexpress-a9"
  /// Samsung's board for the Exynos 4210: two Cortex-A9.
  case smdkc210
  /// Allwinner A10: a Cortex-A8.
  case cubieboard

  /// The real boards' memory; `virt` has as much as is asked for.
  static let memory = MemorySize.mebibytes(1024)

  var program: String { self == .virt ? "qemu-system-aarch64" : "qemu-system-arm" }

  /// What phones are laid out for on a real board.
  var description: BoardDescription {
    BoardDescription(
      name: "QEMU \(rawValue)", memory: Self.memory, memoryBase: self == .vexpress ? 0x6000_0000 : 0x4000_0000,
      cpus: self == .smdkc210 ? 2 : 1, interruptControllerGeneration: 2, hasVirtualizationExtensions: false)
  }

  /// The arguments that make QEMU a real board.
  /// - Parameter deviceTree: path of the board's tree, which QEMU does not bring.
  func arguments(deviceTree: String) -> [String] {
    var arguments = ["-M", rawValue, "-m", "\(Self.memory.bytes >> 20)M", "-dtb", deviceTree]
    // Nobody listens to its sound.
    if self == .vexpress { arguments += ["-audiodev", "none,id=quiet", "-global", "pl041.audiodev=quiet"] }
    return arguments
  }

  /// The file of the tree in Debian's kernel package.
  private var treeFile: String {
    switch self {
    case .virt: ""
    case .vexpress: "vexpress-v2p-ca9.dtb"
    case .smdkc210: "exynos4210-smdkv310.dtb"
    case .cubieboard: "sun4i-a10-cubieboard.dtb"
    }
  }

  /// The tree that the user named, or the one of the kernel package that `make assets` fetched.
  /// - Throws: `InputError` when there is none.
  func locateTree(_ named: String?) throws -> String {
    if let named {
      _ = try InputFile(path: named)
      return named
    }
    let folder = ".cache/debian-armhf/unpacked"
    for place in RepositoryFile.candidates(folder) {
      let packages = (try? FileManager.default.contentsOfDirectory(atPath: place)) ?? []
      let files = packages.sorted().map { "\(place)/\($0)/usr/lib/\($0)/\(treeFile)" }
      if let file = files.first(where: { FileManager.default.fileExists(atPath: $0) }) { return file }
    }
    throw InputError(
      "no \(treeFile) in \(folder); fetch it with `make assets`, or name the board's tree with --device-tree")
  }
}

extension BoardModel: ExpressibleByArgument {}
