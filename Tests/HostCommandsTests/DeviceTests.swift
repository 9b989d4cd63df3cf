import Appliance
import Foundation
import Testing

@testable import HostCommands

/// A phone with a device server: read, laid out, written, read back.
@Suite struct DeviceTests {
  private let folder = Workspace.withPhone()

  private static let phone = """
    windows: { pay: { write: [work], read: [vault] } }
    vms:
      steward: { role: device-server, kernel: Image, memory: 8MiB }
      work:
        kernel: Image
        ramdisk: initrd.gz
        memory: 16MiB
        cmdline: quiet
        calls: [vault]
        devices:
          disk: { partition: work.root, size: 4MiB, read-only: true }
          network: { host: true, reach: [personal, tablet] }
          console: true
          entropy: true
          screen: { colour: "#2E7D32" }
          vault: vault
          window: 8MiB
      personal:
        kernel: Image
        memory: 32MiB
        devices: { disk: personal.root, network: { reach: [work] }, screen: true, share: all }
      tablet: { kernel: Image, memory: 16MiB, devices: { network: true } }
      vault: { kernel: Image, memory: 4MiB }
    """

  private func description(_ text: String = phone) throws -> PhoneDescription {
    folder.write("phone.yaml", text)
    return try PhoneDescription(reading: InputFile(path: folder["phone.yaml"]))
  }

  private func layout(_ text: String = phone) throws -> PhoneLayout {
    try PhoneLayout(description(text), for: .virt(cpus: 2, memory: .mebibytes(1024)))
  }

  private func image(_ text: String = phone) throws -> Data {
    let image = try DeviceImage(layout(text))
    try OutputFile.replace(folder["phone.fit"]) { try image.tree.write(to: $0) }
    return try #require(folder.read("phone.fit"))
  }

  private func content(_ text: String = phone) throws -> PhoneContent {
    try PhoneContent(ImageFile(verifying: InputFile(path: "phone.fit", data: image(text))))
  }

  private func trees() throws -> [DeviceTreeNode] {
    try layout().machines.map {
      try DeviceTreeNode(reading: InputFile(path: "tree", data: $0.deviceTree.content))
    }
  }

  // MARK: phone.yaml

  @Test func readsDevices() throws {
    let machines = try description().virtualMachines
    #expect(machines.map(\.rules.isDeviceServer) == [true, false, false, false, false])
    let work = try #require(machines[1].rules.devices)
    #expect(work.disk?.name == "work.root")
    #expect(work.disk?.size == .mebibytes(4))
    #expect(work.disk?.isReadOnly == true)
    #expect(work.network?.reachesHost == true)
    #expect(work.network?.reach == ["personal", "tablet"])
    #expect(work.screen?.colour == 0x2E7D32)
    #expect(work.sharing == .window(.mebibytes(8)))
    #expect(work.virtioPlaces == [.block, .network, .console, .entropy, .keys, .touch])
    let personal = try #require(machines[2].rules.devices)
    #expect(personal.disk?.size == nil)
    #expect(personal.network?.reachesHost == false)
    #expect(personal.sharing == .all)
    #expect(personal.virtioPlaces == [.block, .network, .keys, .touch])
    let tablet = try #require(machines[3].rules.devices)
    #expect(tablet.network?.reachesHost == true)
    #expect(tablet.sharing == .window(.mebibytes(6)))
    #expect(machines[4].rules.devices == nil)
  }

  @Test func contentLiesBesideThePhone() throws {
    let text = """
      vms:
        s: { role: device-server, kernel: a }
        a: { kernel: a, devices: { disk: { partition: p, content: p.ext4 } } }
      """
    let phone = try PhoneDescription(reading: Samples.file("folder/phone.yaml", text))
    #expect(phone.virtualMachines[1].rules.devices?.disk?.content == "folder/p.ext4")
  }

