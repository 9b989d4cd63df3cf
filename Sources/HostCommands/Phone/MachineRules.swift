import Appliance
import Yams

/// What only a phone says about a VM, because it concerns the VM's neighbours or the board.
public struct MachineRules: Equatable, Sendable {
  /// The physical CPU of each virtual CPU.
  public var placement: [Int]?
  /// nil for no bound.
  public var budget: Budget?
  public var restart = RestartRule()
  /// Names of the VMs that it may send requests and notifications to.
  public var calls: [String] = []
  /// Whether its device tree holds a key that is fresh for every device image.
  public var hasKey = false
  /// What it prints once it is up; nil for what a Debian prints.
  public var ready: String?
  /// What it does for the phone; nil for nothing in particular.
  public var role: Role?
  /// What the device server serves to it; nil where it is no client.
  public var devices: ClientDevices?

  /// Parts that a VM can have in a phone.
  public enum Role: String, CaseIterable, Sendable {
    case deviceServer = "device-server"
  }

  public init() {}

  static let keys = ["placement", "budget", "period", "restart", "calls", "key", "ready", "role", "devices"]

  var isDeviceServer: Bool { role == .deviceServer }

  /// - Parameter names: of all VMs of the phone.
  init(_ mapping: YAMLMapping, name: String, among names: [String]) throws {
    placement = try mapping.integers("placement", in: 0...PhoneLimits.physicalCPUs - 1)
    budget = try Budget(mapping)
    restart = try mapping.node("restart").map { try RestartRule($0, in: mapping) } ?? RestartRule()
    calls = try mapping.names("calls", among: names, kind: "VM")
    hasKey = try mapping.boolean("key") ?? false
    ready = try mapping.string("ready")
    role = try mapping.word("role", as: Role.self)
    devices = try mapping.node("devices").map { try ClientDevices($0, of: mapping, among: names) }
    if let devices, isDeviceServer {
      throw InputError("\(mapping.subject) is the device server and has no `devices` served", at: devices.place)
    }
    guard !calls.contains(name) else {
      throw InputError("`calls` of \(mapping.subject): a VM cannot call itself", at: mapping.place(of: "calls"))
    }
  }
}

/// How much of every CPU that it is on a VM may use.
public struct Budget: Equatable, Sendable {
  /// 1…100.
  public var percent: Int
  /// Milliseconds, 1…1000.
  public var period: Int

  public init(percent: Int, period: Int = 10) {
    self.percent = percent
    self.period = period
  }

  init?(_ mapping: YAMLMapping) throws {
    let period = try mapping.quantity("period", unit: "ms", in: 1...1000)
    guard let percent = try mapping.quantity("budget", unit: "%", in: 1...100) else {
      guard period == nil else {
        throw InputError("\(mapping.subject) has a `period` but no `budget`", at: mapping.place(of: "period"))
      }
      return nil
    }
    self.init(percent: percent, period: period ?? 10)
  }

  /// Microseconds of every period.
  var microseconds: Int { period * 10 * percent }
}

/// When a VM starts again.
public struct RestartRule: Equatable, Sendable {
  public enum Policy: String, CaseIterable, Sendable {
    case never
    case onFailure = "on-failure"
    case always
  }

  public var policy: Policy
  /// How often, 0…255; 0 for any number of times.
  public var limit: Int
  /// Milliseconds, 0…60000.
  public var delay: Int

  public init(_ policy: Policy = .onFailure, limit: Int = 0, delay: Int = 0) {
    self.policy = policy
    self.limit = limit
    self.delay = delay
  }

  private static let keys = ["policy", "limit", "delay"]

  /// A policy, or a mapping of policy, limit and delay.
  init(_ node: Node, in machine: YAMLMapping) throws {
    guard node.mapping != nil else {
      self.init(try machine.word("restart", as: Policy.self) ?? .onFailure)
      return
    }
    let mapping = try YAMLMapping(node, subject: "`restart` of \(machine.subject)", file: machine.file)
    try mapping.allow(only: Self.keys)
    self.init(
      try mapping.word("policy", as: Policy.self) ?? .onFailure,
      limit: try mapping.integer("limit", in: 0...255) ?? 0,
      delay: try mapping.quantity("delay", unit: "ms", in: 0...60_000) ?? 0)
  }

  /// As the device reads it.
  var policyCode: UInt8 {
    switch policy {
    case .never: RestartPolicy.never
    case .onFailure: RestartPolicy.onFailure
    case .always: RestartPolicy.always
    }
  }
}
