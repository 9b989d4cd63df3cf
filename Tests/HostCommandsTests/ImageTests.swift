import Appliance
import Crypto
import Foundation
import Testing

@testable import HostCommands

/// Device images and appliances: written, read back, damaged.
@Suite struct ImageTests {
  private let folder = Workspace.withPhone()

  private func phoneImage() throws -> Data {
    let phone = try PhoneDescription(reading: InputFile(path: folder["phone.yaml"]))
    let layout = try PhoneLayout(phone, for: .virt(cpus: 2, memory: .mebibytes(1024)))
    let image = try DeviceImage(layout)
    try OutputFile.replace(folder["phone.fit"]) { try image.tree.write(to: $0) }
    return try #require(folder.read("phone.fit"))
  }

  private func check(_ data: Data) throws -> PhoneContent {
    try PhoneContent(ImageFile(verifying: InputFile(path: "phone.fit", data: data)))
  }

  @Test func recordsComeBack() throws {
    let content = try check(phoneImage())
    #expect(content.header.interruptControllerGeneration == 3)
    #expect(content.machines.map(\.nameText) == ["work", "personal"])
    let work = content.machines[0]
    let personal = content.machines[1]
    #expect(work.memorySize == 16 << 20)
    #expect(work.virtualCPUCount == 2)
    #expect(personal.priority == 3)
    #expect(work.segmentCount == 3)
    #expect(work.seedCount == 2)
    #expect(work.placement[1] == 1)
    #expect(personal.budget == 5000)
    #expect(personal.period == 10_000)
    #expect(work.budget == 0)
    #expect(work.executionState == ExecutionState.aarch64)
  }

