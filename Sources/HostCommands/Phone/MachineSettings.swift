import Appliance
import Yams

/// What can be said about a VM besides its software, in phone.yaml and in an appliance's manifest.
public struct MachineSettings: Equatable, Sendable {
  public var commandLine: String?
  public var memory: MemorySize?
  /// Number of virtual CPUs.
  public var cpus: Int?
  /// 0…255; a higher one is served first.
  public var priority: Int?

  public init(
    commandLine: String? = nil, memory: MemorySize? = nil, cpus: Int? = nil, priority: Int? = nil
  ) {
    self.commandLine = commandLine
    self.memory = memory
    self.cpus = cpus
    self.priority = priority
  }

  /// The keys, in the order in which the documentation lists them.
  static let keys = ["cmdline", "memory", "cpus", "priority"]

  /// What Linux takes, in bytes.
  static let longestCommandLine = 2047

  init(_ mapping: YAMLMapping) throws {
    commandLine = try mapping.string("cmdline")
    memory = try mapping.memory("memory")
    cpus = try mapping.integer("cpus", in: 1...PhoneLimits.virtualCPUsPerMachine)
    priority = try mapping.integer("priority", in: 0...255)
    try check(mapping)
  }

  private func check(_ mapping: YAMLMapping) throws {
    if let commandLine, commandLine.utf8.count > Self.longestCommandLine || commandLine.utf8.contains(0) {
      throw InputError(
        "`cmdline` of \(mapping.subject) is longer than the 2047 bytes that Linux takes",
        at: mapping.place(of: "cmdline"))
    }
    if let memory, memory.bytes == 0 || memory.bytes % PhoneLimits.memoryGranule != 0 {
      throw InputError(
        "`memory` of \(mapping.subject) must be a multiple of 2MiB", at: mapping.place(of: "memory"))
    }
  }

  /// These settings, with what they leave open taken from `manifest`.
  func filled(from manifest: MachineSettings) -> MachineSettings {
    MachineSettings(
      commandLine: commandLine ?? manifest.commandLine, memory: memory ?? manifest.memory,
      cpus: cpus ?? manifest.cpus, priority: priority ?? manifest.priority)
  }

  /// The settings as YAML's keys and values.
  var pairs: [(Node, Node)] {
    var pairs: [(Node, Node)] = []
    if let commandLine { pairs.append(("cmdline", Node(commandLine, .implicit, .doubleQuoted))) }
    if let memory { pairs.append(("memory", Node(memory.description))) }
    if let cpus { pairs.append(("cpus", Node(String(cpus)))) }
    if let priority { pairs.append(("priority", Node(String(priority)))) }
    return pairs
  }
}
