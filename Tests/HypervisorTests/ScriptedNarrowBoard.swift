import Appliance
import ArmArchitecture
import Drivers
import Foundation
import Hypervisor
import ScriptedDevices
import ScriptedEscape

@testable import HostCommands

/// A board without virtualization extensions, as far as one of QEMU's is described by its device tree.
enum NarrowBoardKind: String, CaseIterable {
  case vexpress = "vexpress-v2p-ca9"
  case smdkc210 = "exynos4210-smdkv310"
  case cubieboard = "sun4i-a10-cubieboard"

  var memoryBase: UInt64 { self == .vexpress ? 0x6000_0000 : 0x4000_0000 }
  var uart: UInt64 {
    switch self {
    case .vexpress: 0x1000_9000
    case .smdkc210: 0x1380_0000
    case .cubieboard: 0x01C2_8000
    }
  }
  var distributor: UInt64 {
    switch self {
    case .vexpress: 0x1E00_1000
    case .smdkc210: 0x1049_0000
    case .cubieboard: 0x01C2_0400
    }
  }
  /// The CPU interface of a GIC.
  var interface: UInt64? {
    switch self {
    case .vexpress: 0x1E00_0100
    case .smdkc210: 0x1048_0000
    case .cubieboard: nil
    }
  }
  var timer: UInt64 {
    switch self {
    case .vexpress: 0x1001_1000
    case .smdkc210: 0x1005_0000
    case .cubieboard: 0x01C2_0C00
    }
  }
  var powerController: UInt64? {
    switch self {
    case .vexpress: 0x1000_0000
    case .smdkc210: 0x1002_0000
    case .cubieboard: nil
    }
  }
  var uartInterrupt: UInt32 {
    switch self {
    case .vexpress: 32 + 5
    case .smdkc210: 32 + 52
    case .cubieboard: 32 + 1
    }
  }
  var timerInterrupt: UInt32 {
    switch self {
    case .vexpress: 32 + 2
    case .smdkc210: 32 + 42
    case .cubieboard: 32 + 22
    }
  }
  var affinity: UInt64 { self == .smdkc210 ? 0x900 : 0 }
  var cpus: Int { self == .smdkc210 ? 2 : 1 }
}

/// Such a board, its devices and memory.
final class ScriptedNarrowBoard {
  private static let memorySize = 128 << 20
  private static let treeOffset = 0x10_0000
  private static let imageOffset = 0x200_0000
  /// The hypervisor's image, and behind it the arena.
  private static let ownSize = 0x8_0000

  let kind: NarrowBoardKind
  var tree: DeviceTreeNode
  var image: [UInt8]
  /// The timer's wire leads to the interrupt controller.
  var isTimerWired = true
  private(set) var violations: [String] = []
  /// The memory that VMs got for their address spaces.
  var prepared: [PhysicalRange] = []
  let uart: any ScriptedDevice
  private let timer: ScriptedClock
  private let controller: any ScriptedDevice
  let power = ScriptedPowerController()
  /// The second CPU comes when it is turned on.
  var hasSecondCPU = true
  /// What was prepared for it, and it itself once it has come.
  fileprivate(set) var secondCPU: PhysicalCPUReference?
  private(set) var second: ScriptedNarrowMachine?
  private let memory: UnsafeMutableRawPointer
  private var mapped: [Int: UInt64] = [:]

