import ArgumentParser
import Foundation

/// What starts the hypervisor on a board.
public enum BootLoader: String, CaseIterable, ExpressibleByArgument, Sendable {
  /// A loader that takes a kernel and any file as its ramdisk, as QEMU does.
  case direct
  /// U-Boot, whose `booti` refuses a FIT as ramdisk: it gets both in one FIT, for `bootm`.
  case uBoot = "u-boot"
}

/// The FIT that U-Boot starts a phone from: the hypervisor is its kernel, the device image its ramdisk.
public struct BootImage: Sendable {
  public let tree: ImageTree

  static let hypervisorName = "hypervisor"
  static let deviceName = "device"
  /// Short, because it is typed: `bootm ADDRESS#c ADDRESS#c $fdtcontroladdr`.
  static let configurationName = "c"

  /// - Throws: `InputError` when the hypervisor is none, or the image too large.
  public init(hypervisor: InputFile, device: DeviceImage, for board: BoardDescription) throws {
    _ = try KernelImage(hypervisor)
    let parts = [("kernel", Self.hypervisorName), ("ramdisk", Self.deviceName)]
    tree = ImageTree(
      description: "Pocketvisor for U-Boot",
      images: [
        .init(
          Self.hypervisorName, "Hypervisor", type: "kernel", operatingSystem: "linux",
          loadAddress: Self.loadAddress(on: board), data: hypervisor.data),
        .init(
          Self.deviceName, "Device image", type: "ramdisk", operatingSystem: "linux",
          data: try device.tree.data()),
      ], configurations: [.init(Self.configurationName, "Hypervisor and phone", parts: parts)])
  }

  /// The second whole 2 MiB of the board's memory: firmware keeps things in the first.
  static func loadAddress(on board: BoardDescription) -> UInt64 {
    MemorySize(bytes: board.memoryBase).rounded(upTo: 2 << 20).bytes + 2 << 20
  }
}
