import Foundation

/// What is measured of ARMv7 without virtualization extensions.
struct NarrowFigures {
  var native = Figures()
  var guest = Figures()
}

extension BenchmarkRun {
  /// A small kernel's operations, and Debian's kernel with the workload of the 64-bit one.
  mutating func measureNarrow() throws {
    measureNarrowOperations()
    if settings.measuresLinux { try measureNarrowLinux() }
  }

  private mutating func measureNarrowOperations() {
    let start = Start(
      name: "armv7-operations", kernel: "\(Settings.guests)/narrowbench.img",
      rules: ["kernel-format: raw", "architecture: arm"], mark: "bench: done")
    let machine = NarrowMachine()
    if settings.measuresNatively,
      let console = attempt(start, "natively", { try machine.runNatively($0) })
    {
      narrow.native.read(console)
    }
    if settings.measuresGuests,
      let console = attempt(start, "under Pocketvisor", { try machine.runAsGuest($0) })
    {
      narrow.guest.read(console)
    }
  }

  private mutating func measureNarrowLinux() throws {
    let workload = try Data(contentsOf: URL(fileURLWithPath: "\(Settings.guests)/narrowworkload"))
    guard let entry = BoardClock.entry(of: workload) else {
      throw BenchmarkError("narrowworkload is no ELF file")
    }
    let ramdisk = try Self.makeRamdisk(
      of: "narrowworkload", busybox: "\(Settings.narrowPackages)/busybox-static/bin/busybox")
    let start = Start(
      name: "armv7-linux", kernel: Settings.narrowKernel, ramdisk: ramdisk,
      commandLine: "console=ttyAMA0 quiet", memory: Settings.linuxMemory, mark: "workload: done", timeout: 900)
    let machine = NarrowMachine()
    if settings.measuresNatively {
      measureNarrowLinux(start, "natively", entry, machine.runNatively, into: \.native)
    }
    if settings.measuresGuests {
      measureNarrowLinux(start, "under Pocketvisor", entry, machine.runAsGuest, into: \.guest)
    }
  }

  /// - Parameter entry: the first instruction of user space, where the board's clock is read.
  private mutating func measureNarrowLinux(
    _ start: Start, _ place: String, _ entry: UInt32,
    _ run: (Start, [String], (Process) throws -> Void) throws -> String,
    into figures: WritableKeyPath<NarrowFigures, Figures>
  ) {
    var answer = ""
    let console = attempt(start, place) { start in
      let debugger = try BoardDebugger(path: "\(Settings.scratch)/\(start.name)")
      return try run(start, debugger.arguments) {
        answer = try debugger.ask(BoardClock.command, at: entry, of: $0)
      }
    }
    if let console { narrow[keyPath: figures].read(console) }
    if let clock = BoardClock.instructions(in: answer) { narrow[keyPath: figures].note("board-start", clock) }
  }
}