  init(_ kind: NarrowBoardKind, image: [UInt8]) {
    self.kind = kind
    self.image = image
    tree = NarrowTree.root(kind)
    memory = mmap(nil, Self.memorySize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    let generic = ScriptedGIC()
    let allwinner = ScriptedAllwinnerController()
    controller = kind == .cubieboard ? allwinner : generic
    uart = kind == .smdkc210 ? ScriptedExynosUART() : ScriptedPort()
    switch kind {
    case .vexpress: timer = ScriptedDualTimer()
    case .smdkc210: timer = ScriptedMultiCoreTimer()
    case .cubieboard: timer = ScriptedAllwinnerTimer()
    }
    generic.wires = { [unowned self] in isRaised($0) }
    generic.alerted = { [unowned self] in if $0 == 1 { wakeSecondCPU() } }
    allwinner.wires = { [unowned self] in isRaised($0 + 32) }
  }

  deinit { munmap(memory, Self.memorySize) }

  /// An interrupt of the second CPU, which sleeps in the boot ROM until it is told where to go.
  private func wakeSecondCPU() {
    guard let cpu = secondCPU, second == nil, hasSecondCPU, power.isOn,
      power.entry == UInt32(ScriptedNarrowMachine.secondEntry)
    else { return }
    let machine = ScriptedNarrowMachine(board: self, number: 1)
    second = machine
    machine.core = Core(hardware: machine, cpu: cpu)
    machine.core?.startCPU(isFirst: false)
  }

  /// Time goes on while somebody looks.
  private func isRaised(_ interrupt: UInt32) -> Bool {
    if let timer = timer as? ScriptedMultiCoreTimer, interrupt == 32 + 48 { return timer.isInterrupting(1) }
    guard interrupt == kind.timerInterrupt else { return false }
    timer.now += isTimerWired ? 10 : 10_000
    return isTimerWired && ((timer as? ScriptedMultiCoreTimer)?.isInterrupting(0) ?? timer.isInterrupting)
  }

  /// Lets time go on, in ticks of the timer.
  func pass(_ ticks: UInt64) { timer.now += ticks }

  var output: String {
    let bytes = (uart as? ScriptedExynosUART)?.printed ?? (uart as? ScriptedPort)?.printed ?? []
    return String(decoding: bytes, as: UTF8.self)
  }

  // MARK: Starting

  /// The boot loader's jump, until the hypervisor sleeps.
  @discardableResult func start() -> ScriptedNarrowMachine {
    if var chosen = tree.node("chosen") {
      let start = UInt32(kind.memoryBase) + UInt32(Self.imageOffset)
      chosen.set("linux,initrd-start", cells: [start])
      chosen.set("linux,initrd-end", cells: [start + UInt32(image.count)])
      tree.children.removeAll { $0.name == "chosen" }
      tree.children.append(chosen)
    }
    write(tree.flattened(), at: Self.treeOffset)
    write(image, at: Self.imageOffset)
    let machine = ScriptedNarrowMachine(board: self, number: 0)
    machine.escaping { [self] in
      var boot = Boot(
        hardware: machine, arena: Arena(start: memory + 0x2_0000, end: memory + Self.ownSize),
        firstStackTop: 0x2000, stackStride: 0x2000)
      _ = boot.start(
        tree: PhysicalAddress(kind.memoryBase + UInt64(Self.treeOffset)),
        ownMemory: PhysicalRange(start: kind.memoryBase, size: UInt64(Self.ownSize))
      ) { machine.core = $0 }
    }
    return machine
  }

  private func write(_ bytes: [UInt8], at offset: Int) {
    bytes.withUnsafeBytes { (memory + offset).copyMemory(from: $0.baseAddress!, byteCount: $0.count) }
  }

  // MARK: What the machine sees

  func pointer(_ address: UInt64) -> UnsafeMutableRawPointer {
    let offset = address &- kind.memoryBase
    if offset >= UInt64(Self.memorySize) { violations.append("no memory at \(String(address, radix: 16))") }
    return memory + Int(offset % UInt64(Self.memorySize))
  }

  func address(_ pointer: UnsafeRawPointer) -> UInt64 {
    kind.memoryBase + UInt64(pointer - UnsafeRawPointer(memory))
  }

  func map(_ slot: DeviceSlot, at address: UInt64) { mapped[slot.rawValue] = address & ~0xFFFF }

  func device(_ slot: DeviceSlot, _ offset: UInt32) -> DeviceView {
    let address = (mapped[slot.rawValue] ?? 0) + UInt64(offset)
    if offset >= 0x1_0000 { violations.append("offset \(offset) of \(slot) is not mapped") }
    switch address {
    case kind.uart: return DeviceView(uart)
    case kind.timer: return DeviceView(timer)
    case kind.distributor: return DeviceView(controller)
    case kind.interface: return DeviceView(controller, base: 0x1000)
    case kind.distributor + 0x8000 where kind.cpus == 2: return DeviceView(controller, base: 0x8000)
    case 0x1048_8000 where kind.cpus == 2: return DeviceView(controller, base: 0x9000)
    case kind.powerController: return DeviceView(power)
    default:
      violations.append("no device at \(String(address, radix: 16))")
      return DeviceView(uart)
    }
  }
}

/// A CPU without virtualization extensions.
final class ScriptedNarrowMachine: NarrowHardware {
  /// Where the second CPU begins.
  static let secondEntry: UInt64 = 0x4000_0ABC

