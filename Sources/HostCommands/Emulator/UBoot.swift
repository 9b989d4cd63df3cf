import Foundation

/// Debian's U-Boot for QEMU's `virt` board: it starts a boot image that lies in memory, and nobody types.
struct UBoot {
  static let firmware = "/usr/lib/u-boot/qemu_arm64/u-boot.bin"
  /// Where QEMU puts the boot image: behind the hypervisor's place, for it stays there.
  static let imageAddress: UInt64 = 0x4040_0000
  /// The second flash bank, where this U-Boot looks for its environment, and the environment's size.
  private static let environmentAddress: UInt64 = 0x0400_0000
  private static let environmentSize = 0x4_0000

  /// Paths.
  let image: String
  let environment: String

  /// - Parameter image: path of a boot image.
  /// - Throws: `InputError` when U-Boot is not installed or the folder cannot be written.
  init(starting image: String, environmentFile: String) throws {
    guard FileManager.default.fileExists(atPath: Self.firmware) else {
      throw InputError("\(Self.firmware): no U-Boot; on Debian: apt-get install u-boot-qemu")
    }
    self.image = image
    environment = environmentFile
    try OutputFile.replace(environment) { try $0.write(contentsOf: Self.environment(Self.variables)) }
  }

  /// What QEMU is told instead of a kernel and a ramdisk.
  var arguments: [String] {
    ["-bios", Self.firmware]
      + [(image, Self.imageAddress), (environment, Self.environmentAddress)].flatMap { file, address in
        ["-device", "loader,file=\(file),addr=0x\(String(address, radix: 16)),force-raw=on"]
      }
  }

  /// Starts the image at once (`-2`: without looking at the keys), and leaves ramdisk and tree where they are.
  private static var variables: [(name: String, value: String)] {
    let image = "0x\(String(imageAddress, radix: 16))#\(BootImage.configurationName)"
    return [
      ("bootdelay", "-2"), ("bootcmd", "bootm \(image) \(image) ${fdtcontroladdr}"),
      ("initrd_high", "0xffffffffffffffff"), ("fdt_high", "0xffffffffffffffff"),
    ]
  }

  /// The form in which U-Boot keeps its variables: a checksum, then `name=value` ended by zeros.
  static func environment(_ variables: [(name: String, value: String)]) -> Data {
    var text = Data(variables.map { "\($0.name)=\($0.value)\0" }.joined().utf8)
    text.append(Data(count: environmentSize - 4 - text.count))
    return withUnsafeBytes(of: Checksum.crc32(text).littleEndian) { Data($0) } + text
  }
}
