// The board, read from its device tree in one walk.

import Appliance
import ArmArchitecture
import VirtualDevices

/// What the hypervisor needs to know of a board.
public struct Board {
  /// Banks of memory.
  public var memory = RangeList()
  /// What no guest may get: `/memreserve/`, `/reserved-memory`, and what is given away while booting.
  public var reserved = RangeList()
  /// MPIDR affinity fields of the CPUs, in the tree's order.
  public var cpuAffinities = InlineArray<8, UInt64>(repeating: 0)
  public var cpuCount: UInt32 = 0
  // An address of 0 says that there is none.
  public var distributor: UInt64 = 0
  public var redistributors = PhysicalRange()
  public var uart: UInt64 = 0
  public var uartInterrupt = InterruptNumber(0)
  /// Interrupts of the EL1 physical, the virtual and the EL2 timer.
  public var timerInterrupts = InlineArray<3, InterruptNumber>(repeating: InterruptNumber(0))
  /// Whether the firmware is PSCI 0.2 or later, called by SMC.
  public var hasFirmware = false
  /// Where the boot loader put the device image.
  public var image = PhysicalRange()
  /// What it gave for the random number generator.
  public var seed = InlineArray<4, UInt64>(repeating: 0)

  public init() {}

  /// Takes from the board's device tree what the hypervisor needs.
  public mutating func read(_ tree: DeviceTree) {
    readReservations(tree)
    var walk = BoardWalk(tree)
    while walk.step(&self) {}
  }

  /// The memory reservation block: pairs of address and size, ended by zeros.
  private mutating func readReservations(_ tree: DeviceTree) {
    var offset = tree.reservations
    while true {
      let range = PhysicalRange(
        start: tree.blob.number(at: offset, cells: 2), size: tree.blob.number(at: offset &+ 8, cells: 2))
      guard range != PhysicalRange(), offset < tree.blob.count else { return }
      reserved.append(range)
      offset &+= 16
    }
  }
}

/// A short list of memory ranges.
public struct RangeList {
  private var ranges = InlineArray<32, PhysicalRange>(repeating: PhysicalRange())
  public private(set) var count = 0
  /// Ranges were left out: there were too many, or one wrapped around.
  public private(set) var isIncomplete = false

  public init() {}

  public subscript(index: Int) -> PhysicalRange { ranges[index & 31] }

  /// The first range that has bytes in common with this one.
  func first(overlapping other: PhysicalRange) -> PhysicalRange? {
    for index in 0..<count where self[index].overlaps(other) { return self[index] }
    return nil
  }

  public mutating func append(_ range: PhysicalRange) {
    guard range.isSane, count < 32 else {
      isIncomplete = true
      return
    }
    ranges[count & 31] = range
    count &+= 1
  }
}

/// The walk: a frame for each level of nodes, judged when its properties have all been seen.
private struct BoardWalk {
  /// What the properties of a node said.
  struct Node {
    /// Cells of an address and of a size in the node's children.
    var addressCells: UInt32 = 2
    var sizeCells: UInt32 = 1
    var kind = Kind.other
    var isDisabled = false
    var isJudged = false
    var registers = DeviceTreeProperty()
    var interrupts = 0
  }

  enum Kind {
    case other, memory, cpu, reservedMemory, chosen, interruptController, uart, timer, firmware
  }

  private var tree: DeviceTree
  private var nodes = InlineArray<8, Node>(repeating: Node())
  private var depth = 0

  init(_ tree: DeviceTree) { self.tree = tree }

  /// One event; false at the end.
  mutating func step(_ board: inout Board) -> Bool {
    switch tree.next() {
    case .beginNode(let name): begin(name, &board)
    case .endNode: end(&board)
    case .property(let property): if depth <= 7 { read(property, &board) }
    case .end, .malformed: return false
    }
    return true
  }

  private mutating func begin(_ name: Int, _ board: inout Board) {
    judge(&board)
    depth &+= 1
    guard depth <= 7 else { return }
    nodes[depth] = Node()
    if tree.blob.hasPrefix("reserved-memory\0", at: name) { nodes[depth].kind = .reservedMemory }
    if tree.blob.hasPrefix("chosen\0", at: name) { nodes[depth].kind = .chosen }
  }

  private mutating func end(_ board: inout Board) {
    judge(&board)
    depth &-= 1
  }