  let board: ScriptedNarrowBoard
  private let number: UInt64
  var core: Core<ScriptedNarrowMachine>?
  private var found: NarrowDevices<DeviceView>?
  /// Whether the loaded guest is interrupted.
  private(set) var wire = false
  /// What there is of the guests' timers.
  var timer = (isRaised: false, deadline: ~0 as UInt64)

  init(board: ScriptedNarrowBoard, number: UInt64) {
    self.board = board
    self.number = number
  }

  var devices: NarrowDevices<DeviceView> {
    get { found! }
    set { found = newValue }
  }

  func read(_ register: MachineRegister) -> UInt64 {
    switch register {
    case .counter: devices.counter()
    case .counterFrequency: UInt64(devices.frequency)
    case .interruptAcknowledge: UInt64(devices.acknowledge())
    case .affinity: 0x8000_0000 | board.kind.affinity | number
    case .programCounter: 0xFFF0_1234
    default: 0
    }
  }

  func write(_ register: MachineRegister, _ value: UInt64) {
    switch register {
    case .alarm: devices.setAlarm(value)
    case .interruptEnd: devices.end()
    case .softwareInterrupt: devices.alert(UInt32(truncatingIfNeeded: value))
    default: break
    }
  }

  func waitForInterrupt() { escape_leave() }

  func physicalAddress(of pointer: UnsafeMutableRawPointer) -> PhysicalAddress {
    PhysicalAddress(board.address(pointer))
  }

  func pointer(to address: PhysicalAddress) -> UnsafeMutableRawPointer { board.pointer(address.rawValue) }

  func window(_ slot: WindowSlot, at address: PhysicalAddress) -> UnsafeMutableRawPointer {
    board.pointer(address.rawValue)
  }

  func prepareSecondCPU(_ cpu: PhysicalCPUReference) -> PhysicalAddress {
    board.secondCPU = cpu
    return PhysicalAddress(Self.secondEntry)
  }

  func map(_ slot: DeviceSlot, at address: PhysicalAddress) { board.map(slot, at: address.rawValue) }
  func registers(_ slot: DeviceSlot, offset: UInt32) -> DeviceView { board.device(slot, offset) }

  func port(_ kind: DeviceTreeName, offset: UInt32) -> BoardPort<DeviceView> {
    let registers = registers(.uart, offset: offset)
    return kind == .exynosUART
      ? .exynos(ExynosUART(registers)) : .common(UART(registers, is8250: kind != .pl011))
  }

  /// Calls `body`, which may leave in the middle.
  func escaping(_ body: @escaping () -> Void) {
    var body = body
    withUnsafeMutablePointer(to: &body) {
      _ = escape_call({ $0!.assumingMemoryBound(to: (() -> Void).self).pointee() }, $0)
    }
  }
}

/// What guests would need: none runs here.
extension ScriptedNarrowMachine {
  static var isSoftware: Bool { true }

  func prepare(_ machine: VirtualMachineReference, _ memory: PhysicalRange) -> UInt64 {
    board.prepared.append(memory)
    return 1
  }

