import ArgumentParser

/// The command `pocketvisor`; each verb is a file beside this one.
public struct PocketvisorCommand: ParsableCommand {
  public static let configuration = CommandConfiguration(
    commandName: "pocketvisor",
    abstract: "Builds phones out of virtual machines, and runs them.",
    discussion: """
      A phone.yaml describes a phone; a smallest one is

        vms:
          work: { kernel: Image, ramdisk: initrd.gz, memory: 256MiB, cpus: 2 }

      Start with `pocketvisor new`, then `pocketvisor run phone.yaml`.
      """,
    version: "0.1.0",
    subcommands: [
      NewCommand.self, PackCommand.self, ImageCommand.self, InspectCommand.self, VerifyCommand.self,
      DiskCommand.self, RunCommand.self, SmokeCommand.self, ScreenshotCommand.self,
    ])

  public init() {}
}
