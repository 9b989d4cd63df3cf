import Appliance
import ArmArchitecture
import Foundation
import Hypervisor

@testable import HostCommands

/// What a test says of a VM.
struct ScriptedVM {
  var name: String
  var cpus = 1
  var priority = 0
  var placement: [Int]?
  /// Percent of its CPUs, and milliseconds.
  var budget: Int?
  var period: Int?
  /// As in phone.yaml.
  var restart: String?
  var calls: [String] = []
  var mebibytes: UInt64 = 4
  /// Further keys, as in phone.yaml: `devices: { entropy: true }`.
  var more: String?
  /// Behind the kernel's header, so that a test can find it in memory.
  var kernelSize = 8192
}

/// What a test says of a shared window.
struct ScriptedWindow {
  var name: String
  var write: [String] = []
  var read: [String] = []
}

/// A phone on a scripted board, from the device image that the host tool makes to guests that trap.
final class ScriptedPhone {
  let board: ScriptedBoard
  let cpus: [ScriptedMachine]
  var tree: BoardTree
  var image: [UInt8]

  /// A byte of the board's flattened tree to be changed, and the bits to turn.
  var treeDamage: (offset: Int, bits: UInt8)?

  convenience init(
    _ machines: [ScriptedVM] = [ScriptedVM(name: "work")], windows: [ScriptedWindow] = [], cpus: Int = 1
  ) throws {
    self.init(image: try DeviceImageBuilder.image(of: machines, windows: windows, cpus: cpus), cpus: cpus)
  }

  init(image: [UInt8], cpus count: Int = 1) {
    self.image = image
    board = ScriptedBoard(cpuCount: count)
    cpus = (0..<count).map { [board] in ScriptedMachine(number: $0, board: board) }
    board.cpus = cpus
    tree = BoardTree(cpus: count, imageSize: image.count)
  }

  deinit { board.unmap() }

  // MARK: Starting

  /// The boot loader's jump, and all that follows until every CPU is in a guest or sleeps.
  @discardableResult func start() -> Self {
    var blob = tree.root.flattened()
    if let treeDamage { blob[treeDamage.offset] ^= treeDamage.bits }
    board.write(blob, at: ScriptedBoard.treeAddress)
    board.write(image, at: ScriptedBoard.imageAddress)
    let boot = cpus[0]
    let arena = board.memory + Int(ScriptedBoard.own.start - ScriptedBoard.memoryBase) + 0x2_0000
    boot.escaping { Self.start(boot, arena) }
    if boot.core != nil { boot.step { $0.schedule() } }
    startOthers()
    settle()
    return self
  }

  private static func start(_ machine: ScriptedMachine, _ arena: UnsafeMutableRawPointer) {
    var boot = Boot(
      hardware: machine, arena: Arena(start: arena, end: arena + ScriptedBoard.arenaSize),
      firstStackTop: 0x2000,
      stackStride: 0x2000)
    machine.core = boot.start(
      tree: PhysicalAddress(ScriptedBoard.treeAddress), ownMemory: ScriptedBoard.own,
      secondaryEntry: PhysicalAddress(ScriptedBoard.secondaryEntry))
  }

  /// What the firmware does with CPU_ON.
  private func startOthers() {
    for call in board.firmwareCalls where call.function == 0xC400_0003 && board.firmwareAnswer == 0 {
      let machine = cpus[Int(call.arguments[0])]
      let context = UnsafeMutableRawPointer(bitPattern: UInt(call.arguments[2]))!
      machine.core = Core(hardware: machine, cpu: PhysicalCPUReference(address: context))
      machine.step { core in
        core.startCPU()
        return core.schedule()
      }
    }
  }

  // MARK: Time

  /// Delivers interrupts until none is signalled anywhere.
  func settle() {
    for _ in 0..<10_000 {
      guard !board.isOff, let cpu = cpus.first(where: { $0.core != nil && !$0.signalled.isEmpty }) else {
        return
      }
      cpu.takeInterrupts()
    }
    board.violations.append("interrupts without an end: \(cpus.map(\.signalled))")
  }

  func advance(_ ticks: UInt64) {
    board.clock += ticks
    settle()
  }

  // MARK: The console

  /// All that the UART has printed.
  var output: String { String(decoding: board.uart.printed, as: UTF8.self) }

  func type(_ text: String) {
    board.uart.typed += Array(text.utf8)
    settle()
  }

  /// The VM and virtual CPU that each CPU is in: `work.0`; nil where it sleeps.
  var running: [String?] { cpus.map(\.running) }
}

extension ScriptedMachine {
  var running: String? {
    current.map { "\($0.value.machine.value.record.nameText).\($0.value.index)" }
  }
}

/// The board's device tree, for tests to take pieces away.
struct BoardTree {
  var root = DeviceTreeNode("")

  init(cpus: Int, imageSize: Int) {
    root.set("#address-cells", cells: [2])
    root.set("#size-cells", cells: [2])
    root.children = [
      Self.chosen(imageSize), Self.memory, Self.processors(cpus), Self.firmware, Self.timer,
      Self.interruptController(cpus), Self.uart,
    ]
  }

  /// The node with this name, unit address and all.
  subscript(name: String) -> DeviceTreeNode {
    get { root.node(name) ?? DeviceTreeNode(name) }
    set {
      if let place = root.children.firstIndex(where: { $0.name == name }) { root.children[place] = newValue }
    }
  }

  mutating func remove(_ name: String) { root.children.removeAll { $0.name == name } }