  func identification(_ index: UInt32) -> UInt64 { 0 }
  func setInterruptWire(_ isRaised: Bool) { wire = isRaised }
  var interruptWire: Bool { wire }
  func timer(_ machine: VirtualMachineReference, at now: UInt64) -> (isRaised: Bool, deadline: UInt64) { timer }
  func listRegister(_ slot: UInt32) -> ListRegister { ListRegister(0) }
  func setListRegister(_ slot: UInt32, _ value: ListRegister) {}
  func saveSystemRegisters(_ guest: VirtualCPUReference) {}
  func loadSystemRegisters(_ guest: VirtualCPUReference) {}
  func saveVectors(_ guest: VirtualCPUReference) {}
  func loadVectors(_ guest: VirtualCPUReference) {}
  func forgetTranslations() {}
  func callFirmware(_ function: UInt32, _ first: UInt64, _ second: UInt64, _ third: UInt64) -> Int64 { -1 }
  func copyForGuest(_ destination: UnsafeMutableRawPointer, _ source: UnsafeRawPointer, _ count: Int) {}
  func clearForGuest(_ destination: UnsafeMutableRawPointer, _ count: Int) {}
  func synchronizeInstructions() {}
  func mapInterface(_ board: inout Board) {}
  func startInterface() {}
}

/// A PL011 and an 8250 with nobody typing: their transmit registers and their flags do not lie in each other's way.
final class ScriptedPort: ScriptedDevice {
  var printed: [UInt8] = []

  func load(_ offset: UInt32) -> UInt32 { offset == 0x18 ? 0x10 : offset == 0x14 ? 0x20 : 0 }
  func store(_ offset: UInt32, _ value: UInt32) {
    if offset == 0 { printed.append(UInt8(truncatingIfNeeded: value)) }
  }
}

/// The power management unit of an Exynos 4210, and the system registers of a Versatile Express motherboard.
final class ScriptedPowerController: ScriptedDevice {
  private(set) var entry: UInt32 = 0
  /// Whether the second CPU has power, and the board has none.
  private(set) var isOn = false
  private(set) var isBoardOff = false

  func load(_ offset: UInt32) -> UInt32 { 0 }
  func store(_ offset: UInt32, _ value: UInt32) {
    switch offset {
    case 0x814: entry = value
    case 0x2080: isOn = value == 3
    case 0x330C: isBoardOff = value & 0x100 == 0
    case 0xA4: isBoardOff = value == 0xC080_0000
    default: break
    }
  }
}

/// Device trees with what is peculiar to each board: buses, interrupts of one cell, other controllers.
enum NarrowTree {
  static func root(_ kind: NarrowBoardKind) -> DeviceTreeNode {
    var root = node("", ["#address-cells": [1], "#size-cells": [1]])
    root.children = [
      DeviceTreeNode("chosen"), processors(kind),
      node(
        "memory@\(String(kind.memoryBase, radix: 16))",
        ["reg": [UInt32(kind.memoryBase), 128 << 20]], strings: ["device_type": "memory"]),
    ]
    switch kind {
    case .vexpress: root.children += vexpress
    case .smdkc210: root.children += [soc(smdkc210)]
    case .cubieboard: root.children += [soc(cubieboard)]
    }
    return root
  }

  static func node(_ name: String, _ cells: KeyValuePairs<String, [UInt32]>, strings: [String: String] = [:])
    -> DeviceTreeNode
  {
    var node = DeviceTreeNode(name)
    for (name, value) in strings { node.set(name, value) }
    for (name, value) in cells { node.set(name, cells: value) }
    return node
  }

  private static func processors(_ kind: NarrowBoardKind) -> DeviceTreeNode {
    var node = node("cpus", ["#address-cells": [1], "#size-cells": [0]])
    node.children = (0..<UInt32(kind.cpus)).map {
      self.node("cpu@\($0)", ["reg": [UInt32(kind.affinity) + $0]], strings: ["device_type": "cpu"])
    }
    return node
  }

