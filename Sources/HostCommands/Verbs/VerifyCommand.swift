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
    case .boot(_, _, let content):
      print("\(image): a sound image for U-Boot, with a phone of \(content.machines.count) VMs")
    }
  }
}

/// A FIT file of ours, by kind, with everything checked.
enum CheckedImage {
  case appliance(ImageFile, ApplianceFile)
  case phone(ImageFile, PhoneContent)
  /// What U-Boot starts, and the device image in it.
  case boot(ImageFile, device: ImageFile, PhoneContent)

  init(_ file: InputFile) throws {
    let image = try ImageFile(verifying: file)
    if image.entry(DeviceImage.phoneName) != nil {
      self = .phone(image, try PhoneContent(image))
    } else if let entry = image.entry(BootImage.deviceName) {
      let device = try ImageFile(
        verifying: InputFile(path: "\(file.path) (device image)", data: image.data(of: entry)))
      self = .boot(image, device: device, try PhoneContent(device))
    } else {
      self = .appliance(image, try ApplianceFile(image))
    }
  }
}