  /// Behind a device server, what is wrong with the devices of VM `a`, and where.
  @Test(arguments: [
    ("{ dsik: p }", "3:31: unknown key `dsik` in `devices` of VM `a`; did you mean `disk`?"),
    ("true", "3:29: `devices` of VM `a` must be a list of `key: value`"),
    ("{}", "3:29: `devices` of VM `a` name no device"),
    ("{ share: all }", "name no device"),
    ("{ network: false, console: false }", "name no device"),
    ("{ disk: [p] }", "`disk` of `devices` of VM `a` must be a text"),
    ("{ disk: '' }", "`` is no name for a partition"),
    ("{ disk: 'a b' }", "3:37: `a b` is no name for a partition: 1 to 36 of a-z, A-Z, 0-9, `.`, `-` and `_`"),
    ("{ disk: abcdefghijklmnopqrstuvwxyz0123456789x }", "is no name for a partition"),
    ("{ disk: { size: 3MiB } }", "3:37: `disk` in `devices` of VM `a` needs a `partition`"),
    ("{ disk: { partition: p, sise: 3MiB } }", "did you mean `size`?"),
    ("{ disk: { partition: p, size: 0MiB } }", "must be from 1KiB to 1024GiB"),
    ("{ disk: { partition: p, size: 1025GiB } }", "3:59: `size` of `disk` in `devices` of VM `a`"),
    ("{ disk: { partition: p, size: much } }", "must be a size such as 256MiB"),
    ("{ disk: { partition: p, read-only: 1 } }", "must be true or false"),
    ("{ disk: q }", "3:37: VM `a` cannot have partition `q`: it is VM `b`'s"),
    ("{ network: yes }", "`network` of `devices` of VM `a` must be true or false"),
    ("{ network: { hots: true } }", "did you mean `host`?"),
    ("{ network: { reach: [d] } }", "there is no VM `d`"),
    ("{ network: { reach: [b] } }", "3:40: VM `a` wants to reach VM `b`, which has no `network`"),
    ("{ network: { reach: [a] } }", "VM `a` needs no network to reach itself"),
    (
      "{ screen: { colour: red } }", "3:49: `colour` of `screen` in `devices` of VM `a` must be six hexadecimal"
    ),
    ("{ screen: { colour: '#+12345' } }", "must be six hexadecimal digits"),
    ("{ screen: { colour: '#12345' } }", "must be six hexadecimal digits"),
    ("{ entropy: true, vault: v }", "3:53: `vault` in `devices` of VM `a` needs `console: true`"),
    ("{ console: true, vault: x }", "`vault` of `devices` of VM `a`: there is no VM `x`"),
    ("{ console: true, vault: s }", "VM `s` is the device server and cannot be a vault too"),
    ("{ console: true, share: some }", "must be one of `window`, `all`"),
    (
      "{ console: true, share: all, window: 6MiB }", "3:66: `window` in `devices` of VM `a`: there is none with"
    ),
    ("{ console: true, window: 5MiB }", "must be a multiple of 2MiB, from 4MiB to 510MiB"),
    ("{ console: true, window: 2MiB }", "must be a multiple of 2MiB, from 4MiB to 510MiB"),
    ("{ console: true, window: 512MiB }", "must be a multiple of 2MiB, from 4MiB to 510MiB"),
  ])
  func mistakes(devices: String, sentence: String) {
    let text = """
      vms:
        b: { kernel: a, devices: { disk: q } }
        a: { calls: [s], devices: \(devices), kernel: a }
        s: { role: device-server, kernel: a }
        v: { kernel: a }
      """
    let told = failure { _ = try description(text) }
    #expect(told.contains(sentence), "\(told)")
    #expect(told.contains("phone.yaml:3:"))
    #expect(!told.contains("\n"))
  }