  private static func soc(_ children: [DeviceTreeNode]) -> DeviceTreeNode {
    var node = node("soc", ["#address-cells": [1], "#size-cells": [1], "ranges": []])
    node.children = children
    return node
  }

  /// Three buses, one with chip selects.
  private static var vexpress: [DeviceTreeNode] {
    var board = node(
      "bus@40000000",
      [
        "#address-cells": [1], "#size-cells": [1],
        "ranges": [0x4000_0000, 0x4000_0000, 0x1000_0000, 0x1000_0000, 0x1000_0000, 0x2_0000],
      ])
    var motherboard = node(
      "motherboard-bus@40000000",
      [
        "#address-cells": [2], "#size-cells": [1],
        "ranges": [0, 0, 0x4000_0000, 0x400_0000, 7, 0, 0x1000_0000, 0x2_0000],
      ])
    var peripherals = node(
      "iofpga@7,00000000", ["#address-cells": [1], "#size-cells": [1], "ranges": [0, 7, 0, 0x2_0000]])
    peripherals.children = [
      node("uart@9000", ["reg": [0x9000, 0x1000], "interrupts": [5]], strings: ["compatible": "arm,pl011"]),
      node("uart@a000", ["reg": [0xA000, 0x1000], "interrupts": [6]], strings: ["compatible": "arm,pl011"]),
      node(
        "timer@11000", ["reg": [0x11000, 0x1000], "interrupts": [2]], strings: ["compatible": "arm,sp804"]),
      node("sysreg@0", ["reg": [0, 0x1000]], strings: ["compatible": "arm,vexpress-sysreg"]),
    ]
    motherboard.children = [peripherals]
    board.children = [motherboard]
    let unused = node(
      "timer@100e4000", ["reg": [0x100E_4000, 0x1000], "interrupts": [0, 48, 4, 0, 49, 4]],
      strings: ["compatible": "arm,sp804", "status": "disabled"])
    let controller = node(
      "interrupt-controller@1e001000", ["reg": [0x1E00_1000, 0x1000, 0x1E00_0100, 0x100]],
      strings: ["compatible": "arm,cortex-a9-gic"])
    return [unused, board, controller]
  }

  private static var smdkc210: [DeviceTreeNode] {
    [
      node(
        "interrupt-controller@10490000",
        ["reg": [0x1049_0000, 0x1_0000, 0x1048_0000, 0x1_0000], "cpu-offset": [0x8000]],
        strings: ["compatible": "arm,cortex-a9-gic"]),
      node(
        "serial@13800000", ["reg": [0x1380_0000, 0x100], "interrupts": [0, 52, 4]],
        strings: ["compatible": "samsung,exynos4210-uart"]),
      node(
        "timer@10050000",
        [
          "reg": [0x1005_0000, 0x800],
          "interrupts-extended": [
            1, 0, 57, 4, 1, 0, 69, 4, 2, 12, 6, 2, 12, 7, 1, 0, 42, 4, 1, 0, 48, 4,
          ],
        ],
        strings: ["compatible": "samsung,exynos4210-mct"]),
      node(
        "system-controller@10020000", ["reg": [0x1002_0000, 0x4000]],
        strings: ["compatible": "samsung,exynos4210-pmu"]),
    ]
  }

  private static var cubieboard: [DeviceTreeNode] {
    [
      node(
        "interrupt-controller@1c20400", ["reg": [0x1C2_0400, 0x400]],
        strings: ["compatible": "allwinner,sun4i-a10-ic"]),
      node(
        "timer@1c20c00", ["reg": [0x1C2_0C00, 0x90], "interrupts": [22, 23, 24, 25, 67, 68]],
        strings: ["compatible": "allwinner,sun4i-a10-timer"]),
      node(
        "serial@1c28000", ["reg": [0x1C2_8000, 0x400], "interrupts": [1]],
        strings: ["compatible": "snps,dw-apb-uart"]),
    ]
  }
}
