import Foundation
import Testing

@testable import HostCommands

@Suite struct PartitionTableTests {
  private let folder = Workspace()

  private func disk(_ sizes: [(String, UInt64)]) throws -> (table: PartitionTable, data: Data) {
    let table = PartitionTable(sizes.map { (name: $0.0, bytes: $0.1) })
    var data = Data(count: Int(table.diskSize))
    data.replaceSubrange(0..<table.head.count, with: table.head)
    data.replaceSubrange(data.count - table.tail.count..<data.count, with: table.tail)
    return (table, data)
  }

  private func read(_ data: Data) throws -> PartitionTable {
    try PartitionTable(reading: InputFile(path: "d", data: data))
  }

  @Test func comesBack() throws {
    let (table, data) = try disk([("work.root", 3 << 20), ("personal.root", 1), ("ä€", 5 << 20)])
    #expect(table.partitions.map(\.offset) == [1 << 20, 4 << 20, 5 << 20])
    #expect(table.partitions.map(\.size) == [3 << 20, 1 << 20, 5 << 20])
    #expect(table.diskSize == 11 << 20)
    #expect(try read(data) == table)
  }

  /// Another program's opinion.
  @Test func sgdiskAgrees() throws {
    let longest = String(repeating: "x", count: 36)
    let (table, data) = try disk([("work.root", 4 << 20), (longest, 2 << 20)])
    folder.write("d", data)
    let check = try runProgram("/usr/sbin/sgdisk", ["-v", folder["d"]])
    #expect(check.status == 0)
    #expect(check.output.contains("No problems found"), "\(check.output)\(check.error)")
    let list = try runProgram("/usr/sbin/sgdisk", ["-p", folder["d"]]).output
    #expect(list.contains("Disk identifier (GUID): \(table.identifier)"), "\(list)")
    #expect(list.contains("   1            2048           10239   4.0 MiB     8300  work.root\n"))
    let second = try runProgram("/usr/sbin/sgdisk", ["-i", "2", folder["d"]]).output
    #expect(second.contains("Partition name: '\(longest)'"), "\(second)")
    #expect(second.contains("Partition unique GUID: \(table.partitions[1].identifier)"))
    #expect(second.contains("0FC63DAF-8483-4772-8E79-3D69D8477DE4"))
  }

  /// Of a disk that another program made.
  @Test func readsSgdisksDisks() throws {
    folder.write("d", Data(count: 8 << 20))
    let arguments = ["-n", "1:2048:+2M", "-c", "1:work.root", "-n", "3:8192:+1M", "-c", "3:b", folder["d"]]
    #expect(try runProgram("/usr/sbin/sgdisk", arguments).status == 0)
    let table = try PartitionTable(reading: InputFile(path: folder["d"]))
    #expect(table.partitions.map(\.name) == ["work.root", "b"])
    #expect(table.partitions.map(\.firstBlock) == [2048, 8192])
    #expect(table.partitions.map(\.size) == [2 << 20, 1 << 20])
  }

  @Test func damageIsFound() throws {
    let (_, data) = try disk([("a", 1 << 20)])
    for offset in Array(512..<604) + Array(stride(from: 1024, to: 1024 + 16384, by: 7)) {
      var damaged = data
      damaged[offset] ^= 1 << UInt8(offset % 8)
      #expect(throws: InputError.self, "byte \(offset)") { _ = try read(damaged) }
    }
    #expect(failure { _ = try read(data.prefix(2 << 20 - 1)) }.contains("is cut short"))
    for count in [0, 511, 1024, 1100, 4096] {
      #expect(throws: InputError.self) { _ = try read(data.prefix(count)) }
    }
    #expect(failure { _ = try read(Data(count: 4096)) } == "d: is no disk with a GUID partition table")
  }

