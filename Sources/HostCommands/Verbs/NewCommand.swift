import ArgumentParser
import Foundation

/// `pocketvisor new`: writes a commented phone.yaml.
struct NewCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "new",
    abstract: "Write a commented phone.yaml to start from.",
    discussion: """
      Example:
        pocketvisor new phone.yaml --kernel Image --ramdisk initrd.gz
      """)

  @Argument(help: "The file to write; it must not exist yet.")
  var output = "phone.yaml"

  @Option(help: ArgumentHelp("The kernel that both VMs start.", valueName: "file"))
  var kernel = "Image"

  @Option(help: ArgumentHelp("Their ramdisk.", valueName: "file"))
  var ramdisk = "initrd.gz"

  func run() throws {
    guard !FileManager.default.fileExists(atPath: output) else {
      throw InputError("\(output): exists already; name another file or remove it")
    }
    try OutputFile.replace(output) {
      try $0.write(contentsOf: Data(Self.text(kernel: kernel, ramdisk: ramdisk).utf8))
    }
    print("\(output): two VMs, work and personal; now `pocketvisor run \(output)`")
  }

  static func text(kernel: String, ramdisk: String) -> String {
    """
    # A phone for pocketvisor: `pocketvisor run phone.yaml` starts it on QEMU.
    # Paths are relative to this file.

    # windows: # memory that VMs share, 2MiB each, at most 8
    #   exchange: { write: [work], read: [personal] }

    vms: # at most 8; their order here is their number on the console (Ctrl-] 1, Ctrl-] 2, …)
      work: # a name: 1 to 15 of a-z, 0-9 and -
        kernel: \(kernel) # an arm64 kernel Image or an ARM zImage, unmodified
        ramdisk: \(ramdisk) # optional
        # kernel-format: raw # a kernel without an Image's header, entered at 0x40200000 (default: image)
        # architecture: arm # of a raw kernel: arm64 (default) or arm, which is 32-bit
        # appliance: work.fit # instead of these four: what `pocketvisor pack` wrote
        cmdline: "console=ttyAMA0"
        memory: 256MiB # a multiple of 2MiB
        cpus: 2 # virtual CPUs, 1 to 8 (default 1); at most 16 in all VMs together
        priority: 0 # 0 to 255 (default 0); a higher one is served first, and needs a budget below 100%
        # budget: 20% # of every CPU that it is on (default: no bound)
        # period: 10ms # that the budget is for: 1ms to 1000ms (default 10ms)
        # restart: on-failure # never, on-failure (default) or always;
        #                       with limit and delay: { policy: always, limit: 5, delay: 100ms }
        # calls: [personal] # VMs that it may send FF-A requests to
        # key: true # 32 random bytes in its device tree, fresh for every image, that no other VM has
        # ready: "login:" # what it prints once it is up, for `pocketvisor smoke`
        # placement: [0, 1] # the board's CPU for each virtual one (default: spread evenly)
        # devices: # what a VM with `role: device-server` serves to it
        #   disk: { partition: work.root, size: 256MiB, content: work.ext4 }
        #   network: true
        #   console: true
        #   entropy: true
        #   screen: { colour: "#1565C0" }

      personal:
        kernel: \(kernel)
        ramdisk: \(ramdisk)
        cmdline: "console=ttyAMA0"
        memory: 256MiB
        cpus: 2

    """
  }
}
