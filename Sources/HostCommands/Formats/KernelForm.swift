import Yams

/// What is said about a kernel's form, in phone.yaml and in an appliance's manifest.
public struct KernelForm: Equatable, Sendable {
  public enum Format: String, CaseIterable, Sendable {
    /// An arm64 Linux `Image` or an ARM Linux `zImage`, whose header says where it goes and what it needs.
    case image
    /// Bytes without a header, loaded to and entered at `PhoneLayout.kernelOffset`.
    case raw
  }

  public var format: Format
  /// nil for what the kernel's header says, or arm64 where it has none.
  public var architecture: Architecture?

  public init(_ format: Format = .image, architecture: Architecture? = nil) {
    self.format = format
    self.architecture = architecture
  }

  static let keys = ["kernel-format", "architecture"]

  init(_ mapping: YAMLMapping) throws {
    self.init(
      try mapping.word(Self.keys[0], as: Format.self) ?? .image,
      architecture: try mapping.word(Self.keys[1], as: Architecture.self))
  }

  /// As YAML's keys and values.
  var pairs: [(Node, Node)] {
    let format = format == .image ? nil : format.rawValue
    return zip(Self.keys, [format, architecture?.rawValue]).compactMap { key, value in
      value.map { (Node(key), Node($0)) }
    }
  }
}
