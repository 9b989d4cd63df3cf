import Foundation

@testable import HostCommands

/// The disk of a phone, in a file that is gone when this value is.
final class DiskFile {
  let path = NSTemporaryDirectory() + "/pocketvisor-disk-\(UUID().uuidString)"

  /// Makes what `pocketvisor disk` makes.
  init(for phone: String) throws {
    let file = InputFile(path: Repository.path + "/phone.yaml", data: Data(phone.utf8))
    let disk = PhoneDisk(try PhoneDescription(reading: file), path: file.path)
    _ = try disk?.create(path) { _, _, _ in }
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  /// QEMU's, for a board with this disk.
  /// - Parameter drive: more about the drive, such as `,readonly=on`.
  func arguments(drive: String = "") -> [String] {
    [
      "-global", "virtio-mmio.force-legacy=false", "-drive",
      "if=none,id=disk,format=raw,cache=writeback,file=\(path)\(drive)", "-device",
      "virtio-blk-device,drive=disk",
    ]
  }

  /// What a partition holds.
  func content(of partition: String) throws -> Data {
    let file = try InputFile(path: path)
    guard let found = try PartitionTable(reading: file).partitions.first(where: { $0.name == partition }) else {
      throw InputError("no partition \(partition)")
    }
    return file.data.dropFirst(Int(found.offset)).prefix(Int(found.size))
  }
}

extension PhoneText {
  /// The device server.
  static func steward(restart: String = "always") -> String {
    "  steward: { role: device-server, kernel: \(Repository.guest("steward")), memory: 8MiB, priority: 1, budget: 50%, restart: \(restart) }\n"
  }

  /// The guest that uses its disk.
  /// - Parameter more: about the partition, such as `, read-only: true`.
  static func disk(_ name: String, _ arguments: String, mebibytes: Int = 64, more: String = "") -> String {
    let disk = "disk: { partition: \(name), size: \(mebibytes)MiB\(more) }"
    return guest("disk", as: name, arguments, more: ", devices: { \(disk) }")
  }
}
