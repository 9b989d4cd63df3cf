import Appliance
import ArgumentParser

extension KernelForm.Format: ExpressibleByArgument {}
extension Architecture: ExpressibleByArgument {}

/// `pocketvisor pack`: writes an appliance.
struct PackCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "pack",
    abstract: "Pack kernel, ramdisk and settings of one VM into an appliance.",
    discussion: """
      The appliance is a FIT file; a phone.yaml names it as `appliance:` and needs to say nothing else.

      Example:
        pocketvisor pack --kernel Image --ramdisk initrd.gz --memory 256MiB --cpus 2 --output work.fit
      """)

  @Option(help: ArgumentHelp("The kernel.", valueName: "file"))
  var kernel: String

  @Option(
    help: ArgumentHelp(
      "image: an arm64 Image or an ARM zImage; raw: loaded to and entered at 0x40200000.", valueName: "format"))
  var kernelFormat = KernelForm.Format.image

  @Option(
    help: ArgumentHelp(
      "arm64, or arm: 32-bit (default: what the kernel's header says, or arm64).", valueName: "name"))
  var architecture: Architecture?

  @Option(help: ArgumentHelp("A ramdisk.", valueName: "file"))
  var ramdisk: String?

  @Option(help: ArgumentHelp("The kernel's command line.", valueName: "text"))
  var cmdline: String?

  @Option(help: ArgumentHelp("Memory, such as 256MiB.", valueName: "size"))
  var memory: MemorySize?

  @Option(help: ArgumentHelp("Number of virtual CPUs.", valueName: "n"))
  var cpus: Int?

  @Option(help: ArgumentHelp("0 to 255; a higher one is served first.", valueName: "n"))
  var priority: Int?

  @Option(name: .shortAndLong, help: ArgumentHelp("The file to write.", valueName: "file"))
  var output: String

  func run() throws {
    // The manifest is read back before it is written: one set of rules for it and for phone.yaml.
    let settings = MachineSettings(commandLine: cmdline, memory: memory, cpus: cpus, priority: priority)
    let said = ApplianceManifest(
      settings: settings, form: KernelForm(kernelFormat, architecture: architecture))
    let manifest = try ApplianceManifest(parsing: said.text(), of: output)
    let appliance = ApplianceFile(
      kernel: try InputFile(path: kernel), ramdisk: try ramdisk.map(InputFile.init(path:)), manifest: manifest)
    let tree = try appliance.imageTree()
    try OutputFile.replace(output) { try tree.write(to: $0) }
    print("\(output): appliance, \(MemorySize(bytes: UInt64(tree.size)).roundedDescription)")
  }
}
