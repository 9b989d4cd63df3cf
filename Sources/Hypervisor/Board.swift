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
  /// Its distributor and redistributors; of a GICv2 distributor, CPU interface, and the virtual interfaces of the
  /// hypervisor and of its guests.
  var interruptController = InlineArray<4, PhysicalRange>(repeating: PhysicalRange())
  public var distributor: UInt64 { interruptController[0].start }
  public var redistributors: PhysicalRange { interruptController[1] }
  public var cpuInterface: UInt64 { interruptController[1].start }
  public var listInterface: UInt64 { interruptController[2].start }
  public var virtualInterface: UInt64 { interruptController[3].start }
  public var uart: UInt64 = 0
  /// It is a 16550A, no PL011.
  public var isUART8250 = false
  public var uartInterrupt = InterruptNumber(0)
  /// Interrupts of the EL1 physical, the virtual and the EL2 timer.
  public var timerInterrupts = InlineArray<3, InterruptNumber>(repeating: InterruptNumber(0))
  /// Whether the firmware is PSCI 0.2 or later, called by SMC.
  public var hasFirmware = false
  /// Where the boot loader put the board's device tree, and the bytes that it says it has.
  var tree = PhysicalRange()
  /// Where the boot loader put the device image.
  public var image = PhysicalRange()
  /// Its end; the tree names start and end in any order.
  fileprivate var imageEnd: UInt64 = 0
  /// What it gave for the random number generator.
  public var seed = InlineArray<4, UInt64>(repeating: 0)

  public init() {}

  /// Takes from the board's device tree what the hypervisor needs.
  /// - Parameter generation: of the interrupt controller that is looked for.
  public mutating func read(_ tree: DeviceTree, generation: UInt32) {
    readReservations(tree)
    var walk = BoardWalk(tree, isSecondGeneration: generation == 2)
    while walk.step(&self) {}
    if imageEnd > image.start { image.size = imageEnd &- image.start }
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

/// The walk: a node is judged when its properties have all been seen, which come before its children.
private struct BoardWalk {
  private var tree: DeviceTree
  private var depth = 0
  /// For each level, cells of an address (upper byte) and of a size in the children.
  private var cells = InlineArray<8, UInt32>(repeating: 0)
  /// The level of `/reserved-memory`, whose children are ranges that no guest may get.
  private var reservedDepth = 8
  // The node whose properties come now.
  /// What its `device_type` or `compatible` says it is.
  private var kind: DeviceTreeName?
  private var registers = DeviceTreeProperty()
  private var isDisabled = false
  private var interrupts = 0

  /// The interrupt controller that is looked for is a GICv2.
  private let isSecondGeneration: Bool

  init(_ tree: DeviceTree, isSecondGeneration: Bool) {
    self.tree = tree
    self.isSecondGeneration = isSecondGeneration
  }

  /// One event; false at the end.
  mutating func step(_ board: inout Board) -> Bool {
    switch tree.next() {
    case .beginNode(let name):
      judge(&board)
      depth &+= 1
      cells[depth & 7] = 0x201
      registers.length = 0
      isDisabled = false
      if tree.blob.name(at: name) == .reservedMemory { reservedDepth = depth }
    case .endNode:
      judge(&board)
      depth &-= 1
    case .property(let property): if depth <= 7 { read(property, &board) }
    case .end, .malformed: return false
    }
    return true
  }

  private mutating func read(_ property: DeviceTreeProperty, _ board: inout Board) {
    let blob = tree.blob
    let value = property.value
    switch blob.name(at: property.name) {
    case .addressCells: cells[depth & 7] = cells[depth & 7] & 0xFF | blob.cell(at: value) &<< 8
    case .sizeCells: cells[depth & 7] = cells[depth & 7] & 0xFF00 | blob.cell(at: value) & 0xFF
    case .compatible: classify(property)
    case .deviceType: kind = blob.name(at: value)
    case .interrupts: interrupts = value
    case .method: board.hasFirmware = blob.name(at: value) == .smc
    case .reg: registers = property
    case .status: isDisabled = blob.name(at: value) != .okay && blob.name(at: value) != .ok
    case .initrdStart: board.image.start = blob.number(at: value, cells: property.length &>> 2)
    case .initrdEnd: board.imageEnd = blob.number(at: value, cells: property.length &>> 2)
    case .rngSeed: if property.length >= 32 { readSeed(value, &board) }
    default: break
    }
  }

  private func readSeed(_ value: Int, _ board: inout Board) {
    for word in 0..<4 { board.seed[word] = tree.blob.number(at: value &+ word &* 8, cells: 2) }
  }

  /// The first string of its `compatible` that the hypervisor knows.
  private mutating func classify(_ property: DeviceTreeProperty) {
    var string = property.value
    while string < property.value &+ property.length {
      let name = tree.blob.name(at: string)
      if name == .pl011 || name == .armv8Timer { kind = name }
      if name == .ns16550a || name == .designWareUART { kind = .ns16550a }
      let isController = isSecondGeneration ? name == .gic400 || name == .cortexA15GIC : name == .gicV3
      if isController { kind = .gicV3 }
      while tree.blob.byte(at: string) != 0 { string &+= 1 }
      string &+= 1
    }
  }

  /// Takes from the node what the hypervisor needs.
  @inline(never) private mutating func judge(_ board: inout Board) {
    defer { kind = nil }
    guard depth > 0, depth <= 7, !isDisabled else { return }
    if depth == reservedDepth &+ 1 { addRanges(&board.reserved) }
    switch kind {
    case .memory: addRanges(&board.memory)
    case .cpu:
      guard board.cpuCount < 8 else { return }
      board.cpuAffinities[Int(board.cpuCount & 7)] = range(0).start
      board.cpuCount &+= 1
    case .gicV3:
      for index in 0..<4 { board.interruptController[index] = range(index) }
    case .pl011, .ns16550a:
      guard board.uart == 0 else { return }
      board.isUART8250 = kind == .ns16550a
      board.uart = range(0).start
      board.uartInterrupt = interrupt(0)
    case .armv8Timer: for index in 0..<3 { board.timerInterrupts[index] = interrupt(index &+ 1) }
    default: break
    }
    registers.length = 0
  }

  @inline(never) private func addRanges(_ list: inout RangeList) {
    var index = 0
    while (index &+ 1) &* pairSize <= registers.length {
      list.append(range(index))
      index &+= 1
    }
  }

  /// Cells of an address and of a size in the node's `reg`: two at the most.
  private var addressCells: Int { Int(cells[(depth &- 1) & 7] &>> 8 & 3) }
  private var sizeCells: Int { Int(cells[(depth &- 1) & 7] & 3) }
  private var pairSize: Int { max(addressCells &+ sizeCells, 1) &* 4 }

  /// The pair at `index` of the node's `reg`.
  @inline(never) private func range(_ index: Int) -> PhysicalRange {
    let position = registers.value &+ index &* pairSize
    return PhysicalRange(
      start: tree.blob.number(at: position, cells: addressCells),
      size: tree.blob.number(at: position &+ addressCells &* 4, cells: sizeCells))
  }

  /// The interrupt at `index` of the node's `interrupts`: three cells, the first 1 for a private one.
  @inline(never) private func interrupt(_ index: Int) -> InterruptNumber {
    let position = interrupts &+ index &* 12
    let base: UInt32 = tree.blob.cell(at: position) == 1 ? 16 : 32
    return InterruptNumber((base &+ tree.blob.cell(at: position &+ 4)) & 0x3FF)
  }
}
