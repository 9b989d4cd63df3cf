import Appliance
import ArgumentParser

/// The options that say what QEMU is to be.
struct BoardArguments: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The board: QEMU's virt, or one whose CPUs have no virtualization extensions.", valueName: "board"))
  var board = BoardModel.virt

  @Option(
    help: ArgumentHelp(
      "The device tree of a board other than virt (default: that of the kernel which `make assets` fetched).",
      valueName: "file"))
  var deviceTree: String?

  @Option(help: ArgumentHelp("Number of virt's CPUs, 1 to 8 (default: 2).", valueName: "n"))
  var cpus: Int?

  @Option(
    help: ArgumentHelp("The board's memory, such as 1GiB (default: what the phone needs).", valueName: "size"))
  var memory: MemorySize?

  @Option(
    name: .customLong("gic"),
    help: ArgumentHelp("Generation of virt's interrupt controller, 2 or 3 (default: 3).", valueName: "n"))
  var chosenGIC: Int?

  @Option(
    name: .customLong("cpu"),
    help: ArgumentHelp("QEMU's CPU model for virt (default: cortex-a57).", valueName: "model"))
  var chosenCPU: String?

  @Option(
    help: ArgumentHelp(
      "direct: QEMU starts the hypervisor itself; u-boot: Debian's U-Boot does.", valueName: "loader")
  )
  var loader = BootLoader.direct

  @Flag(help: "Count instructions: one is 1 ns of the board's time, repeatably.")
  var icount = false

  @Option(
    help: ArgumentHelp(
      "The hypervisor (default: what `make build` built for the board's GIC).", valueName: "file"))
  var hypervisor: String?

  @Option(
    help: ArgumentHelp(
      "The phone's disk, made if it is not there (default: .build/NAME.disk beside the phone).",
      valueName: "file"))
  var disk: String?

  var gic: Int { board == .virt ? chosenGIC ?? 3 : 2 }
  var cpu: String { chosenCPU ?? "cortex-a57" }

  func validate() throws {
    try VirtBoard.check(cpus: cpus, gic: gic)
    guard board != .virt else {
      if deviceTree != nil { throw ValidationError("--device-tree is not for virt, which brings its own") }
      return
    }
    let isOfVirt = cpus != nil || memory != nil || chosenGIC != nil || chosenCPU != nil || loader != .direct
    if isOfVirt {
      throw ValidationError(
        "--cpus, --memory, --gic, --cpu and --loader are for virt; \(board.rawValue) is what it is")
    }
  }
}

/// What QEMU's virt board may have.
enum VirtBoard {
  static func check(cpus: Int?, gic: Int) throws {
    if let cpus, !(1...PhoneLimits.physicalCPUs).contains(cpus) {
      throw ValidationError("--cpus must be 1 to \(PhoneLimits.physicalCPUs)")
    }
    guard (2...3).contains(gic) else { throw ValidationError("--gic must be 2 or 3") }
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
