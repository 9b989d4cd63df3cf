import Foundation

/// Starts guests on QEMU's vexpress-a9, whose CPUs have no virtualization extensions, natively or under Pocketvisor.
struct NarrowMachine {
  private let machine = Machine(cpu: "cortex-a9")
  static let board = "vexpress-a9"

  /// The guest itself, or a kernel with the device tree that it has as a guest.
  /// - Parameter meanwhile: gets the running process.
  func runNatively(
    _ start: Start, _ extra: [String] = [], meanwhile: (Process) throws -> Void = { _ in }
  ) throws -> String {
    var arguments = ["-M", Self.board, "-m", "\(start.memory)M", "-accel", "tcg,thread=single"]
    arguments += ["-icount", "shift=0,sleep=off", "-display", "none", "-monitor", "none", "-serial", "stdio"]
    arguments += ["-audiodev", "none,id=quiet", "-global", "pl041.audiodev=quiet", "-nic", "none"]
    arguments += ["-kernel", start.kernel]
    if let ramdisk = start.ramdisk {
      arguments += ["-append", start.commandLine, "-initrd", ramdisk, "-dtb", try deviceTree(start)]
    }
    return try machine.run("qemu-system-arm", arguments + extra, start) { process, log in
      try meanwhile(process)
      // A kernel without PSCI does not go off.
      while process.isRunning, !Self.isOver(start, log) { usleep(250_000) }
      process.terminate()
    }
  }

  private static func isOver(_ start: Start, _ log: String) -> Bool {
    FileManager.default.contents(atPath: log)?.contains(text: start.mark) ?? false
  }

  /// As the only VM of a phone.
  func runAsGuest(
    _ start: Start, _ extra: [String] = [], meanwhile: (Process) throws -> Void = { _ in }
  ) throws -> String {
    let phone = try machine.writePhone(start)
    let arguments = [
      "run", phone, "--headless", "--icount", "--until", start.mark, "--board", Self.board, "--",
    ]
    return try machine.run(Settings.tool, arguments + extra, start) { process, _ in try meanwhile(process) }
  }

  // MARK: The guest's device tree, with its devices where the board has them

  private static let changes = [
    ["-t", "x", "/pl011@9000000", "reg", "0", "10009000", "0", "1000"],
    ["-t", "x", "/pl011@9000000", "interrupts", "0", "5", "4"],
    ["-t", "x", "/timer@9040000", "reg", "0", "10011000", "0", "1000"],
    ["-t", "x", "/timer@9040000", "interrupts", "0", "2", "4"],
    ["-t", "x", "/intc@8000000", "reg", "0", "1e001000", "0", "1000", "0", "1e000100", "0", "100"],
    // HVC is undefined there.
    ["-r", "/psci"],
    ["-d", "/cpus/cpu@0", "enable-method"],
    ["-d", "/chosen", "linux,initrd-start", "linux,initrd-end"],
  ]

  private func deviceTree(_ start: Start) throws -> String {
    let guest = GuestBoard(
      machine: machine, start: start, board: ["--board", try Self.boardTree(), "--memory", "1GiB"])
    let tree = try guest.deviceTree()
    for change in Self.changes {
      // The file's name is behind the options.
      let options = change.prefix { !$0.hasPrefix("/") }
      _ = try guest.output("fdtput", options + [tree] + change.dropFirst(options.count))
    }
    return tree
  }

  /// The board's own tree, of Debian's kernel package.
  private static func boardTree() throws -> String {
    let packages = (try? FileManager.default.contentsOfDirectory(atPath: Settings.narrowPackages)) ?? []
    let files = packages.map { "\(Settings.narrowPackages)/\($0)/usr/lib/\($0)/vexpress-v2p-ca9.dtb" }
    guard let file = files.first(where: FileManager.default.fileExists(atPath:)) else {
      throw BenchmarkError("\(Settings.narrowPackages): no vexpress-v2p-ca9.dtb; see `make assets`")
    }
    return file
  }
}

/// The clock of vexpress-a9 that counts from the machine's start, natively and under a hypervisor: SYS_24MHZ.
enum BoardClock {
  /// What QEMU's monitor is asked for, by the physical address.
  static let command = "xp /1wx 0x1000005c"

  /// Instructions since the start, in the monitor's answer: an address, a colon, a number.
  static func instructions(in answer: String) -> Double? {
    guard let number = answer.split(separator: ":").last?.trimmingCharacters(in: .whitespacesAndNewlines),
      number.hasPrefix("0x"), let ticks = UInt32(number.dropFirst(2), radix: 16)
    else { return nil }
    return Double(ticks) * 1000 / 24
  }

  /// Where a 32-bit little-endian ELF file begins (`e_entry`); nil for anything else.
  static func entry(of program: Data) -> UInt32? {
    let bytes = [UInt8](program.prefix(28))
    guard bytes.count == 28, bytes.starts(with: [0x7F, 0x45, 0x4C, 0x46, 1, 1]) else { return nil }
    return bytes[24...].reversed().reduce(0) { $0 << 8 | UInt32($1) }
  }
}
