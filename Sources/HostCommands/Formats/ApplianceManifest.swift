import Yams

/// What an appliance says about itself: YAML of phone.yaml's keys, without those that are the phone's.
public struct ApplianceManifest: Equatable, Sendable {
  public var settings: MachineSettings
  public var form: KernelForm

  public init(settings: MachineSettings = MachineSettings(), form: KernelForm = KernelForm()) {
    self.settings = settings
    self.form = form
  }

  /// Reads the manifest of the appliance `file`.
  init(parsing text: String, of file: String) throws {
    let mapping = try YAMLMapping(parsing: text, subject: "the manifest", file: "\(file) (manifest)")
    try mapping.allow(only: MachineSettings.keys + KernelForm.keys)
    settings = try MachineSettings(mapping)
    form = try KernelForm(mapping)
  }

  func text() throws -> String {
    try Yams.serialize(node: .mapping(Node.Mapping(settings.pairs + form.pairs)), width: -1)
  }
}
