import Foundation

/// Figures by key, as guests print them.
struct Figures {
  private(set) var values: [String: Double] = [:]

  subscript(key: String) -> Double? { values[key] }

  /// Adds the lines `bench <key> <value>`, also with a colon behind `bench`, and
  /// `workload <key> <count> <instructions>` of a console, behind whatever a multiplexer put before them. A
  /// workload's figure is per round where it has several.
  mutating func read(_ console: String) {
    for line in console.split(whereSeparator: \.isNewline) {
      let words = line.split(separator: " ").map(String.init)
      if let start = words.firstIndex(where: { $0 == "bench" || $0 == "bench:" }), words.count == start + 3 {
        Double(words[start + 2]).map { note(words[start + 1], $0) }
      }
      if let start = words.firstIndex(of: "workload"), words.count == start + 4 {
        guard let count = Double(words[start + 2]), let total = Double(words[start + 3]) else { continue }
        note(words[start + 1], total / count)
        note(words[start + 1] + ".total", total)
      }
    }
  }

  /// The first start that prints a figure counts: what the later ones measure is something else.
  mutating func note(_ key: String, _ value: Double) {
    if values[key] == nil { values[key] = value }
  }

  /// The sum of several totals; nil when one is missing.
  func total(of keys: [String]) -> Double? {
    let totals = keys.compactMap { values[$0 + ".total"] }
    return totals.count == keys.count ? totals.reduce(0, +) : nil
  }
}

/// All measurements of one `make bench`.
struct BenchmarkRun {
  let settings: Settings
  private(set) var native = Figures()
  private(set) var guest = Figures()
  /// Bytes of RAM that the hypervisor says it took.
  private(set) var hypervisorMemory: String?
  /// What a VM with a budget of 40 % measured that it got, per mille, by what its neighbour did.
  private(set) var shares: [(attack: String, cpus: Int, measured: [Int])] = []
  var devices = DeviceFigures()
  var narrow = NarrowFigures()
  private(set) var failures: [String] = []

  var isComplete: Bool { failures.isEmpty }

  init(settings: Settings) throws {
    self.settings = settings
    try FileManager.default.createDirectory(atPath: Settings.scratch, withIntermediateDirectories: true)
    if settings.measuresDevices { try measureDevices() }
    if settings.measuresNarrow { try measureNarrow() }
    guard settings.onlySection == nil else { return }
    for start in try Self.starts(settings) { measure(start) }
    if settings.measuresGuests { measureShares() }
  }

  /// A VM with a budget beside one without, which hammers in one way for ever.
  private mutating func measureShares() {
    for attack in ["spin", "hypercalls", "registers", "interrupts", "distributor", "cpus"] {
      for cpus in 1...2 { measureShare(beside: attack, cpus) }
    }
  }

  private mutating func measureShare(beside attack: String, _ cpus: Int) {
    let load = "\(Settings.guests)/load.img"
    let root = FileManager.default.currentDirectoryPath
    // Beside another CPU stretches have to be long enough for the same work of its own in each.
    let start = Start(
      name: "share-\(attack)-\(cpus)", kernel: load,
      commandLine: "mode=measure every=50 windows=4 stretch=\(cpus == 1 ? 20 : 1000)", boardCPUs: cpus,
      rules: ["priority: 1", "budget: 40%"],
      neighbours: ["attacker: { kernel: \(root)/\(load), cmdline: mode=\(attack), memory: 4MiB, cpus: 2 }"],
      mark: "load: done")
    guard let console = attempt(start, "beside \(attack)", Machine(cpu: settings.cpu).runAsGuest) else {
      return
    }
    let measured = console.matches(of: /load: (\d+) per mille/).compactMap { Int($0.1) }
    shares.append((attack, cpus, measured))
  }

  private static func starts(_ settings: Settings) throws -> [Start] {
    let bench = "\(Settings.guests)/bench.img"
    var starts = [
      Start(name: "entry", kernel: "\(Settings.guests)/entry.img", mark: "entry: done"),
      Start(name: "exits", kernel: bench, mark: "bench: done"),
      Start(name: "ping", kernel: bench, commandLine: "only=ping", cpus: 2, mark: "bench: done"),
    ]
    guard settings.measuresLinux else { return starts }
    let ramdisk = try makeRamdisk()
    for cpus in 1...2 {
      starts.append(
        Start(
          name: "linux\(cpus)", kernel: Settings.kernel, ramdisk: ramdisk, commandLine: "console=ttyAMA0 quiet",
          memory: Settings.linuxMemory, cpus: cpus, mark: "workload: done"))
    }
    return starts
  }

  /// An initramfs of a workload and Debian's busybox for the same CPU.
  static func makeRamdisk(of workload: String = "workload", busybox: String = Settings.busybox) throws -> String
  {
    let path = "\(Settings.scratch)/\(workload).cpio"
    var archive = RamdiskArchive()
    archive.addDirectory("bin")
    archive.addProgram("bin/busybox", try Data(contentsOf: URL(fileURLWithPath: busybox)))
    archive.addLink("bin/sh", to: "busybox")
    archive.addProgram("init", try Data(contentsOf: URL(fileURLWithPath: "\(Settings.guests)/\(workload)")))
    archive.finish()
    try archive.data.write(to: URL(fileURLWithPath: path))
    return path
  }

  /// Both ways; a start that fails is noted and the others go on.
  private mutating func measure(_ start: Start) {
    let machine = Machine(cpu: settings.cpu)
    if settings.measuresNatively, let console = attempt(start, "natively", machine.runNatively) {
      native.read(console)
    }
    if settings.measuresGuests, let console = attempt(start, "under Pocketvisor", machine.runAsGuest) {
      guest.read(console)
      noteMemory(console)
    }
  }

  mutating func attempt(
    _ start: Start, _ place: String, _ body: (Start) throws -> String
  ) -> String? {
    FileHandle.standardError.write(Data("bench: \(start.name) \(place)\n".utf8))
    do {
      return try body(start)
    } catch {
      failures.append("\(error)")
      return nil
    }
  }

  private mutating func noteMemory(_ console: String) {
    let line = console.split(whereSeparator: \.isNewline).first {
      $0.contains("pocketvisor") && $0.contains("RAM")
    }
    hypervisorMemory = hypervisorMemory ?? line.map(String.init)
  }
}
