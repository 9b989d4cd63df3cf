import Appliance
import Foundation
import Testing

@testable import HostCommands

@Suite struct PhoneLayoutTests {
  private let folder = Workspace.withPhone()

  private func layout(_ text: String, board: BoardDescription = .virt(cpus: 2, memory: .mebibytes(1024))) throws
    -> PhoneLayout
  {
    folder.write("phone.yaml", text)
    return try PhoneLayout(PhoneDescription(reading: InputFile(path: folder["phone.yaml"])), for: board)
  }

  @Test func placesKernelAndRamdisk() throws {
    folder.write("Image", Samples.kernel(textOffset: 0x8_0000, imageSize: 0x30_0000))
    let work = try layout(Samples.phone).machines[0]
    #expect(work.deviceTree.guestAddress == 0x4000_0000)
    #expect(work.kernel.guestAddress == 0x4028_0000)
    #expect(work.entry == 0x4028_0000)
    #expect(work.ramdisk?.guestAddress == 0x4060_0000)
  }

  @Test func theDeviceTreeSaysWhereTheRamdiskIs() throws {
    let work = try layout(Samples.phone).machines[0]
    let tree = try DeviceTreeNode(reading: InputFile(path: "tree", data: work.deviceTree.content))
    let ramdisk = try #require(work.ramdisk)
    #expect(tree.node("chosen")?.cell("linux,initrd-start", 1) == UInt32(ramdisk.guestAddress))
    #expect(tree.node("chosen")?.cell("linux,initrd-end", 1) == UInt32(ramdisk.end))
    #expect(tree.node("memory@40000000")?.cell("reg", 3) == 16 << 20)
    #expect(tree.node("cpus")?.children.count == 2)
  }

  @Test func seedsPointIntoTheDeviceTree() throws {
    let work = try layout(Samples.phone).machines[0]
    #expect(work.seeds.map(\.size) == [64, 8])
    let tree = try DeviceTreeNode(reading: InputFile(path: "tree", data: work.deviceTree.content))
    let seed = try #require(tree.node("chosen")?.property("rng-seed"))
    #expect(work.seeds[0].guestAddress == 0x4000_0000 + UInt64(seed.offset))
  }

  @Test func spreadsVirtualCPUs() throws {
    let text =
      "vms: { a: {kernel: Image, memory: 16MiB, cpus: 2}, b: {kernel: Image, memory: 16MiB}, c: {kernel: Image, memory: 16MiB, cpus: 3} }"
    #expect(try layout(text).machines.map(\.placement) == [[0, 1], [0], [1, 0, 1]])
    let one = BoardDescription.virt(cpus: 1, memory: .mebibytes(1024))
    #expect(try layout(text, board: one).machines.map(\.placement) == [[0, 0], [0], [0, 0, 0]])
  }

