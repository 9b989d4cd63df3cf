import Appliance
import Foundation

/// An appliance: kernel, ramdisk and manifest of one VM in a FIT file.
public struct ApplianceFile: Sendable {
  public var kernel: InputFile
  public var ramdisk: InputFile?
  public var manifest: ApplianceManifest

  private static let name = "appliance"

  public init(kernel: InputFile, ramdisk: InputFile?, manifest: ApplianceManifest) {
    self.kernel = kernel
    self.ramdisk = ramdisk
    self.manifest = manifest
  }

  /// Reads and checks an appliance.
  public init(reading file: InputFile) throws {
    try self.init(ImageFile(verifying: file))
  }

  /// Takes an appliance out of a checked FIT.
  init(_ image: ImageFile) throws {
    let path = image.file.path
    guard let kernel = image.entry("kernel"), let manifest = image.entry("manifest") else {
      throw InputError("\(path): is no appliance: it lacks a kernel or a manifest")
    }
    self.kernel = InputFile(path: "\(path) (kernel)", data: image.data(of: kernel))
    ramdisk = image.entry("ramdisk").map { InputFile(path: "\(path) (ramdisk)", data: image.data(of: $0)) }
    let text = String(decoding: image.data(of: manifest), as: UTF8.self)
    self.manifest = try ApplianceManifest(parsing: text, of: path)
    _ = try header
  }

  /// What its kernel needs.
  /// - Throws: `InputError` when the kernel is none of its format.
  var header: KernelImage {
    get throws { try KernelImage(kernel, form: manifest.form) }
  }

  /// The FIT to be written.
  /// - Throws: `InputError` when the kernel is none of its format.
  public func imageTree() throws -> ImageTree {
    let header = try header
    var images = [
      ImageTree.Image(
        "kernel", "Kernel", type: "kernel", operatingSystem: "linux",
        loadAddress: PhoneLimits.memoryBase + header.offset, architecture: header.architecture,
        data: kernel.data)
    ]
    if let ramdisk {
      images.append(.init("ramdisk", "Ramdisk", type: "ramdisk", operatingSystem: "linux", data: ramdisk.data))
    }
    images.append(.init("manifest", "Manifest", type: "script", data: Data(try manifest.text().utf8)))
    let parts = images.dropLast().map { (part: $0.name, image: $0.name) }
    return ImageTree(
      description: "Pocketvisor appliance", images: images,
      configurations: [.init(Self.name, "Kernel and ramdisk", parts: parts)])
  }
}
