import Foundation

@testable import HostCommands

/// QEMU's `virt` board with a phone on it, or with a guest alone.
struct EmulatedBoard: Sendable {
  var cpus = 1
  var model = "cortex-a57"
  /// QEMU's name of the machine, where it is not the one with EL2 and the GIC.
  var machine: String?
  /// Generation of the GIC: of the board, of the hypervisor and of the device image.
  var gic = 3
  /// Another hypervisor than the GIC's.
  var hypervisor: String?
  var mebibytes = 1024
  /// One nanosecond of the board's time per instruction.
  var countsInstructions = false
  /// QEMU's arguments for further devices, as `DiskFile.arguments`, and for what it writes down.
  var devices: [String] = []
  var timeout = Duration.seconds(120)

  /// How many may run at once.
  static let places = DispatchSemaphore(value: 2)

  private func arguments(_ software: [String]) -> [String] {
    [
      "-M", machine ?? "virt,virtualization=on,gic-version=\(gic)", "-cpu", model, "-smp", "\(cpus)", "-m",
      "\(mebibytes)M", "-display", "none", "-monitor",
      "none",
    ]
      + ["-serial", "stdio", "-nic", "none", "-no-reboot"]
      + (countsInstructions ? EmulatorOptions.instructionClock : []) + devices + software
  }

  /// Starts a guest of ours without a hypervisor.
  func run(guest: String, arguments: String, script: Script) throws -> Recording {
    var board = self
    board.machine = "virt,gic-version=\(gic)"
    return try board.run(["-kernel", Repository.guest(guest), "-append", arguments], script)
  }

  /// Starts the differential test on a 32-bit board.
  func run(differential arguments: String, script: Script) throws -> Recording {
    let board = ["-M", "vexpress-a9", "-m", "64M", "-display", "none", "-monitor", "none", "-serial", "stdio"]
    let software = ["-kernel", Repository.guest("differential"), "-append", arguments]
    return try run(
      program: "qemu-system-arm", board + ["-nic", "none", "-audiodev", "none,id=none"] + software, script)
  }

  /// Starts a phone under the hypervisor.
  /// - Parameter damage: changes the device image.
  func run(phone yaml: String, script: Script, damage: (inout Data) -> Void = { _ in }) throws -> Recording {
    let board = BoardDescription.virt(cpus: cpus, memory: .mebibytes(UInt64(mebibytes)), gic: gic)
    let path = try Self.writeImage(yaml, for: board)
    defer { try? FileManager.default.removeItem(atPath: path) }
    var data = try Data(contentsOf: URL(fileURLWithPath: path))
    damage(&data)
    try data.write(to: URL(fileURLWithPath: path))
    return try run(["-kernel", hypervisor ?? Repository.hypervisor(gic: gic), "-initrd", path], script)
  }

  /// Starts a phone under the hypervisor for CPUs without virtualization extensions.
  func run(narrow yaml: String, on board: BoardModel = .vexpress, script: Script) throws -> Recording {
    let path = try Self.writeImage(yaml, for: board.description)
    defer { try? FileManager.default.removeItem(atPath: path) }
    return try run(narrowImage: path, on: board, script: script)
  }

  /// The same with a device image, or without any.
  func run(narrowImage path: String?, on board: BoardModel, script: Script) throws -> Recording {
    let options = EmulatorOptions(
      board: board, deviceTree: try board.locateTree(nil),
      software: ["-kernel", Repository.narrowHypervisor] + (path.map { ["-initrd", $0] } ?? []), cpus: 1,
      memory: BoardModel.memory,
      interruptControllerGeneration: 2, cpuModel: "", countsInstructions: countsInstructions, devices: nil,
      extra: devices)
    return try run(program: board.program, options.arguments, script)
  }