  @Test func followsThePlacement() throws {
    #expect(
      try layout("vms: { a: {kernel: Image, memory: 16MiB, cpus: 2, placement: [1, 1]} }").machines[0].placement
        == [1, 1])
    let mistake = failure { _ = try layout("vms: { a: {kernel: Image, memory: 16MiB, placement: [2]} }") }
    let short = failure {
      _ = try layout("vms: { a: {kernel: Image, memory: 16MiB, cpus: 2, placement: [1]} }")
    }
    #expect(short.contains("`placement` names 1 CPUs for 2 virtual ones"))
    #expect(mistake.contains("placed on CPU 2; QEMU virt has CPUs 0 to 1"))
  }

  @Test func refusesWhatDoesNotFitTheMachine() {
    folder.write("Image", Samples.kernel(imageSize: 20 << 20))
    let mistake = failure { _ = try layout(Samples.phone) }
    #expect(
      mistake.contains(":2:3: VM `work` has 16MiB of memory; its kernel and ramdisk need 23 MiB"), "\(mistake)")
  }

  @Test func refusesWhatDoesNotFitTheBoard() throws {
    let small = BoardDescription.virt(cpus: 2, memory: .mebibytes(32))
    let mistake = failure { _ = try DeviceImage(layout(Samples.phone, board: small)) }
    #expect(
      mistake
        == "the phone needs 57 MiB of memory, QEMU virt has 32 MiB: VMs 48 MiB, image 1 MiB, hypervisor and rounding 8 MiB"
    )
  }

  @Test func refusesTooManyVirtualCPUs() {
    let text =
      "vms: { a: {kernel: Image, memory: 16MiB, cpus: 8}, b: {kernel: Image, memory: 16MiB, cpus: 8}, c: {kernel: Image, memory: 16MiB} }"
    #expect(failure { _ = try layout(text) } == "the VMs have 17 virtual CPUs together; a phone has at most 16")
  }

  /// Who is served first must leave time to the others, on whatever CPUs.
  @Test func aHigherPriorityNeedsABudget() throws {
    func told(_ budget: String) -> String {
      failure {
        _ = try layout(
          "vms:\n  low: {kernel: Image, memory: 16MiB, placement: [0]}\n"
            + "  high: {kernel: Image, memory: 16MiB, placement: [1], priority: 1\(budget)}")
      }
    }
    let sentence = """
      phone.yaml:3:3: VM `high` has priority 1, above VM `low` with 0: it needs a `budget` below 100%, or it could take \
      all the time
      """
    #expect(told("").hasSuffix(sentence), "\(told(""))")
    #expect(told(", budget: 100%").hasSuffix(sentence))
    #expect(told(", budget: 99%") == "no failure")
  }

  /// A priority that an appliance brings counts like the phone's own.
  @Test func anAppliancesPriorityNeedsABudget() throws {
    let settings = MachineSettings(memory: .mebibytes(16), priority: 9)
    let appliance = ApplianceFile(
      kernel: try InputFile(path: folder["Image"]), ramdisk: nil,
      manifest: ApplianceManifest(settings: settings))
    try OutputFile.replace(folder["a.fit"]) { try appliance.imageTree().write(to: $0) }
    let told = failure {
      _ = try layout("vms: { a: {appliance: a.fit}, b: {kernel: Image, memory: 16MiB} }")
    }
    #expect(told.contains("VM `a` has priority 9, above VM `b` with 0"), "\(told)")
  }

  @Test func budgetsOnOneCPU() throws {
    func told(_ second: Int, _ placement: String) -> String {
      failure {
        _ = try layout(
          "vms:\n  a: {kernel: Image, memory: 16MiB, budget: 60%, cpus: 2, placement: [0, 0]}\n"
            + "  b: {kernel: Image, memory: 16MiB, budget: \(second)%, cpus: 2, placement: \(placement)}")
      }
    }
    #expect(told(40, "[0, 1]") == "no failure")
    #expect(told(100, "[1, 1]") == "no failure")
    let sentence = "phone.yaml:3:3: the budgets on CPU 0 are 101% together, more than 100%: `a` 60%, `b` 41%"
    #expect(told(41, "[1, 0]").hasSuffix(sentence), "\(told(41, "[1, 0]"))")
  }

  @Test func rawKernelsGoToTheKernelsPlace() throws {
    folder.write("raw.bin", Data([1, 2, 3, 4]))
    let text = "vms: { a: {kernel: raw.bin, kernel-format: raw, ramdisk: initrd.gz, memory: 8MiB} }"
    let machine = try layout(text).machines[0]
    #expect(machine.kernel.guestAddress == 0x4020_0000)
    #expect(machine.entry == 0x4020_0000)
    #expect(machine.kernel.content == Data([1, 2, 3, 4]))
    #expect(machine.ramdisk?.guestAddress == 0x4040_0000)
    folder.write("raw.bin", "")
    #expect(failure { _ = try layout(text) }.hasSuffix("raw.bin: is empty"))
  }

  // MARK: 32-bit

  private static let narrow = "vms:\n  a: {kernel: zImage, ramdisk: initrd.gz, memory: 16MiB}"

  /// The kernel unpacks itself to the start of memory: nothing else is there.
  @Test func placesWhatACompressedKernelNeeds() throws {
    folder.write("zImage", Samples.compressedKernel(table: [0x20_8000, 0x60_0000, 0x1000, 0x1_0000]))
    let machine = try layout(Self.narrow).machines[0]
    #expect(machine.architecture == .arm)
    #expect(machine.entry == 0x40A0_0000)
    #expect(machine.kernel.guestAddress == 0x40A0_0000)
    #expect(machine.deviceTree.guestAddress == 0x40C0_0000)
    #expect(machine.ramdisk?.guestAddress == 0x40E0_0000)
    let tree = try DeviceTreeNode(reading: InputFile(path: "tree", data: machine.deviceTree.content))
    #expect(tree.node("chosen")?.cell("linux,initrd-start", 1) == 0x40E0_0000)
    let seed = try #require(tree.node("chosen")?.property("rng-seed"))
    #expect(machine.seeds[0].guestAddress == 0x40C0_0000 + UInt64(seed.offset))
  }

  @Test func saysHowMuchACompressedKernelNeeds() {
    folder.write("zImage", Samples.compressedKernel(table: [0x20_8000, 0x60_0000, 0x1000, 0x1_0000]))
    let small = Self.narrow.replacing("16MiB", with: "14MiB")
    let told = failure { _ = try layout(small) }
    #expect(told.hasSuffix(":2:3: VM `a` has 14MiB of memory; its kernel and ramdisk need 15 MiB"), "\(told)")
    let alone = Self.narrow.replacing(" ramdisk: initrd.gz,", with: "").replacing("16MiB", with: "14MiB")
    #expect(failure { _ = try layout(alone) } == "no failure")
  }

  @Test func whatA32BitVMCannotHave() throws {
    folder.write("zImage", Samples.compressedKernel(table: [0x8000, 0x1000, 0x1000]))
    folder.write("raw.bin", Data([1, 2, 3, 4]))
    func told(_ machine: String, _ more: String = "") -> String {
      let board = BoardDescription.virt(cpus: 2, memory: .mebibytes(16 << 10))
      return failure { _ = try layout("vms:\n  a: {\(machine)}\(more)", board: board) }
    }
    let raw = "kernel: raw.bin, kernel-format: raw, architecture: arm"
    #expect(told("\(raw), memory: 3GiB") == "no failure")
    #expect(told("\(raw), memory: 3074MiB").hasSuffix(":2:3: VM `a` is 32-bit: memory of more than 3GiB"))
    #expect(
      told("\(raw), memory: 16MiB, role: device-server")
        .hasSuffix(":2:3: VM `a` is the device server: it has to be 64-bit"))
    let server = "\n  s: {kernel: Image, memory: 8MiB, role: device-server}"
    let devices = "devices: {entropy: true"
    #expect(told("\(raw), memory: 2GiB, \(devices)}", server) == "no failure")
    #expect(
      told("\(raw), memory: 2050MiB, \(devices)}", server).hasSuffix(
        "VM `a` is 32-bit: memory of more than 2GiB"))
    #expect(told("kernel: zImage, memory: 64MiB, \(devices), share: all}", server) == "no failure")
    #expect(
      told("kernel: zImage, memory: 64MiB, \(devices)}", server)
        .hasSuffix(":2:3: VM `a`: 32-bit Linux cannot use a DMA window; say `share: all`"))
    try FileHandle(forWritingTo: URL(fileURLWithPath: folder["initrd.gz"])).truncate(atOffset: 509 << 20)
    #expect(
      told("kernel: zImage, ramdisk: initrd.gz, memory: 1GiB").hasSuffix(
        "its kernel and ramdisk need 515 MiB; 32-bit Linux finds its ramdisk in the first 512MiB"))
  }

  /// What is written tells the device so.
  @Test func theExecutionStateIsWritten() throws {
    folder.write("zImage", Samples.compressedKernel(table: [0x8000, 0x1000, 0x1000]))
    let image = try DeviceImage(
      layout("vms: { a: {kernel: Image, memory: 16MiB}, b: {kernel: zImage, memory: 16MiB} }"))
    let file = InputFile(path: "phone.fit", data: try image.tree.data())
    let records = try PhoneContent(ImageFile(verifying: file)).machines
    #expect(records.map(\.executionState) == [ExecutionState.aarch64, ExecutionState.aarch32])
    #expect(records[1].argument == 0x4040_0000)
    #expect(image.tree.images.filter { $0.type == "kernel" }.map(\.architecture) == [.arm64, .arm])
  }

  private static let shared = """
    windows: { notes: { write: [a, b] }, pay: { write: [a], read: [b] } }
    vms:
      a: {kernel: Image, memory: 16MiB, calls: [b, c]}
      b: {kernel: Image, memory: 16MiB, key: true}
      c: {kernel: Image, memory: 16MiB}
    """

  @Test func windowsInTheDeviceTrees() throws {
    let machines = try layout(Self.shared).machines
    let trees = try machines.map {
      try DeviceTreeNode(reading: InputFile(path: "tree", data: $0.deviceTree.content))
    }
    let (writer, reader) = (trees[0].node("shared-memory@20200000"), trees[1].node("shared-memory@20200000"))
    #expect(writer?.string("compatible") == "pocketvisor,shared-window")
    #expect(writer?.string("label") == "pay")
    #expect(writer?.property("reg")?.value == [0, 0, 0, 0, 0x20, 0x20, 0, 0, 0, 0, 0, 0, 0, 0x20, 0, 0])
    #expect(writer?.property("read-only") == nil)
    #expect(reader?.property("read-only")?.value == [])
    #expect(trees[1].node("shared-memory@20000000")?.property("read-only") == nil)
    #expect(trees[2].children.allSatisfy { !$0.name.hasPrefix("shared-memory") })
    #expect(machines.map(\.access.partners) == [0b110, 0, 0])
    #expect(machines.map(\.access.readableWindows) == [0b11, 0b11, 0])
    #expect(machines.map(\.access.writableWindows) == [0b11, 0b01, 0])
  }

  /// Windows are memory of the board, too.
  @Test func windowsCountAsMemory() throws {
    let with = try layout(Self.shared)
    let without = try layout(Self.shared.split(separator: "\n").dropFirst().joined(separator: "\n"))
    #expect(with.memoryNeeded(imageSize: 0).bytes - without.memoryNeeded(imageSize: 0).bytes == 4 << 20)
  }

  @Test func keysAreFreshAndOfOneVMOnly() throws {
    func keys() throws -> [[UInt8]?] {
      try layout(Self.shared).machines.map {
        try DeviceTreeNode(reading: InputFile(path: "tree", data: $0.deviceTree.content)).node("chosen")?
          .property(
            "pocketvisor,key")?.value
      }
    }
    let (first, second) = (try keys(), try keys())
    #expect(first[1]?.count == 32)
    #expect(first[0] == nil)
    #expect(first[2] == nil)
    #expect(first[1] != second[1])
  }

  @Test func needsMemoryAndFiles() {
    #expect(failure { _ = try layout("vms: { a: {kernel: Image} }") }.contains("VM `a` needs `memory`"))
    #expect(
      failure { _ = try layout("vms: { a: {kernel: Imgae, memory: 2MiB} }") }.hasSuffix("Imgae: no such file"))
    #expect(failure { _ = try layout("vms: { a: {kernel: ., memory: 2MiB} }") }.contains("is a folder"))
  }
}