  /// Tables with right checksums that say anything: whatever the reader says, it must not trap.
  @Test func anyTableIsReadWithoutATrap() throws {
    let (_, data) = try disk([("a", 1 << 20)])
    var random = SystemRandomNumberGenerator()
    for _ in 0..<500 {
      var damaged = data
      for _ in 0..<4 { damaged[Int.random(in: 1024..<1152, using: &random)] = UInt8.random(in: 0...255) }
      let entries = Checksum.crc32(damaged[1024..<1024 + 16384])
      damaged.replaceSubrange(600..<604, with: withUnsafeBytes(of: entries.littleEndian) { Data($0) })
      if Bool.random() { damaged[Int.random(in: 584..<600)] = UInt8.random(in: 0...255) }
      damaged.replaceSubrange(528..<532, with: Data(count: 4))
      let header = Checksum.crc32(damaged[512..<604])
      damaged.replaceSubrange(528..<532, with: withUnsafeBytes(of: header.littleEndian) { Data($0) })
      _ = try? read(damaged)
    }
  }

  /// The check value of CRC-32/ISO-HDLC.
  @Test func checksum() {
    #expect(Checksum.crc32(Data("123456789".utf8)) == 0xCBF4_3926)
  }
}

/// `pocketvisor disk`, and what `run` makes of disks that are there.
@Suite struct DiskTests {
  private let folder = Workspace.withPhone()

  private static func phone(_ work: String, _ personal: String) -> String {
    """
    vms:
      steward: { role: device-server, kernel: Image, memory: 4MiB }
      work: { kernel: Image, memory: 16MiB, devices: { disk: \(work) } }
      personal: { kernel: Image, memory: 16MiB, devices: { disk: \(personal) } }
    """
  }

  private static let both = phone(
    "{ partition: work.root, content: work.ext4 }", "{ partition: personal.root, size: 5MiB, content: p.ext4 }")

  init() {
    folder.write(
      "work.ext4", Data((0..<(2 << 20) + 100).map { UInt8(truncatingIfNeeded: $0 &* 13 &+ $0 >> 9) }))
    var holes = Data(count: 4 << 20)
    holes[3 << 20] = 7
    folder.write("p.ext4", holes)
    folder.write("phone.yaml", Self.both)
  }

  private func pocketvisor(_ arguments: String...) throws -> Outcome {
    try runProgram(pocketvisorPath, arguments, in: folder.path)
  }

  private func disk(_ text: String = both) throws -> PhoneDisk {
    folder.write("phone.yaml", text)
    let path = folder["phone.yaml"]
    return try #require(PhoneDisk(PhoneDescription(reading: InputFile(path: path)), path: path))
  }

  @Test func holdsTheContents() throws {
    let outcome = try pocketvisor("disk", "phone.yaml", "--output", "d.raw")
    #expect(outcome.status == 0, "\(outcome.error)")
    #expect(outcome.output == "d.raw: a new disk of 10 MiB: work.root for work, personal.root for personal\n")
    #expect(try runProgram("/usr/sbin/sgdisk", ["-v", folder["d.raw"]]).output.contains("No problems found"))
    let data = try #require(folder.read("d.raw"))
    let table = try PartitionTable(reading: InputFile(path: "d", data: data))
    #expect(table.partitions.map(\.size) == [3 << 20, 5 << 20])
    for (partition, name) in zip(table.partitions, ["work.ext4", "p.ext4"]) {
      let content = try #require(folder.read(name))
      let written = data.dropFirst(Int(partition.offset)).prefix(Int(partition.size))
      #expect(written == content + Data(count: Int(partition.size) - content.count))
    }
  }

  @Test func zerosStayHoles() throws {
    #expect(try pocketvisor("disk", "phone.yaml", "--output", "d.raw").status == 0)
    var status = stat()
    #expect(stat(folder["d.raw"], &status) == 0)
    #expect(status.st_blocks * 512 < 5 << 20)
  }

