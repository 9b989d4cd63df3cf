import Foundation

/// One start of a guest: which image, what beside it, on how many CPUs.
struct Start {
  var name: String
  var kernel: String
  var ramdisk: String?
  var commandLine = ""
  var memory = Settings.smallMemory
  var cpus = 1
  /// CPUs of the board, where they are not as many as the guest's.
  var boardCPUs: Int?
  /// Further keys of the guest, and further VMs, as lines of phone.yaml.
  var rules: [String] = []
  var neighbours: [String] = []
  /// Shared windows, as lines of phone.yaml.
  var windows: [String] = []
  /// Set for a phone with a device server, which natively QEMU stands in for.
  var board: Board?
  /// The guest's last line when everything went well.
  var mark: String
  /// Seconds of this machine after which it counts as hung.
  var timeout: TimeInterval = 180
}

/// Starts guests on QEMU, natively or under Pocketvisor, one instruction to the nanosecond.
struct Machine {
  let cpu: String

  /// At EL1, no hypervisor.
  func runNatively(_ start: Start) throws -> String {
    var arguments = ["-M", "virt,gic-version=3", "-cpu", cpu, "-smp", String(start.cpus)]
    arguments += ["-m", "\(max(start.memory, 128))M", "-accel", "tcg,thread=single"]
    arguments += ["-icount", "shift=0,sleep=off", "-display", "none", "-monitor", "none", "-serial", "stdio"]
    arguments += ["-nic", "none", "-kernel", start.kernel, "-append", start.commandLine]
    if let ramdisk = start.ramdisk {
      arguments += ["-initrd", ramdisk, "-dtb", try GuestBoard(machine: self, start: start).deviceTree()]
    }
    if let board = start.board { arguments += Board.nativeDevices(disk: try emptyDisk()) + board.extra }
    return try run("qemu-system-aarch64", arguments, start)
  }

  /// As a VM of a phone, the only one unless it has neighbours.
  func runAsGuest(_ start: Start) throws -> String {
    let phone = try writePhone(start)
    var arguments = [
      "run", phone, "--headless", "--icount", "--until", start.mark, "--cpus",
      String(start.boardCPUs ?? start.cpus),
      "--cpu", cpu,
    ]
    guard let board = start.board else { return try run(Settings.tool, arguments, start) }
    let key = try board.homeKey.map { try HomeKey(path: "\(Settings.scratch)/\(start.name)", mark: $0) }
    try? FileManager.default.removeItem(atPath: Self.disk)
    arguments += ["--disk", Self.disk, "--"] + board.extra + (key?.arguments ?? [])
    return try run(Settings.tool, arguments, start) { process, log in key?.press(while: process, log: log) }
  }

  private static let disk = "\(Settings.scratch)/disk"

  /// A disk of zeros, as large as a guest's partition.
  private func emptyDisk() throws -> String {
    try? FileManager.default.removeItem(atPath: Self.disk)
    _ = FileManager.default.createFile(atPath: Self.disk, contents: nil)
    try FileHandle(forWritingTo: URL(fileURLWithPath: Self.disk)).truncate(atOffset: 64 << 20)
    return Self.disk
  }

  /// Writes the phone of this start.
  func writePhone(_ start: Start) throws -> String {
    let phone = "\(Settings.scratch)/\(start.name).yaml"
    try Data(describe(start).utf8).write(to: URL(fileURLWithPath: phone))
    return phone
  }

  private func describe(_ start: Start) -> String {
    let root = FileManager.default.currentDirectoryPath
    let ramdisk = start.ramdisk.map { "\n    ramdisk: \(root)/\($0)" } ?? ""
    let rules = start.rules.map { "    \($0)\n" }.joined()
    let neighbours = start.neighbours.map { "  \($0)\n" }.joined()
    let windows = start.windows.isEmpty ? "" : "windows:\n" + start.windows.map { "  \($0)\n" }.joined()
    return windows + """
      vms:
        guest:
          kernel: \(root)/\(start.kernel)\(ramdisk)
          cmdline: "\(start.commandLine)"
          memory: \(start.memory)MiB
          cpus: \(start.cpus)
      \(rules)\(neighbours)
      """
  }

  /// Runs a program to its end and gives what it printed, which is kept in a log too.
  /// - Parameter meanwhile: gets the process and the log's path, and returns when the program may be waited for.
  func run(
    _ program: String, _ arguments: [String], _ start: Start,
    meanwhile: (Process, String) throws -> Void = { _, _ in }
  ) throws -> String {
    let log = URL(
      fileURLWithPath:
        "\(Settings.scratch)/\(start.name)-\(program.hasSuffix("visor") ? "guest" : "native").log")
    _ = FileManager.default.createFile(atPath: log.path, contents: nil)
    let output = try FileHandle(forWritingTo: log)
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["timeout", String(Int(start.timeout)), program] + arguments
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = output
    process.standardError = output
    try process.run()
    do { try meanwhile(process, log.path) } catch {
      process.terminate()
      throw error
    }
    process.waitUntilExit()
    let text = String(decoding: try Data(contentsOf: log), as: UTF8.self)
    guard text.contains(start.mark) else {
      throw BenchmarkError(
        "\(program) \(start.name): no `\(start.mark)` (status \(process.terminationStatus)); see \(log.relativePath)"
      )
    }
    return text
  }
}
