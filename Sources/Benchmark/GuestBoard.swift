import Foundation

/// The device tree that a guest sees, for a native start: `virt` itself has more devices, and a kernel spends
/// millions of instructions on them, which would count for the hypervisor.
struct GuestBoard {
  let machine: Machine
  let start: Start
  /// Arguments of `pocketvisor image` that name the board.
  var board: [String]

  init(machine: Machine, start: Start) {
    self.init(machine: machine, start: start, board: ["--cpus", String(start.cpus)])
  }

  init(machine: Machine, start: Start, board: [String]) {
    self.machine = machine
    self.start = start
    self.board = board
  }

  /// Takes the tree out of the device image and fills in seeds as the hypervisor does: a kernel without them
  /// behaves differently.
  /// - Returns: the path of a .dtb file.
  func deviceTree() throws -> String {
    let image = "\(Settings.scratch)/\(start.name).fit"
    let tree = "\(Settings.scratch)/\(start.name).dtb"
    let phone = try machine.writePhone(start)
    _ = try output(Settings.tool, ["image", phone, "--output", image] + board)
    let listing = try output("dumpimage", ["-l", image])
    guard let line = listing.split(separator: "\n").first(where: { $0.contains("(fdt-guest)") }),
      let position = line.split(separator: " ").compactMap({ Int($0) }).first
    else { throw BenchmarkError("\(image) has no device tree of the guest") }
    _ = try output("dumpimage", ["-T", "flat_dt", "-p", String(position), "-o", tree, image])
    for (property, words) in [("rng-seed", 16), ("kaslr-seed", 2)] {
      let seed = (0..<words).map { _ in "0x" + String(UInt32.random(in: 1...UInt32.max), radix: 16) }
      _ = try output("fdtput", ["-t", "x", tree, "/chosen", property] + seed)
    }
    return tree
  }

  /// Runs a program and gives what it printed.
  func output(_ program: String, _ arguments: [String]) throws -> String {
    let process = Process()
    let pipe = Pipe()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = [program] + arguments
    process.standardOutput = pipe
    try process.run()
    let data = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
      throw BenchmarkError(
        "\(program) \(arguments.joined(separator: " ")): status \(process.terminationStatus)")
    }
    return String(decoding: data, as: UTF8.self)
  }
}