  @Test func nothingIsLostUnlessOneSaysSo() throws {
    folder.write("d.raw", "precious")
    let refused = try pocketvisor("disk", "phone.yaml", "--output", "d.raw")
    #expect(refused.status == 1)
    #expect(refused.error == "Error: d.raw: exists already; --force replaces it, and what is on it is lost\n")
    #expect(folder.read("d.raw") == Data("precious".utf8))
    #expect(try pocketvisor("disk", "phone.yaml", "--output", "d.raw", "--force").status == 0)
    #expect(folder.read("d.raw")?.count == 10 << 20)
  }

  @Test func isBesideThePhoneUnlessOneSaysOtherwise() throws {
    #expect(PhoneDisk.defaultPath(besides: "a/b/phone.yaml") == "a/b/.build/phone.disk")
    #expect(PhoneDisk.defaultPath(besides: "my.phone.yaml") == ".build/my.phone.disk")
    #expect(try pocketvisor("disk", "phone.yaml").status == 0)
    #expect(folder.read(".build/phone.disk")?.count == 10 << 20)
  }

  @Test(arguments: [
    ("work.root", "3:58: partition `work.root` of VM `work` needs a `size` or a `content` for a new disk"),
    ("{ partition: a, content: none.ext4 }", "none.ext4: no such file"),
    (
      "{ partition: a, size: 2MiB, content: work.ext4 }",
      "`size` of partition `a` is less than its content's 3 MiB"
    ),
  ])
  func whatANewDiskNeeds(work: String, sentence: String) throws {
    let disk = try disk(Self.phone(work, "{ partition: personal.root, size: 5MiB }"))
    let told = failure { _ = try disk.create(folder["d.raw"]) { _, _, _ in } }
    #expect(told.contains(sentence), "\(told)")
    #expect(folder.read("d.raw") == nil)
  }

  @Test func aPhoneWithoutDisksHasNone() throws {
    folder.write("phone.yaml", Samples.phone)
    #expect(
      try pocketvisor("disk", "phone.yaml").error
        == "Error: phone.yaml: no VM has a `disk` among its `devices`\n")
  }

  @Test func progressIsTold() throws {
    var told: [String: UInt64] = [:]
    _ = try disk().create(folder["d.raw"]) { name, done, all in
      #expect(done <= all)
      #expect(told[name, default: 0] < done)
      told[name] = done
    }
    #expect(told == ["work.root": 2 << 20 + 100, "personal.root": 4 << 20])
  }

  // MARK: Disks that are there

  @Test func aDiskThatFitsIsTaken() throws {
    _ = try disk().create(folder["d.raw"]) { _, _, _ in }
    #expect(failure { try disk().check(folder["d.raw"]) } == "no failure")
    #expect(
      failure { try disk(Self.phone("work.root", "personal.root")).check(folder["d.raw"]) } == "no failure")
  }

  @Test(arguments: [
    ("other.root", "has no partition `other.root` for VM `work`"),
    (
      "{ partition: work.root, size: 4MiB }",
      "partition `work.root` of VM `work` has 3MiB, the phone wants 4MiB"
    ),
  ])
  func aDiskThatDoesNotFitIsRefused(work: String, sentence: String) throws {
    _ = try disk().create(folder["d.raw"]) { _, _, _ in }
    let other = try disk(Self.phone(work, "personal.root"))
    let told = failure { try other.check(folder["d.raw"]) }
    #expect(told.contains("d.raw: " + sentence), "\(told)")
    let advice = "pocketvisor disk \(folder["phone.yaml"]) --output \(folder["d.raw"]) --force"
    #expect(told.hasSuffix("; name another with --disk, or lose what is on it: \(advice)"), "\(told)")
  }

  @Test func whatIsNoDiskIsRefused() throws {
    folder.write("d.raw", Data(count: 4096))
    let told = failure { try disk().check(folder["d.raw"]) }
    #expect(told.contains("is no disk with a GUID partition table; name another with --disk"), "\(told)")
  }
}
