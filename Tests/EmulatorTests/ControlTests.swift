import Foundation
import Testing

@testable import HostCommands

/// The verbs that talk to a running phone, with a phone that runs.
@Suite(.enabled(if: Repository.isBuilt)) struct ControlTests {
  private static let phone = """
    vms:
      steward: { role: device-server, kernel: \(Repository.guest("steward")), memory: 8MiB, priority: 1, budget: 50% }
      load: { kernel: \(Repository.guest("load")), cmdline: mode=spin, memory: 32MiB }
      bare: { kernel: \(Repository.guest("neighbour")), cmdline: ticks=1000000, memory: 32MiB }
    """

  @Test func listPauseStopStart() throws {
    let running = try RunningProgram(Self.phone)
    #expect(running.waits(for: "steward: ready"))
    let list = try running.pocketvisor("vm", "list")
    #expect(list.contains(try Regex("steward +running +8MiB .*device server")), "\(list)")
    #expect(try running.pocketvisor("vm", "pause", "load") == "load: paused\n")
    #expect(try running.pocketvisor("vm", "resume", "load") == "load: running\n")
    #expect(try running.pocketvisor("vm", "stop", "load") == "load: stopped\n")
    #expect(try running.pocketvisor("vm", "start", "load") == "load: running\n")
    #expect(try running.pocketvisor("vm", "restart", "load") == "load: running\n")
    let top = try running.pocketvisor("top", "--count", "2", "--interval", "0.2")
    #expect(top.components(separatedBy: "CPU TIME").count == 3, "\(top)")
  }

  @Test func mistakesAreSaid() throws {
    let running = try RunningProgram(Self.phone)
    #expect(running.waits(for: "steward: ready"))
    #expect(
      try running.pocketvisor("vm", "stop", "lod")
        == "Error: the phone has no VM `lod`, but steward, load, bare; did you mean `load`?\n")
    #expect(
      try running.pocketvisor("vm", "stop", "steward").hasPrefix("Error: VM `steward` is the device server"))
    #expect(try running.pocketvisor("switch", "load").hasPrefix("Error: VM `load` has no screen"))
    #expect(try running.pocketvisor("vm", "console", "bare").hasPrefix("Error: VM `bare` has no console"))
  }
}

/// `pocketvisor run` with a phone, and other verbs beside it, in a folder of their own.
private final class RunningProgram {
  private let folder = NSTemporaryDirectory() + "/pv-" + UUID().uuidString.prefix(8)
  private let process = Process()
  private static let program =
    URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent().path + "/pocketvisor"

  init(_ phone: String) throws {
    try FileManager.default.createDirectory(
      atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    try Data(phone.utf8).write(to: URL(fileURLWithPath: folder + "/phone.yaml"))
    FileManager.default.createFile(atPath: folder + "/log", contents: nil)
    prepare(process, ["run", folder + "/phone.yaml", "--headless", "--timeout", "600"])
    process.standardOutput = FileHandle(forWritingAtPath: folder + "/log")
    process.standardError = FileHandle.nullDevice
    try process.run()
  }

  deinit {
    process.terminate()
    process.waitUntilExit()
    try? FileManager.default.removeItem(atPath: folder)
  }

  private func prepare(_ process: Process, _ arguments: [String]) {
    process.executableURL = URL(fileURLWithPath: Self.program)
    process.arguments = arguments
    process.environment = ProcessInfo.processInfo.environment.merging(["XDG_RUNTIME_DIR": folder]) { $1 }
    process.currentDirectoryURL = URL(fileURLWithPath: Repository.path)
    process.standardInput = FileHandle.nullDevice
  }

  /// Whether the phone prints a text within four minutes.
  func waits(for text: String) -> Bool {
    for _ in 0..<2400 {
      let log = FileManager.default.contents(atPath: folder + "/log") ?? Data()
      if log.range(of: Data(text.utf8)) != nil { return true }
      Thread.sleep(forTimeInterval: 0.1)
    }
    return false
  }

  /// What a verb prints.
  func pocketvisor(_ arguments: String...) throws -> String {
    let verb = Process()
    prepare(verb, arguments)
    let output = Pipe()
    verb.standardOutput = output
    verb.standardError = output
    try verb.run()
    let printed = try output.fileHandleForReading.readToEnd() ?? Data()
    verb.waitUntilExit()
    return String(decoding: printed, as: UTF8.self)
  }
}
