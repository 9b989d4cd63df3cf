import Appliance
import Yams

extension ClientDevices {
  private static let keys = [
    "disk", "network", "console", "entropy", "screen", "vault", "share", "window",
  ]

  /// - Parameter names: of all VMs of the phone.
  init(_ node: Node, of machine: YAMLMapping, among names: [String]) throws {
    let mapping = try YAMLMapping(node, subject: "`devices` of \(machine.subject)", file: machine.file)
    try mapping.allow(only: Self.keys)
    place = mapping.place
    disk = try DiskPartition(mapping)
    network = try NetworkAccess(mapping, among: names)
    hasConsole = try mapping.boolean("console") ?? false
    hasEntropy = try mapping.boolean("entropy") ?? false
    screen = try Screen(mapping)
    vault = try mapping.name("vault", among: names, kind: "VM")
    sharing = try MemorySharing(mapping)
    guard !virtioPlaces.isEmpty else { throw InputError("\(mapping.subject) name no device", at: place) }
    guard vault == nil || hasConsole else {
      throw InputError(
        "`vault` in \(mapping.subject) needs `console: true`: it is a port of that device",
        at: mapping.place(of: "vault"))
    }
  }
}

extension DiskPartition {
  /// The most that a partition table can say of a label.
  private static let longestName = 36

  /// A name, or a mapping with more to say.
  fileprivate init?(_ devices: YAMLMapping) throws {
    guard let node = devices.node("disk") else { return nil }
    place = devices.place(of: "disk")
    if node.mapping != nil {
      let mapping = try YAMLMapping(node, subject: "`disk` in \(devices.subject)", file: devices.file)
      try mapping.allow(only: ["partition", "size", "content", "read-only"])
      guard let name = try mapping.string("partition") else {
        throw InputError("\(mapping.subject) needs a `partition`", at: place)
      }
      self.name = name
      size = try mapping.memory("size")
      content = try mapping.string("content").map { InputFile.resolve($0, besides: mapping.file) }
      isReadOnly = try mapping.boolean("read-only") ?? false
      try check(mapping)
    } else {
      name = try devices.string("disk") ?? ""
      try check(devices)
    }
  }

  private func check(_ mapping: YAMLMapping) throws {
    let allowed = name.utf8.allSatisfy {
      (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0)
        || [0x2D, 0x2E, 0x5F].contains($0)
    }
    guard allowed, (1...Self.longestName).contains(name.utf8.count) else {
      throw InputError(
        "`\(name)` is no name for a partition: 1 to \(Self.longestName) of a-z, A-Z, 0-9, `.`, `-` and `_`",
        at: place)
    }
    if let size, !(1...(1 << 40)).contains(size.bytes) {
      throw InputError(
        "`size` of \(mapping.subject) must be from 1KiB to 1024GiB", at: mapping.place(of: "size"))
    }
  }
}

extension NetworkAccess {
  /// `true`: the host and nobody else.
  fileprivate init?(_ devices: YAMLMapping, among names: [String]) throws {
    place = devices.place(of: "network")
    switch try devices.choice("network", allowing: ["host", "reach"]) {
    case .no: return nil
    case .yes: reachesHost = true
    case .details(let mapping):
      reachesHost = try mapping.boolean("host") ?? false
      reach = try mapping.names("reach", among: names, kind: "VM")
    }
  }
}

extension Screen {
  fileprivate init?(_ devices: YAMLMapping) throws {
    switch try devices.choice("screen", allowing: ["colour"]) {
    case .no: return nil
    case .yes: break
    case .details(let mapping): colour = try Self.colour(mapping)
    }
  }

  private static func colour(_ mapping: YAMLMapping) throws -> UInt32? {
    guard let text = try mapping.string("colour") else { return nil }
    let digits = text.dropFirst()
    guard text.hasPrefix("#"), digits.utf8.count == 6, let colour = UInt32(digits, radix: 16),
      !digits.hasPrefix("+")
    else {
      throw InputError(
        "`colour` of \(mapping.subject) must be six hexadecimal digits such as \"#2E7D32\"",
        at: mapping.place(of: "colour"))
    }
    return colour
  }
}

extension MemorySharing {
  private enum Word: String, CaseIterable { case window, all }

  fileprivate init(_ devices: YAMLMapping) throws {
    let size = try devices.memory("window")
    if try devices.word("share", as: Word.self) == .all {
      guard size == nil else {
        throw InputError(
          "`window` in \(devices.subject): there is none with `share: all`", at: devices.place(of: "window"))
      }
      self = .all
      return
    }
    let window = size ?? Self.defaultWindow
    guard Self.windowSizes.contains(window), window.bytes % PhoneLimits.memoryGranule == 0 else {
      throw InputError(
        "`window` in \(devices.subject) must be a multiple of 2MiB, from 4MiB to 510MiB",
        at: devices.place(of: "window"))
    }
    self = .window(window)
  }
}
