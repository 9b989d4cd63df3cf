import Appliance
import ArgumentParser

/// The options that say what QEMU is to be.
struct BoardArguments: ParsableArguments {
  @Option(help: ArgumentHelp("Number of the board's CPUs, 1 to 8 (default: 2).", valueName: "n"))
  var cpus: Int?

  @Option(
    help: ArgumentHelp("The board's memory, such as 1GiB (default: what the phone needs).", valueName: "size"))
  var memory: MemorySize?

  @Option(help: ArgumentHelp("QEMU's CPU model.", valueName: "model"))
  var cpu = "cortex-a57"

  @Flag(help: "Count instructions: one is 1 ns of the board's time, repeatably.")
  var icount = false

  @Option(help: ArgumentHelp("The hypervisor (default: the one that `make build` built).", valueName: "file"))
  var hypervisor: String?

  func validate() throws {
    if let cpus, !(1...PhoneLimits.physicalCPUs).contains(cpus) {
      throw ValidationError("--cpus must be 1 to \(PhoneLimits.physicalCPUs)")
    }
  }
}

/// What `--timeout` may be.
enum Timeout {
  static func check(_ seconds: Double) throws {
    guard (0...1_000_000).contains(seconds) else {
      throw ValidationError("--timeout must be 0 to 1000000 seconds")
    }
  }
}