  /// Starts a 32-bit guest of ours without a hypervisor: on `virt`, with a CPU of the same architecture.
  func run(narrowGuest name: String, arguments: String, script: Script) throws -> Recording {
    let board = [
      "-M", "virt,gic-version=2", "-cpu", "cortex-a15", "-m", "64M", "-display", "none", "-nic", "none",
    ]
    let software = ["-kernel", Repository.narrowProgram(name), "-append", arguments]
    return try run(
      program: "qemu-system-arm", board + ["-monitor", "none", "-serial", "stdio"] + software, script)
  }

  /// A phone's device image in a new file.
  static func writeImage(_ yaml: String, for board: BoardDescription) throws -> String {
    let file = InputFile(path: Repository.path + "/phone.yaml", data: Data(yaml.utf8))
    let image = try DeviceImage(PhoneLayout(PhoneDescription(reading: file), for: board))
    let path = NSTemporaryDirectory() + "/pocketvisor-phone-\(UUID().uuidString)"
    try OutputFile.replace(path) { try image.tree.write(to: $0) }
    return path
  }

  private func run(_ software: [String], _ script: Script) throws -> Recording {
    try run(program: BoardModel.virt.program, arguments(software), script)
  }

  private func run(program: String, _ arguments: [String], _ script: Script) throws -> Recording {
    Self.places.wait()
    defer { Self.places.signal() }
    var session = ConsoleSession(
      listener: Recorder(script: script), keyboard: nil, screen: nil, timeout: timeout)
    session.nudge = Nudge(interruptControllerGeneration: gic)
    let end = session.run(try EmulatorProcess(program, arguments))
    return Recording(end: end, output: session.listener.output, missing: session.listener.missing)
  }
}

/// What to wait for and what to type.
struct Script: Sendable {
  /// Ends the session once all were printed.
  var until: [String]
  /// Typed, in this order, each once its text was printed behind what answered the one before.
  var reactions: [(text: String, keys: String)] = []
  /// Ends the session once a text was printed that often.
  var repeated: (text: String, count: Int)?
  /// Keeps the session from ending before a text was printed that often.
  var least: (text: String, count: Int)?
  /// Ends the session early.
  var failures = ["DAMAGED", "FAIL", "a fault of the hypervisor", "Kernel panic"]
}

struct Recording {
  let end: SessionEnd
  let output: String
  /// Texts that were not printed.
  let missing: [String]

  /// What a person wants to read of a failed run.
  var tail: String { "\(end), not seen: \(missing)\n\(output.suffix(1500))" }

  func contains(_ text: String) -> Bool { output.contains(text) }
}

/// Follows a script and keeps all that was printed.
private struct Recorder: ConsoleListener {
  private(set) var missing: [String]
  private var bytes: [UInt8] = []
  private var reactions: [(text: String, keys: String)]
  private let failures: [String]
  private var repeated: (text: String, count: Int)?
  private let least: (text: String, count: Int)?
  /// Behind the last of what is `repeated`.
  private var counted = 0
  /// Behind what the last reaction answered.
  private var position = 0
  private var looked = 0

  var output: String { String(decoding: bytes.filter { $0 != 0x0D }, as: UTF8.self) }

  init(script: Script) {
    missing = script.until
    reactions = script.reactions
    failures = script.failures
    repeated = script.repeated
    least = script.least
  }

  /// One past the first place behind `start` where the text stands.
  private func end(of text: String, from start: Int) -> Int? {
    let wanted = Array(text.utf8)
    guard bytes.count >= start + wanted.count else { return nil }
    return (start...bytes.count - wanted.count).first { bytes[$0..<$0 + wanted.count].elementsEqual(wanted) }
      .map { $0 + wanted.count }
  }

  private var isOftenEnough: Bool {
    least.map { output.components(separatedBy: $0.text).count > $0.count } ?? true
  }

