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

      Examples:
        pocketvisor image phone.yaml --output phone.fit
        pocketvisor image phone.yaml --board board.dtb --output phone.fit
      """)

  @Argument(help: "The phone's description.")
  var phone: String

  @Option(help: ArgumentHelp("The board's device tree (a .dtb file).", valueName: "file"))
  var board: String?

  @Option(help: ArgumentHelp("CPUs of QEMU's virt board.", valueName: "n"))
  var cpus = 2

  @Option(help: ArgumentHelp("Memory of QEMU's virt board.", valueName: "size"))
  var memory = MemorySize.mebibytes(1024)

  @Option(name: .shortAndLong, help: ArgumentHelp("The file to write.", valueName: "file"))
  var output: String

  func validate() throws {
    guard (1...PhoneLimits.physicalCPUs).contains(cpus) else {
      throw ValidationError("--cpus must be 1 to \(PhoneLimits.physicalCPUs)")
    }
  }

  func run() throws {
    let board =
      try board.map { try BoardDescription(reading: InputFile(path: $0)) } ?? .virt(cpus: cpus, memory: memory)
    let layout = try PhoneLayout(PhoneDescription(reading: InputFile(path: phone)), for: board)
    let image = try DeviceImage(layout)
    try OutputFile.replace(output) { try image.tree.write(to: $0) }
    print(
      """
      \(output): \(layout.machines.count) VMs for \(board.name) (\(board.cpus) CPUs, GICv\(board.interruptControllerGeneration), \
      \(board.memory.roundedDescription)), \(MemorySize(bytes: UInt64(image.tree.size)).roundedDescription)
      """)
  }
}
