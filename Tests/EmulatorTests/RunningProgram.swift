import Foundation

@testable import HostCommands

/// `pocketvisor run` with a phone, and other verbs beside it, in a folder of their own.
final class RunningProgram {
  private let folder = NSTemporaryDirectory() + "/pv-" + UUID().uuidString.prefix(8)
  private let process = Process()
  private let keyboard = Pipe()
  private var nudge: Nudge?
  private let start = ContinuousClock.now
  private static let program =
    URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent().path + "/pocketvisor"

  /// Starts a phone.
  /// - Parameters:
  ///   - phone: the text of its phone.yaml.
  ///   - disk: path of its disk; where there is none, a new one is made and gone with this value.
  ///   - arguments: more for `run`.
  convenience init(_ phone: String, disk: String? = nil, arguments: [String] = []) throws {
    try self.init(path: nil, text: phone, disk, arguments)
  }

  /// Starts a phone of the repository.
  convenience init(path: String, arguments: [String] = []) throws {
    try self.init(path: path, text: "", nil, arguments)
  }

  private init(path: String?, text: String, _ disk: String?, _ arguments: [String]) throws {
    EmulatedBoard.places.wait()
    signal(SIGPIPE, SIG_IGN)
    try FileManager.default.createDirectory(
      atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    try Data(text.utf8).write(to: URL(fileURLWithPath: folder + "/phone.yaml"))
    try Data().write(to: URL(fileURLWithPath: folder + "/log"))
    nudge = arguments.contains("--gic=2") ? Nudge(interruptControllerGeneration: 2) : nil
    let limits = ["--timeout", "900", "--disk", disk ?? folder + "/disk"]
    prepare(process, ["run", path ?? folder + "/phone.yaml"] + limits + arguments)
    process.standardInput = keyboard
    // One for both, so that neither writes over the other.
    let log = FileHandle(forWritingAtPath: folder + "/log")
    process.standardOutput = log
    process.standardError = log
    try process.run()
  }

  deinit {
    if process.isRunning {
      process.terminate()
      process.waitUntilExit()
    }
    try? FileManager.default.removeItem(atPath: folder)
    EmulatedBoard.places.signal()
  }

  private func prepare(_ process: Process, _ arguments: [String]) {
    process.executableURL = URL(fileURLWithPath: Self.program)
    process.arguments = arguments
    let environment = ProcessInfo.processInfo.environment.filter { !$0.key.hasSuffix("DISPLAY") }
    process.environment = environment.merging(["XDG_RUNTIME_DIR": folder]) { $1 }
    process.currentDirectoryURL = URL(fileURLWithPath: Repository.path)
    process.standardInput = FileHandle.nullDevice
  }

  // MARK: The console

  /// All that was printed.
  var output: String {
    let log = FileManager.default.contents(atPath: folder + "/log") ?? Data()
    return String(decoding: log.filter { $0 != 0x0D }, as: UTF8.self)
  }

  /// What a person wants to read of a failed run.
  var tail: String { String(output.suffix(3000)) }

  /// Waits until the phone has printed all of some texts, five minutes at most.
  /// - Returns: whether it has.
  func waits(for texts: String...) -> Bool { waits(for: texts) }

  /// The same for a list of texts.
  func waits(for texts: [String]) -> Bool { waits { output in texts.allSatisfy(output.contains) } }

  /// Waits until a question about all that was printed is answered by yes, five minutes at most.
  func waits(until isEnough: (String) -> Bool) -> Bool {
    var heard = 0
    for _ in 0..<3000 {
      let output = output
      if isEnough(output) { return true }
      if nudge?.isDue(isSilent: output.utf8.count == heard, at: ContinuousClock.now - start) ?? false {
        try? keyboard.fileHandleForWriting.write(contentsOf: Data(Nudge.keys))
      }
      heard = output.utf8.count
      guard process.isRunning else { return isEnough(output) }
      Thread.sleep(forTimeInterval: 0.1)
    }
    return false
  }

  /// Types a line at the console of a VM, by its place in the phone; then all VMs are shown again.
  func type(_ line: String, at machine: Int) {
    let keys = "\u{1D}\(machine + 1)\(line)\r\u{1D}a"
    try? keyboard.fileHandleForWriting.write(contentsOf: Data(keys.utf8))
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

  // MARK: The screen and its fingers

  /// A connection to QEMU's monitor. While there is one, other verbs have to wait.
  func monitor() throws -> EmulatorMonitor {
    try EmulatorMonitor(path: "\(folder)/pocketvisor/\(process.processIdentifier)/monitor")
  }

  /// What the screen shows.
  func picture(by monitor: EmulatorMonitor) throws -> Picture {
    let path = folder + "/screen.ppm"
    try monitor.execute("screendump", ["filename": path])
    return try Picture(portablePixmap: Data(contentsOf: URL(fileURLWithPath: path)))
  }

  /// Waits until the screen shows what it shall, two minutes at most.
  /// - Returns: what it shows then.
  func picture(by monitor: EmulatorMonitor, once isRight: (Picture) -> Bool) throws -> Picture {
    for _ in 0..<1200 {
      let picture = try picture(by: monitor)
      if isRight(picture) { return picture }
      Thread.sleep(forTimeInterval: 0.1)
    }
    return try picture(by: monitor)
  }
}

extension EmulatorMonitor {
  /// Presses and releases a key.
  /// - Parameter name: QEMU's (QKeyCode).
  func press(_ name: String) throws {
    try execute("send-key", ["keys": [["type": "qcode", "data": name]]])
  }

  /// Touches the screen and leaves it again.
  func tap(column: Int, row: Int) throws {
    let place = [("x", column * 32768 / 480), ("y", row * 32768 / 800)].map { axis, value in
      ["type": "abs", "data": ["axis": axis, "value": value]] as [String: Any]
    }
    for isDown in [true, false] {
      let button: [String: Any] = ["type": "btn", "data": ["button": "left", "down": isDown]]
      try execute("input-send-event", ["events": isDown ? place + [button] : [button]])
    }
  }
}