@Suite struct BoardDescriptionTests {
  private func board(_ machine: String, _ arguments: [String]) throws -> BoardDescription {
    let folder = Workspace()
    _ = try runProgram(
      "qemu-system-aarch64",
      ["-M", "virt,\(machine),dumpdtb=\(folder["board.dtb"])", "-nic", "none"] + arguments)
    return try BoardDescription(reading: InputFile(path: folder["board.dtb"]))
  }

  @Test func readsVirt() throws {
    let board = try board("virtualization=on,gic-version=3", ["-cpu", "cortex-a57", "-smp", "3", "-m", "768M"])
    #expect(board.memory == .mebibytes(768))
    #expect(board.memoryBase == 0x4000_0000)
    #expect(board.cpus == 3)
    #expect(board.interruptControllerGeneration == 3)
  }

  @Test func readsGICv2() throws {
    #expect(
      try board("virtualization=on,gic-version=2", ["-cpu", "cortex-a57"]).interruptControllerGeneration == 2)
  }

  @Test func saysWhatTheBoardLacks() {
    var root = DeviceTreeNode("")
    root.set("#size-cells", cells: [1])
    func mistake() -> String {
      failure { _ = try BoardDescription(reading: InputFile(path: "b.dtb", data: Data(root.flattened()))) }
    }
    #expect(mistake() == "b.dtb: the board's device tree has no memory: add a memory node")
    var memory = DeviceTreeNode("memory")
    memory.set("device_type", "memory")
    memory.set("reg", cells: [0, 0, 0x100_0000])
    root.children.append(memory)
    #expect(mistake() == "b.dtb: the board's device tree has no CPU")
  }

  /// Debian's tree of the Cubieboard leaves the memory to the boot loader.
  @Test func memoryThatTheTreeDoesNotSay() throws {
    var root = DeviceTreeNode("")
    var controller = DeviceTreeNode("interrupt-controller")
    controller.set("compatible", "allwinner,sun4i-a10-ic")
    var cpu = DeviceTreeNode("cpu@0")
    cpu.set("device_type", "cpu")
    var cpus = DeviceTreeNode("cpus")
    cpus.children = [cpu]
    root.children = [controller, cpus]
    let file = InputFile(path: "b.dtb", data: Data(root.flattened()))
    #expect(
      failure { _ = try BoardDescription(reading: file) }
        == "b.dtb: the board's device tree has no memory: say how much there is with --memory")
    let board = try BoardDescription(reading: file, memory: .mebibytes(512))
    #expect(board.memory == .mebibytes(512))
    #expect(!board.hasVirtualizationExtensions)
  }
}

