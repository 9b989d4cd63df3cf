/// What is measured, and with what.
struct Settings {
  static let tool = ".build/debug/pocketvisor"
  static let guests = "Guests/.build"
  static let kernel = ".cache/debian/vmlinuz"
  static let busybox = ".cache/debian/unpacked/busybox-static/bin/busybox"
  static let narrowKernel = ".cache/debian-armhf/vmlinuz"
  static let narrowPackages = ".cache/debian-armhf/unpacked"
  static let modules = ".cache/debian/modules"
  static let scratch = ".build/bench"
  static let document = "Documentation/Benchmarks.md"
  /// MiB of a small guest and of a Linux.
  static let smallMemory = 16
  static let linuxMemory = 256

  var cpu = "cortex-a57"
  var measuresLinux = true
  var measuresNatively = true
  var measuresGuests = true
  /// The only section of the document that is measured; nil for all.
  var onlySection: Section?

  /// A section that can be measured alone.
  enum Section {
    case devices
    case narrow
  }

  /// Devices are measured with Linux.
  var measuresDevices: Bool { measuresLinux && onlySection != .narrow }
  /// ARMv7 without virtualization extensions.
  var measuresNarrow: Bool { onlySection != .devices }

  /// Reads `--cpu NAME`, `--no-linux`, `--no-native`, `--no-guest`, `--only-devices`, `--only-armv7`.
  init(_ arguments: ArraySlice<String>) throws {
    var rest = arguments
    while let argument = rest.popFirst() {
      switch argument {
      case "--cpu":
        guard let name = rest.popFirst() else { throw BenchmarkError("--cpu needs a name") }
        cpu = name
      case "--no-linux": measuresLinux = false
      case "--no-native": measuresNatively = false
      case "--no-guest": measuresGuests = false
      case "--only-devices": onlySection = .devices
      case "--only-armv7": onlySection = .narrow
      default: throw BenchmarkError("unknown argument `\(argument)`")
      }
    }
  }
}

/// Why nothing could be measured.
struct BenchmarkError: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}