  private mutating func read(_ property: DeviceTreeProperty, _ board: inout Board) {
    let blob = tree.blob
    let value = property.value
    func isNamed(_ name: StaticString) -> Bool { blob.hasPrefix(name, at: property.name) }
    switch blob.byte(at: property.name) {
    case UInt8(ascii: "#"):
      if isNamed("#address-cells\0") { nodes[depth].addressCells = blob.cell(at: value) }
      if isNamed("#size-cells\0") { nodes[depth].sizeCells = blob.cell(at: value) }
    case UInt8(ascii: "c"): if isNamed("compatible\0") { classify(property) }
    case UInt8(ascii: "d"):
      guard isNamed("device_type\0") else { return }
      if blob.hasPrefix("memory\0", at: value) { nodes[depth].kind = .memory }
      if blob.hasPrefix("cpu\0", at: value) { nodes[depth].kind = .cpu }
    case UInt8(ascii: "i"): if isNamed("interrupts\0") { nodes[depth].interrupts = value }
    case UInt8(ascii: "m"):
      if isNamed("method\0") { board.hasFirmware = blob.hasPrefix("smc\0", at: value) }
    case UInt8(ascii: "r"):
      if isNamed("reg\0") { nodes[depth].registers = property }
      if isNamed("rng-seed\0"), property.length >= 32 {
        for word in 0..<4 { board.seed[word] = blob.number(at: value &+ word &* 8, cells: 2) }
      }
    case UInt8(ascii: "s"):
      if isNamed("status\0") { nodes[depth].isDisabled = !blob.hasPrefix("ok", at: value) }
    case UInt8(ascii: "l"):
      let address = blob.number(at: value, cells: property.length / 4)
      if isNamed("linux,initrd-start\0") { board.image.start = address }
      if isNamed("linux,initrd-end\0") { board.image.size = address }
    default: break
    }
  }

  /// The node's kind by the strings of its `compatible`.
  private mutating func classify(_ property: DeviceTreeProperty) {
    var string = property.value
    let end = string &+ property.length
    while string < end {
      if let kind = kind(compatible: string) { nodes[depth].kind = kind }
      while tree.blob.byte(at: string) != 0 { string &+= 1 }
      string &+= 1
    }
  }

  private func kind(compatible string: Int) -> Kind? {
    guard tree.blob.hasPrefix("arm,", at: string) else { return nil }
    let model = string &+ 4
    if tree.blob.hasPrefix("gic-v3\0", at: model) { return .interruptController }
    if tree.blob.hasPrefix("pl011\0", at: model) { return .uart }
    if tree.blob.hasPrefix("armv8-timer\0", at: model) { return .timer }
    if tree.blob.hasPrefix("psci-", at: model) { return .firmware }
    return nil
  }

  /// All properties of the innermost node have been seen: takes from it what the hypervisor needs.
  private mutating func judge(_ board: inout Board) {
    guard depth > 0, depth <= 7, !nodes[depth].isJudged else { return }
    nodes[depth].isJudged = true
    let node = nodes[depth]
    guard !node.isDisabled else { return }
    if nodes[depth &- 1].kind == .reservedMemory { addRanges(node, &board.reserved) }
    switch node.kind {
    case .memory: addRanges(node, &board.memory)
    case .cpu: addCPU(node, &board)
    case .interruptController:
      board.distributor = range(node, 0).start
      board.redistributors = range(node, 1)
    case .uart:
      guard board.uart == 0 else { return }
      board.uart = range(node, 0).start
      board.uartInterrupt = interrupt(node, 0)
    case .timer: for index in 0..<3 { board.timerInterrupts[index] = interrupt(node, index &+ 1) }
    case .chosen: if board.image.size != 0 { board.image.size &-= board.image.start }
    case .firmware, .reservedMemory, .other: break
    }
  }

  private func addCPU(_ node: Node, _ board: inout Board) {
    guard board.cpuCount < 8 else { return }
    let cells = Int(nodes[depth &- 1].addressCells)
    board.cpuAffinities[Int(board.cpuCount)] = tree.blob.number(at: node.registers.value, cells: cells)
    board.cpuCount &+= 1
  }

  private func addRanges(_ node: Node, _ list: inout RangeList) {
    let stride = pairSize
    guard stride != 0 else { return }
    var index = 0
    while (index &+ 1) &* stride <= node.registers.length {
      list.append(range(node, index))
      index &+= 1
    }
  }

  /// Bytes of an address and a size in the innermost node's `reg`; 0 for a tree that makes no sense.
  private var pairSize: Int {
    let parent = nodes[depth &- 1]
    guard parent.addressCells <= 2, parent.sizeCells <= 2 else { return 0 }
    return Int((parent.addressCells &+ parent.sizeCells) &* 4)
  }

  /// The pair at `index` of the node's `reg`.
  private func range(_ node: Node, _ index: Int) -> PhysicalRange {
    let parent = nodes[depth &- 1]
    let position = node.registers.value &+ index &* pairSize
    let size = position &+ Int(parent.addressCells & 3) &* 4
    return PhysicalRange(
      start: tree.blob.number(at: position, cells: Int(parent.addressCells & 3)),
      size: tree.blob.number(at: size, cells: Int(parent.sizeCells & 3)))
  }

  /// The interrupt at `index` of the node's `interrupts`: three cells, the first 1 for a private one.
  private func interrupt(_ node: Node, _ index: Int) -> InterruptNumber {
    let position = node.interrupts &+ index &* 12
    let base: UInt32 = tree.blob.cell(at: position) == 1 ? 16 : 32
    return InterruptNumber((base &+ tree.blob.cell(at: position &+ 4)) & 0x3FF)
  }
}