/// Every refusal names the VM, its place and what to do.
@Suite struct NarrowBoardLimitsTests {
  private let folder = Workspace.withPhone()

  init() { folder.write("zImage", Samples.compressedKernel(table: [0x8000, 0x1000, 0x1000])) }

  private func told(_ phone: String, memory: UInt64 = 1024) -> String {
    folder.write("phone.yaml", phone)
    var board = BoardModel.vexpress.description
    board.memory = .mebibytes(memory)
    return failure {
      let layout = try PhoneLayout(PhoneDescription(reading: InputFile(path: folder["phone.yaml"])), for: board)
      try layout.checkMemory(imageSize: 0)
    }
  }

  private func told(machine: String) -> String {
    told("vms:\n  b: {kernel: zImage, memory: 16MiB}\n  a: {\(machine)}")
  }

  @Test(
    arguments: [
      ("kernel: Image, memory: 16MiB", "is 64-bit, but the CPUs of QEMU vexpress-a9 are not"),
      (
        "kernel: zImage, memory: 16MiB, cpus: 2",
        "has 2 virtual CPUs, but QEMU vexpress-a9 gives a VM one: write `cpus: 1`"
      ),
      (
        "kernel: zImage, memory: 702MiB", "has 702MiB of memory, but QEMU vexpress-a9 gives a VM at most 700MiB"
      ),
      (
        "kernel: zImage, memory: 16MiB, calls: [b]",
        "needs calls between VMs, which QEMU vexpress-a9 has none of"
      ),
      ("kernel: Image, memory: 16MiB, role: device-server", "needs device servers, which"),
    ])
  func refuses(machine: String, mistake: String) {
    let told = told(machine: machine)
    #expect(told.contains(":3:3: VM `a` \(mistake)"), "\(told)")
  }