  private static func chosen(_ imageSize: Int) -> DeviceTreeNode {
    var node = DeviceTreeNode("chosen")
    node.set("linux,initrd-start", numbers: [ScriptedBoard.imageAddress])
    node.set("linux,initrd-end", numbers: [ScriptedBoard.imageAddress + UInt64(imageSize)])
    node.set("rng-seed", bytes: (0..<32).map { $0 })
    return node
  }

  private static var memory: DeviceTreeNode {
    var node = DeviceTreeNode("memory@40000000")
    node.set("device_type", "memory")
    node.set("reg", numbers: [ScriptedBoard.memoryBase, ScriptedBoard.memorySize - 0x100_0000])
    return node
  }

  private static func processors(_ count: Int) -> DeviceTreeNode {
    var node = DeviceTreeNode("cpus")
    node.set("#address-cells", cells: [1])
    node.set("#size-cells", cells: [0])
    node.children = (0..<UInt32(count)).map {
      var cpu = DeviceTreeNode("cpu@\($0)")
      cpu.set("device_type", "cpu")
      cpu.set("reg", cells: [$0])
      return cpu
    }
    return node
  }

  private static var firmware: DeviceTreeNode {
    var node = DeviceTreeNode("psci")
    node.set("compatible", "arm,psci-1.0", "arm,psci-0.2")
    node.set("method", "smc")
    return node
  }

  private static var timer: DeviceTreeNode {
    var node = DeviceTreeNode("timer")
    node.set("compatible", "arm,armv8-timer")
    node.set("interrupts", cells: [13, 14, 11, 10].flatMap { [1, $0, 4] })
    return node
  }

  private static func interruptController(_ cpus: Int) -> DeviceTreeNode {
    var node = DeviceTreeNode("intc@8000000")
    node.set("compatible", "arm,gic-v3")
    node.set(
      "reg",
      numbers: [
        ScriptedBoard.distributorAddress, 0x1_0000, ScriptedBoard.redistributorAddress, 0x2_0000 * UInt64(cpus),
      ])
    node.set("#address-cells", cells: [2])
    node.set("#size-cells", cells: [2])
    var child = DeviceTreeNode("its@8080000")
    child.set("compatible", "arm,gic-v3-its")
    child.set("reg", numbers: [ScriptedBoard.translationServiceAddress, 0x2_0000])
    node.children = [child]
    return node
  }

  private static var uart: DeviceTreeNode {
    var node = DeviceTreeNode("pl011@9000000")
    node.set("compatible", "arm,pl011", "arm,primecell")
    node.set("reg", numbers: [ScriptedBoard.uartAddress, 0x1000])
    node.set("interrupts", cells: [0, 1, 4])
    return node
  }
}

/// Makes device images as `pocketvisor image` does.
enum DeviceImageBuilder {
  /// Of one VM, for boards with another GIC.
  static func image(generation: UInt32) throws -> [UInt8] {
    var image = try image(of: [ScriptedVM(name: "work")], cpus: 1)
    let record = Int(PhoneHeader.offset(treeSize: UInt32(image[4...7].reduce(0) { $0 << 8 | Int($1) })))
    image[record + 12] = UInt8(generation)
    return image
  }

  static func image(of machines: [ScriptedVM], windows: [ScriptedWindow] = [], cpus: Int) throws -> [UInt8] {
    let folder = NSTemporaryDirectory() + "/pocketvisor-scripted-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let shared = windows.isEmpty ? "" : "windows:\n" + windows.map(yaml).joined()
    let text = try shared + "vms:\n" + machines.map { try yaml($0, folder) }.joined()
    let phone = try PhoneDescription(reading: InputFile(path: folder + "/phone.yaml", data: Data(text.utf8)))
    let board = BoardDescription.virt(cpus: cpus, memory: MemorySize(bytes: ScriptedBoard.memorySize))
    let image = try DeviceImage(PhoneLayout(phone, for: board))
    try OutputFile.replace(folder + "/phone.fit") { try image.tree.write(to: $0) }
    return Array(FileManager.default.contents(atPath: folder + "/phone.fit") ?? Data())
  }

  private static func yaml(_ machine: ScriptedVM, _ folder: String) throws -> String {
    let path = folder + "/kernel-" + machine.name
    try kernel(machine).write(to: URL(fileURLWithPath: path))
    let rules = [
      machine.placement.map { ", placement: \($0)" }, machine.budget.map { ", budget: \($0)%" },
      machine.period.map { ", period: \($0)ms" }, machine.restart.map { ", restart: \($0)" },
      machine.calls.isEmpty ? nil : ", calls: \(machine.calls)", machine.more.map { ", \($0)" },
    ]
    return """
        \(machine.name): { kernel: kernel-\(machine.name), memory: \(machine.mebibytes)MiB, cpus: \(machine.cpus), \
      priority: \(machine.priority)\(rules.compactMap { $0 }.joined()) }

      """
  }

  private static func yaml(_ window: ScriptedWindow) -> String {
    "  \(window.name): { write: \(window.write), read: \(window.read) }\n"
  }

  /// A kernel that is recognised in memory: behind its header every byte tells its place.
  static func kernel(_ machine: ScriptedVM) -> Data {
    var data = Data((0..<machine.kernelSize).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) })
    data.replaceSubrange(0..<64, with: Data(count: 64))
    let size = UInt64(machine.kernelSize)
    data.replaceSubrange(16..<24, with: withUnsafeBytes(of: size.littleEndian) { Data($0) })
    data.replaceSubrange(56..<60, with: Data("ARM\u{64}".utf8))
    return data
  }
}