  @Test(arguments: [
    (
      "{ a: { kernel: a, devices: { console: true } } }",
      "1:33: VM `a` has `devices`, but no VM of the phone is their server (`role: device-server`)"
    ),
    ("{ a: { kernel: a, role: server } }", "1:30: `role` of VM `a` must be one of `device-server`"),
    (
      "{ a: { kernel: a, role: device-server, devices: { console: true } } }",
      "1:54: VM `a` is the device server and has no `devices` served"
    ),
    (
      "{ a: { kernel: a, role: device-server }, b: { kernel: a, role: device-server } }",
      "1:47: VM `b` cannot be the device server: VM `a` is"
    ),
  ])
  func mistakesOfRoles(machines: String, sentence: String) {
    let told = failure { _ = try description("vms: " + machines) }
    #expect(told.contains(sentence), "\(told)")
  }

  @Test func windowsAreLimited() {
    func told(_ screens: Int, _ windows: Int) -> String {
      let own = (0..<windows).map { "w\($0): { write: [s] }" }.joined(separator: ", ")
      let clients = (0..<screens).map { "  c\($0): { kernel: a, devices: { screen: true } }\n" }.joined()
      return failure {
        _ = try description(
          "windows: { \(own) }\nvms:\n  s: { kernel: a, role: device-server }\n" + clients)
      }
    }
    #expect(told(4, 0) == "no failure")
    #expect(told(2, 4) == "no failure")
    #expect(told(0, 7) == "no failure")
    #expect(told(0, 8).contains("3:3: 9 windows with those that the device server needs"), "\(told(0, 8))")
    #expect(told(2, 5).contains("9 windows"))
    #expect(told(4, 1).contains("9 windows"))
  }

