import Foundation
import Testing

@testable import HostCommands

/// A disk of the board that fails, or has no room for what is written.
@Suite(.enabled(if: Repository.hasDebian)) struct FailingDiskTests {
  /// Between the failures time for another line: the server reports one a second.
  private static let script = """
    dd if=/dev/vda of=/dev/null bs=4096 skip=512 count=1 iflag=direct 2>/dev/null; echo "bad: read $?"
    sleep 3
    dd if=/dev/zero of=/dev/vda bs=4096 seek=1024 count=1 oflag=direct 2>/dev/null; echo "bad: write $?"
    dd if=/dev/zero of=/dev/vda bs=4096 seek=1536 count=1 oflag=direct 2>/dev/null; echo "good: write $?"
    dd if=/dev/vda of=/dev/null bs=4096 skip=1536 count=1 iflag=direct 2>/dev/null; echo "good: read $?"
    echo "disk: tried"
    """

  /// Block 512 of the partition cannot be read (EIO) and block 1024 not be written (ENOSPC, as where the host has no
  /// room for a hole): the guest gets I/O errors there, the log a line each, and all else goes on.
  @Test func failingAndFull() throws {
    let ramdisk = try DebianRamdisk(["start": Self.script])
    defer { extendLifetime(ramdisk) }
    let devices = "disk: { partition: work.data, size: 16MiB }"
    let phone = "vms:\n" + PhoneText.steward() + PhoneText.debian("work", running: ramdisk, devices: devices)
    let disk = try DiskFile(for: phone)
    let sectors = try [512, 1024].map { try disk.sector(of: "work.data") + $0 * 8 }
    let rules = try disk.failures([("read_aio", EIO, sectors[0]), ("write_aio", ENOSPC, sectors[1])])
    defer { try? FileManager.default.removeItem(atPath: rules) }
    let running = try RunningProgram(
      phone, disk: disk.path, arguments: ["--", "-set", "drive.disk.file=blkdebug:\(rules):\(disk.path)"])
    #expect(running.waits(for: "work| disk: tried\n"), "\(running.tail)")
    let output = running.output
    for report in ["bad: read 1", "bad: write 1", "good: write 0", "good: read 0"] {
      #expect(output.contains("work| \(report)\n"), "\(running.tail)")
    }
    for sector in sectors {
      let lines = output.components(separatedBy: "steward: disk error, sector \(sector), VM 1\n").count - 1
      #expect(lines == 1, "\(running.tail)")
    }
    #expect(try running.pocketvisor("vm", "list").contains(try Regex("work +running")))
  }
}

extension DiskFile {
  /// The first sector of a partition.
  fileprivate func sector(of partition: String) throws -> Int {
    let table = try PartitionTable(reading: InputFile(path: path))
    guard let found = table.partitions.first(where: { $0.name == partition }) else {
      throw InputError("no partition \(partition)")
    }
    return Int(found.offset) / 512
  }

  /// Writes rules by which QEMU's driver `blkdebug` fails.
  /// - Returns: the path of a file.
  fileprivate func failures(_ rules: [(event: String, error: Int32, sector: Int)]) throws -> String {
    let text = rules.map { rule in
      """
      [inject-error]
      event = "\(rule.event)"
      errno = "\(rule.error)"
      sector = "\(rule.sector)"
      once = "off"

      """
    }
    try Data(text.joined().utf8).write(to: URL(fileURLWithPath: path + ".rules"))
    return path + ".rules"
  }
}
