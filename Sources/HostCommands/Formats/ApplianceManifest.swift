import Yams

/// What an appliance says about itself: YAML of phone.yaml's keys, without those that are the phone's.
public struct ApplianceManifest: Equatable, Sendable {
  public var settings: MachineSettings
  public var kernelFormat: KernelFormat

  private static let formatKey = "kernel-format"

  public init(settings: MachineSettings = MachineSettings(), kernelFormat: KernelFormat = .image) {
    self.settings = settings
    self.kernelFormat = kernelFormat
  }

  /// Reads the manifest of the appliance `file`.
  init(parsing text: String, of file: String) throws {
    let mapping = try YAMLMapping(parsing: text, subject: "the manifest", file: "\(file) (manifest)")
    try mapping.allow(only: MachineSettings.keys + [Self.formatKey])
    settings = try MachineSettings(mapping)
    kernelFormat = try mapping.word(Self.formatKey, as: KernelFormat.self) ?? .image
  }

  func text() throws -> String {
    var pairs = settings.pairs
    if kernelFormat != .image { pairs.append((Node(Self.formatKey), Node(kernelFormat.rawValue))) }
    return try Yams.serialize(node: .mapping(Node.Mapping(pairs)), width: -1)
  }
}