  mutating func heard(_ new: ArraySlice<UInt8>, at time: Duration, type: ([UInt8]) -> Void) -> ConsoleVerdict {
    guard !new.isEmpty else { return .goOn }
    bytes += new
    let unheard = max(0, looked - 80)
    let recent = Array(bytes[unheard...])
    looked = bytes.count
    missing.removeAll { recent.contains(text: $0) }
    while let next = reactions.first, let end = end(of: next.text, from: max(position, unheard)) {
      reactions.removeFirst()
      position = end
      type(Array(next.keys.utf8))
    }
    return repeated == nil && missing.isEmpty && isOftenEnough || isRepeated()
      || failures.contains { recent.contains(text: $0) }
      ? .done : .goOn
  }
}

extension Recorder {
  /// Whether the text was printed as often as wanted.
  private mutating func isRepeated() -> Bool {
    guard let text = repeated?.text else { return false }
    while let end = end(of: text, from: counted) {
      counted = end
      repeated?.count -= 1
    }
    return repeated.map { $0.count <= 0 } ?? false
  }
}

/// Files that `make` builds.
enum Repository {
  static let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().path
  static func hypervisor(gic: Int) -> String {
    let usual = path + "/Firmware/.build/pocketvisor.aarch64\(gic == 2 ? "-gicv2" : "").img"
    return gic == 3 ? ProcessInfo.processInfo.environment["POCKETVISOR_IMAGE"] ?? usual : usual
  }
  /// The image for CPUs without virtualization extensions, and whether it was built.
  static let narrowHypervisor = path + "/" + HypervisorFile.narrowPath
  static let hasNarrowHypervisor = FileManager.default.fileExists(atPath: narrowHypervisor)
  static func guest(_ name: String) -> String { path + "/Guests/.build/\(name).img" }
  /// A 32-bit guest before it is made a flat image.
  static func narrowProgram(_ name: String) -> String {
    path + "/Guests/ARMv7/.build/armv7-none-none-eabi/release/\(name)"
  }
  /// Whether the 32-bit guests and the hypervisor that they run on were built, and the board's tree is there.
  static let hasNarrowGuests =
    hasNarrowHypervisor && DebianAssets.armhf.isThere
    && FileManager.default.fileExists(atPath: guest("small"))

  /// Whether the hypervisor and the guests were built.
  static let isBuilt = [hypervisor(gic: 2), hypervisor(gic: 3), guest("neighbour")].allSatisfy(
    FileManager.default.fileExists(atPath:))
  /// Whether to run what takes minutes.
  static let isLongRun = ProcessInfo.processInfo.environment["POCKETVISOR_LONG"] != nil
  static let hasDebian = isBuilt && DebianAssets.arm64.isThere
}

/// One VM of a phone.yaml.
enum PhoneText {
  /// - Parameter more: further keys, such as `, priority: 2`.
  static func guest(
    _ name: String, as vm: String? = nil, _ arguments: String = "", cpus: Int = 1, mebibytes: Int = 32,
    more: String = ""
  )
    -> String
  {
    "  \(vm ?? name): { kernel: \(Repository.guest(name)), cmdline: \"\(arguments)\", memory: \(mebibytes)MiB, cpus: \(cpus)\(more) }\n"
  }

  /// A 32-bit guest of ours.
  static func narrow(
    _ name: String, as vm: String? = nil, _ arguments: String = "", mebibytes: Int = 32, more: String = ""
  ) -> String {
    guest(
      name, as: vm, arguments, mebibytes: mebibytes, more: ", kernel-format: raw, architecture: arm" + more)
  }

  static func debian(_ name: String, cpus: Int = 1, mebibytes: Int = 256, of assets: DebianAssets = .arm64)
    -> String
  {
    """
      \(name): { kernel: \(assets.kernel), ramdisk: \(assets.ramdisk), memory: \(mebibytes)MiB, cpus: \(cpus), \
    cmdline: console=ttyAMA0 pocketvisor.name=\(name) }

    """
  }

  static func phone(_ machines: String...) -> String { "vms:\n" + machines.joined() }
}
