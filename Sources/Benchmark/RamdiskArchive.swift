import Foundation

/// A cpio archive of the "newc" kind, as the kernel unpacks it (Documentation/driver-api/early-userspace).
struct RamdiskArchive {
  private(set) var data = Data()
  private var entries = 0

  mutating func addDirectory(_ path: String) { add(path, mode: 0o040755, content: Data()) }
  mutating func addProgram(_ path: String, _ content: Data) { add(path, mode: 0o100755, content: content) }
  mutating func addLink(_ path: String, to target: String) {
    add(path, mode: 0o120777, content: Data(target.utf8))
  }

  /// Ends the archive.
  mutating func finish() {
    add("TRAILER!!!", mode: 0, content: Data())
    pad(to: 512)
  }

  private mutating func add(_ path: String, mode: Int, content: Data) {
    entries += 1
    let fields = [entries, mode, 0, 0, 1, 0, content.count, 0, 0, 0, 0, path.utf8.count + 1, 0]
    data += Data("070701".utf8)
    for field in fields { data += Data(hexadecimal(field).utf8) }
    data += Data(path.utf8) + [0]
    pad(to: 4)
    data += content
    pad(to: 4)
  }

  private func hexadecimal(_ number: Int) -> String {
    let digits = String(number, radix: 16, uppercase: true)
    return String(repeating: "0", count: 8 - digits.count) + digits
  }

  private mutating func pad(to multiple: Int) {
    data += Data(repeating: 0, count: (multiple - data.count % multiple) % multiple)
  }
}
