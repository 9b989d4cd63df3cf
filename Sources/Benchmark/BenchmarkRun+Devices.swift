import Foundation

/// What is measured of virtio devices.
struct DeviceFigures {
  /// On QEMU's own devices, without a hypervisor.
  var native = Figures()
  /// As a client of the device server that shares all its memory, or a DMA window.
  var shared = Figures()
  var window = Figures()
  /// One persona at a time, and two.
  var personas = Figures()
  /// Instructions that a persona in front lost at each press and release of the home key.
  var interruptions: [Double] = []
}

/// Operations that are measured in one start.
private struct DeviceSet {
  var name: String
  var keys: [String]
  /// Arguments of QEMU.
  var emulator: [String] = []

  /// Requests to the disk one by one. It answers when the one who asked sleeps: so many requests a second are few
  /// enough for that on any host. What it costs to ask and to be answered does not depend on how long it takes.
  static let requests = DeviceSet(
    name: "requests", keys: ["read-4k", "write-4k"],
    emulator: ["-set", "drive.disk.throttling.iops-total=500"])
  static let streams = DeviceSet(
    name: "streams",
    keys: [
      "read-1m", "write-1m", "read-1m-piece", "write-1m-piece", "ping", "tcp-send", "tcp-receive", "hvc-line",
      "hvc-raw-line", "hvc-raw-block",
    ])
}

extension BenchmarkRun {
  private static let modules = [
    "virtio_mmio", "virtio_blk", "failover", "net_failover", "virtio_net", "virtio_console",
  ]
  private static let deviceMemory = 192

  /// Natively, by both ways to share memory, and two at once.
  mutating func measureDevices() throws {
    let server = try StreamServer()
    let ramdisk = try Self.makeDeviceRamdisk()
    for set in [DeviceSet.requests, .streams] {
      measure(set, port: server.port, ramdisk)
    }
    measureKeys()
  }

  private mutating func measure(_ set: DeviceSet, port: UInt16, _ ramdisk: String) {
    let machine = Machine(cpu: settings.cpu)
    let shared = Self.start(set, "all", port: port, ramdisk)
    if settings.measuresNatively, let console = attempt(shared, "natively", machine.runNatively) {
      devices.native.read(console)
    }
    guard settings.measuresGuests else { return }
    if let console = attempt(shared, "under Pocketvisor", machine.runAsGuest) { devices.shared.read(console) }
    let window = Self.start(set, "window", port: port, ramdisk)
    if let console = attempt(window, "under Pocketvisor", machine.runAsGuest) { devices.window.read(console) }
    let pair = Self.pair(set, port: port, ramdisk)
    if let console = attempt(pair, "under Pocketvisor", machine.runAsGuest) { devices.personas.read(console) }
  }

  /// Above the others and bounded, as in the default phone.
  private static let steward =
    "steward: { role: device-server, kernel: \(path("steward.img")), memory: 8MiB, priority: 2, budget: 40% }"

  private static func path(_ guest: String) -> String {
    "\(FileManager.default.currentDirectoryPath)/\(Settings.guests)/\(guest)"
  }

  private static func devices(_ partition: String, share: String) -> String {
    "devices: { disk: { partition: \(partition), size: 64MiB }, network: true, console: true, share: \(share) }"
  }

  /// A Linux whose idle time one of its own processes counts.
  private static func start(_ set: DeviceSet, _ share: String, port: UInt16, _ ramdisk: String) -> Start {
    Start(
      name: "\(set.name)-\(share)", kernel: Settings.kernel, ramdisk: ramdisk,
      commandLine: commandLine("alone", set, port), memory: deviceMemory,
      rules: [devices("guest", share: share)], neighbours: [steward], board: Board(extra: set.emulator),
      mark: "workload: done")
  }

  /// Two, and a VM below them that counts the idle time of all.
  private static func pair(_ set: DeviceSet, port: UInt16, _ ramdisk: String) -> Start {
    let root = FileManager.default.currentDirectoryPath
    let rules = ["priority: 1", "budget: 29%"]
    let second = """
      second: { kernel: \(root)/\(Settings.kernel), ramdisk: \(root)/\(ramdisk), memory: \(deviceMemory)MiB, \
      cmdline: \(commandLine("second", set, port)), \(rules.joined(separator: ", ")), \
      \(devices("second", share: "all")) }
      """
    return Start(
      name: "\(set.name)-pair", kernel: Settings.kernel, ramdisk: ramdisk,
      commandLine: commandLine("first", set, port), memory: deviceMemory,
      rules: rules + [devices("guest", share: "all")],
      neighbours: [second, steward, "idle: { kernel: \(path("load.img")), cmdline: mode=idle, memory: 4MiB }"],
      windows: ["idle: { write: [guest, second, idle] }"], board: Board(extra: set.emulator),
      mark: "workload: done", timeout: 360)
  }

  private static func commandLine(_ role: String, _ set: DeviceSet, _ port: UInt16) -> String {
    "console=ttyAMA0 quiet \(role) \(port) \(set.keys.joined(separator: " "))"
  }

  /// A persona in front that looks at the clock, and one that sleeps; the home key changes them.
  private mutating func measureKeys() {
    guard settings.measuresGuests else { return }
    let start = Start(
      name: "keys", kernel: "\(Settings.guests)/load.img", commandLine: "mode=watch gaps=16",
      rules: ["devices: { screen: true }"],
      neighbours: [
        Self.steward,
        "other: { kernel: \(Self.path("crash.img")), cmdline: mode=sleep, memory: 4MiB, devices: { screen: true } }",
      ],
      board: Board(homeKey: "load: watches"), mark: "load: done")
    guard let console = attempt(start, "under Pocketvisor", Machine(cpu: settings.cpu).runAsGuest) else {
      return
    }
    devices.interruptions = console.matches(of: /load: away for (\d+) instructions/).compactMap {
      Double($0.1)
    }
  }

  /// An initramfs of the program that measures devices, and of the modules that it loads.
  private static func makeDeviceRamdisk() throws -> String {
    let path = "\(Settings.scratch)/devices.cpio"
    var archive = RamdiskArchive()
    archive.addProgram("init", try Data(contentsOf: URL(fileURLWithPath: "\(Settings.guests)/devices")))
    archive.addDirectory("modules")
    for module in modules { archive.addProgram("modules/\(module).ko", try Self.content(ofModule: module)) }
    archive.finish()
    try archive.data.write(to: URL(fileURLWithPath: path))
    return path
  }

  private static func content(ofModule name: String) throws -> Data {
    let folder = URL(fileURLWithPath: Settings.modules).resolvingSymlinksInPath()
    let files = FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil)
    while let file = files?.nextObject() as? URL {
      if file.lastPathComponent == "\(name).ko" { return try Data(contentsOf: file) }
    }
    throw BenchmarkError("\(Settings.modules): no module \(name); see `make assets`")
  }
}
