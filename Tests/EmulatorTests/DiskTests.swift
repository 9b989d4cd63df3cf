import Foundation
import Testing

@testable import HostCommands

/// What VMs keep on the phone's disk, whatever ends.
@Suite(.enabled(if: Repository.isBuilt)) struct DiskTests {
  // MARK: Kills

  /// QEMU is killed (SIGKILL) after a number of flushes: every record that was written before the last one is there.
  @Test(arguments: 1...(Repository.isLongRun ? 50 : 10) as ClosedRange<Int>) func killed(seed: Int) throws {
    let phone = PhoneText.phone(
      PhoneText.steward(), PhoneText.disk("recorder", "mode=record seed=\(seed)"))
    let disk = try DiskFile(for: phone)
    let board = EmulatedBoard(mebibytes: 256, devices: disk.arguments(), timeout: .seconds(240))
    let flushes = 1 + seed * 7919 % 150
    let recording = try board.run(phone: phone, script: Script(until: [], repeated: (" safe", flushes)))
    let safe = Records.safe(in: recording.output)
    #expect(safe >= flushes, "\(recording.tail)")
    let lost = Records.lost(of: safe, in: try disk.content(of: "recorder"))
    #expect(lost.isEmpty, "of \(safe) records: \(lost)")
  }

  // MARK: Partitions

  /// Two Debians start from partitions of their own, write, restart, and find what they wrote; neither sees the other's.
  @Test(.enabled(if: Repository.hasDebian)) func partitions() throws {
    let (work, personal) = (try DebianDisk(mark: "ours"), try DebianDisk(mark: "theirs"))
    let phone = PhoneText.phone(
      PhoneText.steward(), PhoneText.debian("work", on: work, mebibytes: 17),
      PhoneText.debian("personal", on: personal, mebibytes: 19))
    let disk = try DiskFile(for: phone)
    let board = EmulatedBoard(cpus: 2, mebibytes: 768, devices: disk.arguments(), timeout: .seconds(300))
    let recording = try board.run(phone: phone, script: Self.twoDebians)
    #expect(recording.missing.isEmpty, "\(recording.tail)")
  }

  private static let twoDebians: Script = {
    let look =
      "echo sees: $(ls /sys/block | grep -c vd) $(cat /sys/block/vda/size) $(cat /mark); F=/root/$(hostname)"
    let write = "dd if=/dev/urandom of=$F bs=64k count=16; md5sum $F >/root/sum; sync; reboot -f\r"
    let read = "md5sum -c /root/sum\r"
    return Script(
      until: ["sees: 1 34816 ours", "sees: 1 38912 theirs", "/root/work: OK", "/root/personal: OK"],
      reactions: [
        ("is up on", ""), ("is up on", "\u{1D}2\(look); \(write)"),
        ("SYSTEM_RESET", "\u{1D}3\(look); \(write)"),
        ("SYSTEM_RESET", "\u{1D}a"), ("is up on", ""), ("is up on", "\u{1D}2\(read)"),
        ("/root/work: OK", "\u{1D}3\(read)"),
      ])
  }()

  /// What may not be written is not, and says so.
  @Test func readOnly() throws {
    let phone = PhoneText.phone(
      PhoneText.steward(), PhoneText.disk("reader", "mode=record", mebibytes: 4, more: ", read-only: true"))
    let disk = try DiskFile(for: phone)
    let recording = try EmulatedBoard(mebibytes: 256, devices: disk.arguments()).run(
      phone: phone, script: Script(until: ["disk: FAIL a write of 0"], failures: []))
    #expect(recording.missing.isEmpty, "\(recording.tail)")
    #expect(try disk.content(of: "reader").allSatisfy { $0 == 0 })
  }
}

/// What the guest `disk` writes with mode=record.
enum Records {
  private static let size = 4096

  /// How many the guest called safe.
  static func safe(in output: String) -> Int {
    output.matches(of: /disk: ([0-9]+) safe/).compactMap { Int($0.1) }.max() ?? 0
  }

  /// The numbers of those that are not as they were written.
  static func lost(of count: Int, in partition: Data) -> [Int] {
    let bytes = Data(partition.prefix(count * size))
    return bytes.withUnsafeBytes { bytes in
      let words = bytes.bindMemory(to: UInt64.self)
      return (0..<count).filter { record in !isThere(UInt64(record), words) }
    }
  }

  private static func isThere(_ record: UInt64, _ words: UnsafeBufferPointer<UInt64>) -> Bool {
    (0..<512).allSatisfy { index in
      let word = (record << 32 | 1 << 9 | UInt64(index)) &* 0x9E37_79B9_7F4A_7C15
      return UInt64(littleEndian: words[Int(record) * 512 + index]) == word
    }
  }
}
