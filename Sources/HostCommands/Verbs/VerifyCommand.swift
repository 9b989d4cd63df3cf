import ArgumentParser

/// `pocketvisor verify`: checks an appliance or a device image.
struct VerifyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Check an appliance or a device image: every hash, every bound.",
    discussion: """
      Example:
        pocketvisor verify phone.fit
      """)

  @Argument(help: "The file to check.")
  var image: String

  func run() throws {
    switch try CheckedImage(InputFile(path: image)) {
    case .appliance: print("\(image): a sound appliance")
    case .phone(_, let content): print("\(image): a sound device image of \(content.machines.count) VMs")
    }
  }
}

/// A FIT file of ours, by kind, with everything checked.
enum CheckedImage {
  case appliance(ImageFile, ApplianceFile)
  case phone(ImageFile, PhoneContent)

  init(_ file: InputFile) throws {
    let image = try ImageFile(verifying: file)
    if image.entry(DeviceImage.phoneName) != nil {
      self = .phone(image, try PhoneContent(image))
    } else {
      self = .appliance(image, try ApplianceFile(image))
    }
  }
}