  @Test func theServerHasOneCPUAndSeesThreeGigabytes() {
    func told(_ server: String, _ client: String) -> String {
      failure {
        _ = try layout(
          "vms:\n  s: { role: device-server, kernel: Image, \(server) }\n  a: { kernel: Image, \(client) }")
      }
    }
    let client = "memory: 16MiB, devices: { console: true }"
    #expect(told("memory: 4MiB", client) == "no failure")
    #expect(
      told("memory: 4MiB, cpus: 2", client).contains(":2:3: VM `s` is the device server: it has one CPU"))
    #expect(told("memory: 4GiB", client).contains("VM `s` has 4GiB of memory; the device server sees 3GiB"))
    let large = "memory: 4GiB, devices: { console: true, share: all }"
    #expect(told("memory: 4MiB", large).contains(":3:3: VM `a` has 4GiB of memory; the device server sees"))
  }

  @Test func windowsForLinux() {
    func arguments(_ mebibytes: UInt64) -> String? {
      GuestDeviceTree.Client(window: mebibytes << 20, places: []).linuxArguments
    }
    let rest = " sysctl.vm.lowmem_reserve_ratio=1"
    #expect(arguments(4) == "swiotlb=1024 cma=2M" + rest)
    #expect(arguments(6) == "swiotlb=2048 cma=2M" + rest)
    #expect(arguments(8) == "swiotlb=2048 cma=4M" + rest)
    #expect(arguments(10) == "swiotlb=4096 cma=2M" + rest)
    #expect(arguments(510) == "swiotlb=131072 cma=254M" + rest)
    #expect(GuestDeviceTree.Client(window: nil, places: []).linuxArguments == nil)
  }

  @Test func aWindowIsNotLargerThanItsMemory() {
    func told(_ memory: Int, _ window: Int) -> String {
      failure {
        _ = try layout(
          """
          vms:
            s: { role: device-server, kernel: Image, memory: 4MiB }
            a: { kernel: Image, memory: \(memory)MiB, devices: { console: true, window: \(window)MiB } }
          """)
      }
    }
    #expect(told(4, 6) == "no failure")
    #expect(told(64, 64) == "no failure")
    #expect(told(6, 8).contains(":3:3: VM `a`: a `window` of 8MiB is too large beside 6MiB of memory"))
  }

  // MARK: Layout and records

  @Test func clientsWithAWindowLiveInTheMainBank() throws {
    let machines = try layout().machines
    #expect(machines.map(\.memoryBase) == [0x4000_0000, 0x8000_0000, 0x4000_0000, 0x8000_0000, 0x4000_0000])
    #expect(machines[1].deviceTree.guestAddress == 0x8000_0000)
    #expect(machines[1].entry == 0x8020_0000)
    #expect(machines[1].ramdisk?.guestAddress == 0x8040_0000)
    #expect(machines[1].seeds.allSatisfy { $0.guestAddress > 0x8000_0000 })
  }

  @Test func recordsOfServerAndClients() throws {
    let content = try content()
    #expect(content.header.deviceServer == 1)
    #expect(content.header.windowCount == 6)
    #expect(content.machines.map(\.sharing) == [0, 1, 3, 1, 0])
    #expect(content.machines.map(\.windowSize) == [0, 4, 0, 3, 0])
    #expect(content.machines.map(\.readableWindows) == [0b011111, 0b100010, 0b001000, 0, 0b110000])
    #expect(content.machines.map(\.writableWindows) == [0b011111, 0b100010, 0b001000, 0, 0b010000])
    #expect(content.machines[1].argument == 0x8000_0000)
    #expect(content.machines[1].memorySize == 16 << 20)
    // The vault tells the server that it has answered.
    #expect(content.machines.map(\.partners) == [0, 0b10000, 0, 0, 1])
    let server = content.machines[0]
    #expect(server.segmentCount == 3)
    #expect(server.segments[2].sourceOffset == .max)
    #expect(server.segments[2].size == 512 << 10)
    #expect(server.segments[2].guestAddress == 0x4010_0000)
  }

  @Test func windowsAndDMAWindowsCountAsMemory() throws {
    let guests: UInt64 = 8 + 16 + 8 + 32 + 16 + 6 + 4 + 6 * 2
    #expect(try layout().memoryNeeded(imageSize: 0) == .mebibytes(guests + 8))
  }

  @Test func withoutAServerNothingOfIt() throws {
    let content = try content(Samples.phone)
    #expect(content.header.deviceServer == 0)
    #expect(content.header.windowCount == 0)
    let layout = try layout(Samples.phone)
    let tree = try DeviceTreeNode(
      reading: InputFile(path: "tree", data: layout.machines[0].deviceTree.content))
    #expect(tree.node("pl031@9010000") == nil)
    #expect(tree.node("bus") == nil)
    #expect(tree.node("chosen")?.children == [])
    #expect(tree.node("chosen")?.string("bootargs") == "console=ttyAMA0")
  }

  /// Records with all hashes right, but about a device server that cannot be followed.
  @Test func damagedRecordsAreRefused() throws {
    let damages: [(Int, (inout PhoneHeader, inout VirtualMachineRecord) -> Void)] = [
      (0, { header, _ in header.deviceServer = 6 }), (0, { header, _ in header.deviceServer = 0 }),
      (0, { header, _ in header.deviceServer = 2 }), (0, { header, _ in header.windowCount = 4 }),
      (0, { header, _ in header.windowCount = 9 }), (0, { $1.virtualCPUCount = 2 }),
      (0, { $1.sharing = 2 }), (0, { $1.segmentCount = 2 }), (1, { $1.sharing = 2 }), (1, { $1.sharing = 3 }),
      (1, { $1.sharing = 0 }), (1, { $1.windowSize = 0 }), (1, { $1.windowSize = 3 }),
      (1, { $1.readableWindows = 0b10000 }), (2, { $1.windowSize = 1 }), (2, { $1.sharing = 1 }),
      (2, { $1.segments[1].sourceOffset = .max }), (3, { $1.memoryBase = 0x4000_0000 }),
    ]
    for (index, damage) in damages.enumerated() {
      #expect(throws: InputError.self, "damage \(index)") { _ = try damaged(damage.0, damage.1) }
    }
    #expect(try damaged(0) { _, _ in }.machines.count == 5)
  }

  private func damaged(
    _ index: Int, _ change: (inout PhoneHeader, inout VirtualMachineRecord) -> Void
  ) throws -> PhoneContent {
    let image = try ImageFile(verifying: InputFile(path: "phone.fit", data: image()))
    var record = image.data(of: try #require(image.entry("phone")))
    let place = 64 + 256 * index
    var header = try #require(PhoneHeader(record))
    var machine = try #require(VirtualMachineRecord(record.dropFirst(place)))
    change(&header, &machine)
    record.replaceSubrange(place..<place + 256, with: machine.bytes)
    record.replaceSubrange(0..<64, with: header.bytes)
    let images = image.entries.map {
      ImageTree.Image($0.name, "", type: $0.type, data: $0.name == "phone" ? record : image.data(of: $0))
    }
    // As long as the tree was, so that the data lies where the record says.
    let text = String(repeating: " ", count: 600)
    let tree = ImageTree(description: text, images: images, configurations: [])
    return try PhoneContent(
      ImageFile(verifying: InputFile(path: "phone.fit", data: try tree.data())))
  }

  // MARK: Device trees

  @Test func aClientsTree() throws {
    let work = try trees()[1]
    #expect(numbers(work.node("memory@80000000")) == [0x8000_0000, 16 << 20])
    #expect(numbers(work.node("memory@40000000")) == [0x4000_0000, 8 << 20])
    let bus = try #require(work.node("bus"))
    #expect(numbers(bus, "dma-ranges") == [0x4000_0000, 0x4000_0000, 8 << 20])
    #expect(bus.property("ranges")?.value == [])
    #expect(bus.children.map(\.name) == (0..<6).map { "virtio_mmio@a000\($0 == 5 ? "a" : String(2 * $0))00" })
    for (index, device) in bus.children.enumerated() {
      #expect(device.string("compatible") == "virtio,mmio")
      #expect(numbers(device) == [0xA00_0000 + 0x200 * UInt64(index), 0x200])
      #expect((0..<3).map { device.cell("interrupts", $0) } == [0, 16 + UInt32(index), 1])
      #expect(device.property("dma-coherent") != nil)
    }
    #expect(
      work.node("chosen")?.string("bootargs")
        == "quiet swiotlb=2048 cma=4M sysctl.vm.lowmem_reserve_ratio=1")
    #expect(numbers(work.node("pl031@9010000")) == [0x901_0000, 0x1000])
    #expect(work.node("shared-memory@20a00000")?.string("label") == "pay")
    #expect(work.node("shared-memory@20200000") == nil)
  }

  @Test func aFrameBuffer() throws {
    let trees = try trees()
    let screen = try #require(trees[1].node("chosen/framebuffer@20200000"))
    #expect(screen.string("compatible") == "simple-framebuffer")
    #expect(numbers(screen) == [0x2020_0000, 0x16_8000])
    #expect(screen.cell("width") == 480)
    #expect(screen.cell("height") == 768)
    #expect(screen.cell("stride") == 1920)
    #expect(screen.string("format") == "x8r8g8b8")
    #expect(trees[1].node("chosen")?.property("ranges")?.value == [])
    #expect(trees[2].node("chosen/framebuffer@20600000") != nil)
    #expect(trees[3].node("chosen")?.children == [])
  }

  @Test func aClientThatSharesAll() throws {
    let personal = try trees()[2]
    #expect(personal.node("bus") == nil)
    #expect(personal.node("virtio_mmio@a000000")?.property("dma-coherent") != nil)
    #expect(personal.node("virtio_mmio@a000400") == nil)
    #expect(personal.node("chosen")?.string("bootargs") == "")
    #expect(personal.children.filter { $0.name.hasPrefix("memory") }.count == 1)
  }

  @Test func whatTheServerIsTold() throws {
    let trees = try trees()
    let server = try #require(trees[0].node("device-server"))
    #expect(trees.dropFirst().allSatisfy { $0.node("device-server") == nil })
    #expect(trees[0].node("pl031@9010000") == nil)
    #expect(server.string("compatible") == "pocketvisor,device-server")
    #expect(numbers(server, "board-tree") == [0x4010_0000])
    #expect(server.children.map { $0.string("label") } == ["steward", "work", "personal", "tablet", "vault"])
    #expect(server.children.map { numbers($0, "memory") } == [8, 24, 32, 22, 4].map { [$0 << 20] })
    let work = server.children[1]
    #expect(
      work.properties.map(\.name) == [
        "reg", "label", "memory", "partition", "read-only", "network", "mac", "reach", "host", "console",
        "vault", "may-pay", "entropy", "screen", "colour",
      ])
    #expect(work.string("partition") == "work.root")
    #expect(work.property("mac")?.value == [0x52, 0x50, 0x56, 0, 0, 2])
    #expect(work.cell("vault") == 4)
    #expect(work.cell("screen") == 1)
    #expect(work.cell("colour") == 0x2E7D32)
    let personal = server.children[2]
    #expect(personal.cell("screen") == 3)
    #expect(personal.property("host") == nil)
    #expect(personal.property("read-only") == nil)
    #expect(server.children[4].properties.map(\.name) == ["reg", "label", "memory", "mailbox"])
    #expect(server.children[4].cell("mailbox") == 4)
    let mailbox = try #require(trees[4].node("shared-memory@20800000"))
    #expect(mailbox.string("compatible") == "pocketvisor,mailbox")
    #expect(mailbox.property("read-only") == nil)
  }

  /// Who has a vault may ask; who may pay says `calls`.
  @Test func whoMayPay() throws {
    let phone = Self.phone.replacingOccurrences(of: "    calls: [vault]\n", with: "")
    let machines = try layout(phone).machines
    let tree = try DeviceTreeNode(reading: InputFile(path: "tree", data: machines[0].deviceTree.content))
    let work = try #require(tree.node("device-server")?.children[1])
    #expect(work.cell("vault") == 4)
    #expect(work.property("may-pay") == nil)
  }

  /// A frame passes only between VMs that both say so.
  @Test func reachIsMutual() throws {
    let served = try #require(try trees()[0].node("device-server")).children
    #expect(served.map { $0.cell("reach") } == [nil, 0b00100, 0b00010, 0, nil])
  }

  private func numbers(_ node: DeviceTreeNode?, _ name: String = "reg") -> [UInt64] {
    let count = (node?.property(name)?.value.count ?? 0) / 8
    return (0..<count).map { node?.number(name, 2 * $0, cells: 2) ?? 0 }
  }

  @Test func debianToolsReadTheTrees() throws {
    let machines = try layout().machines
    for machine in machines {
      folder.write("tree.dtb", machine.deviceTree.content)
      let outcome = try runProgram("dtc", ["-I", "dtb", "-O", "dts", folder["tree.dtb"]])
      #expect(outcome.status == 0)
      #expect(outcome.error == "", "\(machine.name): \(outcome.error)")
    }
  }

  @Test func inspectShowsTheDevices() throws {
    folder.write("phone.yaml", Self.phone)
    let arguments = ["image", "phone.yaml", "-o", "phone.fit"]
    #expect(try runProgram(pocketvisorPath, arguments, in: folder.path).status == 0)
    let inspect = try runProgram(pocketvisorPath, ["inspect", "phone.fit"], in: folder.path).output
    let lines = inspect.split(separator: "\n").map {
      $0.split(separator: " ", omittingEmptySubsequences: true).joined(separator: " ")
    }
    #expect(lines.contains("work 8MiB work.root (read) host, personal vault vault yes window 1"), "\(inspect)")
    #expect(lines.contains("personal all personal.root work - - window 3"))
    #expect(lines.contains("tablet 6MiB - host - - -"))
    #expect(lines.contains("steward is the server - - - - -"))
    #expect(lines.contains("vault - - - - - -"))
  }
}
