import Appliance
import ArgumentParser

/// `pocketvisor image`: writes the device image of a phone.
struct ImageCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "image",
    abstract: "Make the device image of a phone for a board.",
    discussion: """
      The device image is a FIT file that the boot loader hands to the hypervisor as its ramdisk. The board \
      is QEMU's virt, or the one whose device tree is named.

      With `--loader u-boot` the file holds the hypervisor too. U-Boot starts it, from wherever it was loaded \
      to in memory, by

        bootm ADDRESS#c ADDRESS#c $fdtcontroladdr

      Examples:
        pocketvisor image phone.yaml --output phone.fit
        pocketvisor image phone.yaml --board board.dtb --output phone.fit
        pocketvisor image phone.yaml --loader u-boot --output phone.itb
      """)

  @Argument(help: "The phone's description.")
  var phone: String

  @Option(help: ArgumentHelp("The board's device tree (a .dtb file).", valueName: "file"))
  var board: String?

  @Option(help: ArgumentHelp("CPUs of QEMU's virt board.", valueName: "n"))
  var cpus = 2

  @Option(
    help: ArgumentHelp(
      "Memory of QEMU's virt board (default: 1GiB), or of one without virtualization extensions whose device tree has none.",
      valueName: "size"))
  var memory: MemorySize?

  @Option(help: ArgumentHelp("Generation of virt's interrupt controller, 2 or 3.", valueName: "n"))
  var gic = 3

  @Option(
    help: ArgumentHelp(
      "direct: the device image alone; u-boot: with the hypervisor, for `bootm`.", valueName: "loader"))
  var loader = BootLoader.direct

  @Option(
    help: ArgumentHelp(
      "The hypervisor, for U-Boot (default: what `make build` built for the board's GIC).", valueName: "file"))
  var hypervisor: String?

  @Option(name: .shortAndLong, help: ArgumentHelp("The file to write.", valueName: "file"))
  var output: String

  func validate() throws {
    try VirtBoard.check(cpus: cpus, gic: gic)
  }

  func run() throws {
    let board =
      try board.map { try BoardDescription(reading: InputFile(path: $0), memory: memory) }
      ?? .virt(cpus: cpus, memory: memory ?? .mebibytes(1024), gic: gic)
    let layout = try PhoneLayout(PhoneDescription(reading: InputFile(path: phone)), for: board)
    let tree = try tree(DeviceImage(layout), for: board)
    try OutputFile.replace(output) { try tree.write(to: $0) }
    print(
      """
      \(output): \(layout.machines.count) VMs for \(board.name) (\(board.cpus) CPUs, GICv\(board.interruptControllerGeneration), \
      \(board.memory.roundedDescription)), \(MemorySize(bytes: UInt64(tree.size)).roundedDescription)
      """)
  }

  /// What the loader takes.
  private func tree(_ image: DeviceImage, for board: BoardDescription) throws -> ImageTree {
    switch loader {
    case .direct: return image.tree
    case .uBoot:
      guard board.hasVirtualizationExtensions else {
        throw InputError(
          "--loader u-boot is not for \(board.name), whose CPUs have no virtualization extensions")
      }
      let path = try HypervisorFile.locate(hypervisor, generation: board.interruptControllerGeneration)
      return try BootImage(hypervisor: InputFile(path: path), device: image, for: board).tree
    }
  }
}
