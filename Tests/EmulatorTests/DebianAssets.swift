import Foundation

/// Debian's kernel, and what is made for it, as `make assets` leaves them; 64-bit or 32-bit.
enum DebianAssets: String {
  case arm64 = "debian"
  case armhf = "debian-armhf"

  private var folder: String { "\(Repository.path)/.cache/\(rawValue)" }

  var kernel: String { folder + "/vmlinuz" }
  var ramdisk: String { folder + "/initrd.gz" }
  var busybox: String { folder + "/unpacked/busybox-static/bin/busybox" }

  var isThere: Bool { [kernel, ramdisk, busybox].allSatisfy(FileManager.default.fileExists(atPath:)) }
}