  @Test func allowsTheRest() {
    #expect(told(machine: "kernel: zImage, memory: 700MiB, restart: always") == "no failure")
  }

  @Test func refusesWindowsAndDevices() {
    let windows =
      "windows: { w: { write: [a], read: [b] } }\nvms:\n"
      + "  a: {kernel: zImage, memory: 16MiB}\n  b: {kernel: zImage, memory: 16MiB}"
    #expect(told(windows).contains("QEMU vexpress-a9 has no `windows`"), "\(told(windows))")
    let devices =
      "vms:\n  a: {kernel: zImage, memory: 16MiB, devices: {entropy: true, share: all}}\n"
      + "  s: {kernel: Image, memory: 16MiB, role: device-server}"
    #expect(told(devices).contains(":2:3: VM `a` needs disks, networks and screens"), "\(told(devices))")
  }

  /// Each VM costs 4 MiB besides.
  @Test func countsTheShadowTables() {
    let phone = "vms:\n  a: {kernel: zImage, memory: 64MiB}\n  b: {kernel: zImage, memory: 64MiB}"
    #expect(told(phone, memory: 144) == "no failure")
    #expect(
      told(phone, memory: 143).contains("the phone needs 144 MiB of memory"), "\(told(phone, memory: 143))")
  }
}
