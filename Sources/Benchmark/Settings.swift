/// What is measured, and with what.
struct Settings {
  static let tool = ".build/debug/pocketvisor"
  static let guests = "Guests/.build"
  static let kernel = ".cache/debian/vmlinuz"
  static let busybox = ".cache/debian/unpacked/busybox-static/bin/busybox"
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
  var measuresOnlyDevices = false

  /// Devices are measured with Linux.
  var measuresDevices: Bool { measuresLinux }

  /// Reads `--cpu NAME`, `--no-linux`, `--no-native`, `--no-guest`, `--only-devices`.
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
      case "--only-devices": measuresOnlyDevices = true
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