  @Test func rulesComeBack() throws {
    folder.write(
      "phone.yaml",
      """
      windows: { notes: { write: [b] }, pay: { write: [a], read: [b] } }
      vms:
        a: { kernel: Image, memory: 16MiB, calls: [b], restart: { policy: always, limit: 200, delay: 60000ms } }
        b: { kernel: Image, memory: 16MiB, restart: never, budget: 1%, period: 1000ms, key: true }
      """)
    let content = try check(phoneImage())
    let (first, second) = (content.machines[0], content.machines[1])
    #expect(
      (first.restartPolicy, first.restartLimit, first.restartDelay) == (RestartPolicy.always, 200, 60_000))
    #expect((second.restartPolicy, second.restartLimit) == (RestartPolicy.never, 0))
    #expect((second.budget, second.period) == (10_000, 1_000_000))
    #expect((first.partners, second.partners) == (0b10, 0))
    #expect((first.readableWindows, first.writableWindows) == (0b10, 0b10))
    #expect((second.readableWindows, second.writableWindows) == (0b11, 0b01))
    #expect(content.trees.map(\.hasKey) == [false, true])
    #expect(content.trees[1].windows.map(\.name) == ["notes", "pay"])
  }

  /// The device does not read the tree: it takes what lies at the first page behind it.
  @Test func theRecordIsTheFirstData() throws {
    let data = try phoneImage()
    let size = InputFile(path: "", data: data).treeSize
    let start = Int(PhoneHeader.offset(treeSize: UInt32(size)))
    #expect(data[start..<start + 8] == Data("PVPHONE\u{4}".utf8))
    let told = failure { _ = try check(rebuilt(reversed: true) { _ in }) }
    #expect(told.contains("the device would not find its phone record"), "\(told)")
  }

  @Test func segmentsPointAtTheirBytes() throws {
    let data = try phoneImage()
    let work = try check(data).machines[0]
    let ramdisk = work.segments[2]
    let offset = Int(ramdisk.sourceOffset)
    #expect(offset % 4096 == 0)
    #expect(data[offset..<offset + Int(ramdisk.size)] == folder.read("initrd.gz"))
  }

  @Test func sameContentIsStoredOnce() throws {
    let work = try check(phoneImage()).machines
    #expect(work[0].segments[0].sourceOffset == work[1].segments[0].sourceOffset)
    #expect(work[0].segments[1].sourceOffset != work[1].segments[1].sourceOffset)
  }

  @Test func entropyIsFresh() throws {
    let first = try check(phoneImage()).header.entropy
    let second = try check(phoneImage()).header.entropy
    #expect((0..<4).contains { first[$0] != second[$0] })
  }

  @Test func debianToolsReadIt() throws {
    _ = try phoneImage()
    let list = try runProgram("mkimage", ["-l", folder["phone.fit"]])
    #expect(list.status == 0)
    #expect(list.output.contains("Image 1 (kernel-work)"))
    #expect(list.output.contains("Configuration 1 (personal)"))
    #expect(list.output.contains("Default Configuration: 'work'"))
    let extract = try runProgram(
      "dumpimage", ["-T", "flat_dt", "-p", "1", "-o", folder["kernel.out"], folder["phone.fit"]])
    #expect(extract.status == 0)
    #expect(folder.read("kernel.out") == folder.read("Image"))
  }

  @Test func everyFlippedBitIsFound() throws {
    let data = try phoneImage()
    let tree = Array(0..<4096)
    let rest = Array(stride(from: 4096, to: data.count, by: 97))
    for offset in tree + rest {
      var damaged = data
      damaged[offset] ^= 1 << UInt8(offset % 8)
      #expect(throws: InputError.self, "byte \(offset)") { _ = try check(damaged) }
    }
  }

  /// Damaged trees whose seal was made right again: whatever the reader says, it must not trap.
  @Test func resealedDamageDoesNotTrap() throws {
    let data = try phoneImage()
    let seal = try #require(
      DeviceTreeNode(reading: InputFile(path: "", data: data)).property(ImageTree.sealName))
    let size = InputFile(path: "", data: data).treeSize
    var state: UInt64 = 99
    func random(_ bound: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33) % bound
    }
    for _ in 0..<2000 {
      var damaged = data
      for _ in 0...random(3) { damaged[40 + random(size - 40)] = UInt8(random(256)) }
      let place = seal.offset..<seal.offset + seal.value.count
      damaged.replaceSubrange(place, with: Data(count: place.count))
      damaged.replaceSubrange(place, with: Data(SHA256.hash(data: damaged.prefix(size))))
      _ = try? CheckedImage(InputFile(path: "phone.fit", data: damaged))
    }
  }

  @Test func everyTruncationIsFound() throws {
    let data = try phoneImage()
    for count in Array(stride(from: 0, to: data.count, by: 61)) + [data.count - 1] {
      #expect(throws: InputError.self, "\(count) bytes") { _ = try check(data.prefix(count)) }
    }
    #expect(failure { _ = try check(data + [0]) }.contains("1 bytes too many"))
  }

  @Test func damagedRecordsAreRefused() throws {
    let damages: [(inout VirtualMachineRecord) -> Void] = [
      { $0.memorySize = 1 }, { $0.memoryBase = .max }, { $0.memorySize = 0 }, { $0.entry = 0 },
      { $0.argument = 1 }, { $0.executionState = 2 },
      { $0.virtualCPUCount = 0 }, { $0.virtualCPUCount = 9 }, { $0.segmentCount = 7 }, { $0.seedCount = 3 },
      { $0.segments[0].size = .max }, { $0.segments[0].guestAddress = 0 }, { $0.segments[1].sourceOffset = 0 },
      { $0.seeds[0].guestAddress = .max }, { $0.seeds[1].size = .max }, { $0.budget = 1 },
      { $0.period = 1000 }, { ($0.budget, $0.period) = (2000, 1000) },
      { ($0.budget, $0.period) = (1, 2_000_000) },
      { ($0.budget, $0.period) = (1, 50) }, { $0.restartPolicy = 3 }, { $0.restartDelay = 60_001 },
      { $0.partners = 1 },
      { $0.partners = 4 }, { $0.readableWindows = 1 }, { $0.writableWindows = 1 },
      { ($0.readableWindows, $0.writableWindows) = (1, 1) },
      { $0.segments[1].guestAddress += 8 },
    ]
    for (index, damage) in damages.enumerated() {
      #expect(throws: InputError.self, "damage \(index)") { _ = try check(rebuilt(damage)) }
    }
    #expect(throws: Never.self) { _ = try check(rebuilt { _ in }) }
  }

  /// The image with its first record changed and all hashes right.
  private func rebuilt(reversed: Bool = false, _ change: (inout VirtualMachineRecord) -> Void) throws -> Data {
    let image = try ImageFile(verifying: InputFile(path: "phone.fit", data: phoneImage()))
    let entry = try #require(image.entry("phone"))
    var record = image.data(of: entry)
    var machine = try #require(VirtualMachineRecord(record.dropFirst(64)))
    change(&machine)
    record.replaceSubrange(64..<320, with: machine.bytes)
    let images = image.entries.map {
      ImageTree.Image($0.name, "", type: $0.type, data: $0.name == "phone" ? record : image.data(of: $0))
    }
    // Without descriptions the tree is shorter, but the data begins at the same page.
    let tree = ImageTree(
      description: "", images: reversed ? images.reversed() : images, configurations: [])
    try OutputFile.replace(folder["rebuilt.fit"]) { try tree.write(to: $0) }
    return try #require(folder.read("rebuilt.fit"))
  }

  @Test func appliancesComeBack() throws {
    let settings = MachineSettings(commandLine: "a b", memory: .mebibytes(64), cpus: 2)
    let appliance = ApplianceFile(
      kernel: try InputFile(path: folder["Image"]), ramdisk: try InputFile(path: folder["initrd.gz"]),
      manifest: ApplianceManifest(settings: settings))
    try OutputFile.replace(folder["work.fit"]) { try appliance.imageTree().write(to: $0) }
    let back = try ApplianceFile(reading: InputFile(path: folder["work.fit"]))
    #expect(back.manifest == appliance.manifest)
    #expect(back.kernel.data == folder.read("Image"))
    #expect(back.ramdisk?.data == folder.read("initrd.gz"))
  }

  @Test func aPhoneMayOverrideItsAppliances() throws {
    let settings = MachineSettings(commandLine: "a b", memory: .mebibytes(64), cpus: 2)
    let appliance = ApplianceFile(
      kernel: try InputFile(path: folder["Image"]), ramdisk: nil,
      manifest: ApplianceManifest(settings: settings))
    try OutputFile.replace(folder["work.fit"]) { try appliance.imageTree().write(to: $0) }
    folder.write("phone.yaml", "vms: { work: { appliance: work.fit, memory: 32MiB } }")
    let machine = try #require(try check(phoneImage()).machines.first)
    #expect(machine.memorySize == 32 << 20)
    #expect(machine.virtualCPUCount == 2)
  }

  @Test func rawKernelsTravelInAppliances() throws {
    folder.write("raw.bin", Data([1, 2, 3, 4]))
    let appliance = ApplianceFile(
      kernel: try InputFile(path: folder["raw.bin"]), ramdisk: nil,
      manifest: ApplianceManifest(settings: MachineSettings(memory: .mebibytes(4)), form: KernelForm(.raw)))
    try OutputFile.replace(folder["raw.fit"]) { try appliance.imageTree().write(to: $0) }
    folder.write("phone.yaml", "vms: { a: { appliance: raw.fit } }")
    #expect(try check(phoneImage()).machines[0].entry == 0x4020_0000)
  }

  @Test func otherFilesAreNotOurs() throws {
    var root = DeviceTreeNode("")
    root.set("model", "a board")
    #expect(failure { _ = try check(Data(root.flattened())) }.contains("no FIT image"))
    #expect(failure { _ = try check(Data("hello".utf8)) }.contains("is no device tree or FIT image"))
  }
}
