// The board, read from its device tree in one walk. All of this begins as zeros in the arena.

import Appliance
import ArmArchitecture
import VirtualDevices

/// What the hypervisor needs to know of a board.
public struct Board: ~Copyable {
  /// The first member, so that both have one address.
  var walk: BoardWalk
  /// Banks of memory.
  public var memory: RangeList
  /// What no guest may get: `/memreserve/`, `/reserved-memory`, and what is given away while booting.
  public var reserved: RangeList
  /// The starts are the MPIDR affinity fields of the CPUs, in the tree's order.
  var cpus: RangeList
  /// Distributor and redistributors; of a GICv2 distributor, CPU interface, and the virtual interfaces of the
  /// hypervisor and of its guests.
  var interruptController: RangeList
  var uarts: RangeList
  /// What the first UART is.
  public var uartKind: DeviceTreeName
  public var uartInterrupt: InterruptNumber
  /// There is a generic timer with the interrupts that the hypervisor gives its guests.
  public var hasTimer: Bool
  /// Whether the firmware is PSCI 0.2 or later, called by SMC.
  public var hasFirmware: Bool
  /// Where the boot loader put the board's device tree.
  var tree: PhysicalRange
  /// Where the boot loader put the device image.
  public var image: PhysicalRange
  /// Random bytes for the guests, from those it gave.
  var seed: SeedGenerator
  /// What only boards without virtualization extensions are searched for.
  public var narrow: NarrowBoard

  /// 8 at the most.
  public var cpuCount: UInt32 { UInt32(truncatingIfNeeded: cpus.count) }
  // An address of 0 says that there is none.
  public var uart: UInt64 { mutating get { uarts[0].start } }
  public var distributor: UInt64 { mutating get { interruptController[0].start } }
  public var redistributors: PhysicalRange { mutating get { interruptController[1] } }
  public var cpuInterface: UInt64 { mutating get { interruptController[1].start } }
  public var listInterface: UInt64 { mutating get { interruptController[2].start } }
  public var virtualInterface: UInt64 { mutating get { interruptController[3].start } }

  /// Whether a range is neither memory nor reserved nor a device of the hypervisor's.
  mutating func mayBeGiven(_ range: PhysicalRange) -> Bool {
    memory.end(overlapping: range) | reserved.end(overlapping: range)
      | interruptController.end(overlapping: range) | uarts.end(overlapping: range) == 0
  }

  /// Takes from the board's device tree what the hypervisor needs.
  public mutating func read<H: Hardware>(_ blob: Blob, for hardware: H.Type) {
    guard walk.begin(blob, &reserved) else { return }
    while walk.goToEndOfProperties(hardware) {
      if !walk.isDisabled { judge(hardware) }
      walk.goToNextNode(hardware)
    }
    let start = walk.number(.initrdStart)
    let end = walk.number(.initrdEnd)
    if end > start { image = PhysicalRange(start: start, size: end &- start) }
    hasFirmware = walk.says(.method, .smc)
    walk.readSeed(&seed)
  }

  /// Takes from a node what the hypervisor needs.
  private mutating func judge<H: Hardware>(_ hardware: H.Type) {
    if walk.parent.isReserved { walk.readRanges(&reserved, hardware) }
    let kind = walk.kind
    if H.followsBuses, kind.isNarrowDevice {
      judgeNarrow(hardware)
    } else if kind.isUART {
      takeUART(hardware)
    } else if kind.isInterruptController {
      if (kind == .gicV3) == (H.interruptControllerGeneration == 3) {
        walk.readRanges(&interruptController, hardware)
      }
      walk.reserveChildren()
    } else if kind == .memory {
      walk.readRanges(&memory, hardware)
    } else if kind == .cpu {
      if cpus.count < PhoneLimits.physicalCPUs { walk.readRanges(&cpus, hardware) }
    } else if kind == .armv8Timer {
      walk.goToInterrupts()
      _ = walk.interrupt()
      hasTimer =
        walk.interrupt() == GuestInterrupt.physicalTimer
        && walk.interrupt() == GuestInterrupt.virtualTimer
        && walk.interrupt() == PhysicalInterrupt.alarm
    }
  }

  /// The first UART is the console.
  mutating func takeUART<H: Hardware>(_ hardware: H.Type) {
    guard uarts.count == 0 else { return }
    walk.readRanges(&uarts, hardware)
    uartKind = walk.kind
    if H.followsBuses {
      uartInterrupt = walk.firstInterrupt()
    } else {
      walk.goToInterrupts()
      uartInterrupt = walk.interrupt()
    }
  }
}

/// A short list of memory ranges. Reading it is `mutating`, though it changes nothing: what only borrows the list is
/// handed a copy of its 528 bytes on the stack.
public struct RangeList: ~Copyable {
  private var ranges: InlineArray<32, PhysicalRange>
  public private(set) var count: Int
  /// Ranges were left out: there were too many, or one wrapped around.
  public private(set) var isIncomplete: Bool

  public subscript(index: Int) -> PhysicalRange { mutating get { ranges[index & 31] } }

  /// Where the first range ends that has bytes in common with this one; 0 if none has.
  @inline(never) mutating func end(overlapping other: PhysicalRange) -> UInt64 {
    var index = 0
    while index < count {
      if ranges[index & 31].overlaps(other) { return ranges[index & 31].end }
      index &+= 1
    }
    return 0
  }

  @inline(never) public mutating func append(_ range: PhysicalRange) {
    guard range.isSane, count < 32 else {
      isIncomplete = true
      return
    }
    ranges[count & 31] = range
    count &+= 1
  }
}

/// The walk through the tree. A node is judged when its properties have all been seen, which come before its children.
struct BoardWalk: ~Copyable {
  /// What a node says of its children.
  struct Level {
    /// 32-bit cells of an address and of a size.
    var addressCells: UInt8
    var sizeCells: UInt8
    /// It is `/reserved-memory` or an interrupt controller, whose children are ranges that no guest may get.
    var isReserved: Bool
  }

  var tree: DeviceTree
  private var event: DeviceTreeEvent
  private(set) var levels: InlineArray<16, Level>
  /// The level of the node whose properties come now.
  private(set) var level: Int
  /// What its `device_type` or `compatible` says it is.
  private(set) var kind: DeviceTreeName
  private(set) var isDisabled: Bool
  /// Where properties lie, by their names: those of this node, and of the one node that has such a property. One more
  /// than the offset of the value; 0 for what was not there.
  private var properties: InlineArray<32, Int>
  /// Of each level, where the `ranges` of its node lies, likewise.
  private(set) var ranges: InlineArray<16, Int>

  var parent: Level { mutating get { levels[(level &- 1) & 15] } }

  // MARK: Structure

  /// The header, and the memory reservation block: pairs of address and size, ended by zeros.
  /// - Returns: whether there is a device tree.
  mutating func begin(_ blob: Blob, _ reserved: inout RangeList) -> Bool {
    tree = DeviceTree(blob)
    guard tree.readHeader() else { return false }
    tree.goToReservations()
    while true {
      let range = PhysicalRange(start: tree.blob.number(cells: 2), size: tree.blob.number(cells: 2))
      if range == PhysicalRange() { return true }
      reserved.append(range)
    }
  }

  /// False at the end of the tree.
  mutating func goToEndOfProperties<H: Hardware>(_ hardware: H.Type) -> Bool {
    event = tree.next()
    while event == .property {
      note(hardware)
      event = tree.next()
    }
    return event == .beginNode || event == .endNode
  }

  mutating func goToNextNode<H: Hardware>(_ hardware: H.Type) {
    kind = .unknown
    isDisabled = false
    properties[Int(DeviceTreeName.reg.place)] = 0
    level = tree.depth
    if event == .beginNode {
      levels[level & 15] = Level(
        addressCells: 2, sizeCells: 1, isReserved: tree.name == .reservedMemory)
      if H.followsBuses { forgetWiring() }
    }
  }

  /// What a property says of its node; of the others, where they are.
  private mutating func note<H: Hardware>(_ hardware: H.Type) {
    let name = H.followsBuses && tree.name == .unknown ? narrowPropertyName() : tree.name
    switch name {
    case .compatible, .deviceType:
      while tree.blob.position < tree.value &+ tree.length {
        let name = H.followsBuses ? anyName() : tree.blob.name()
        if name.isKindOfNode { kind = name }
      }
    case .status:
      let name = tree.blob.name()
      isDisabled = name != .okay && name != .ok
    case .addressCells:
      levels[level & 15].addressCells = UInt8(truncatingIfNeeded: tree.blob.cell())
    case .sizeCells: levels[level & 15].sizeCells = UInt8(truncatingIfNeeded: tree.blob.cell())
    case .ranges where H.followsBuses: ranges[level & 15] = tree.value &+ 1
    default: properties[Int(name.place & 31)] = tree.value &+ 1
    }
  }

  /// What a node does not say it does not have from another.
  private mutating func forgetWiring() {
    ranges[level & 15] = 0
    properties[Int(DeviceTreeName.interrupts.place)] = 0
    properties[Int(DeviceTreeName.interruptsExtended.place)] = 0
  }

  /// What belongs to this node is not given to a guest either: an interrupt translation service writes memory.
  mutating func reserveChildren() { levels[level & 15].isReserved = true }

  // MARK: Values

  /// Goes to the value of a property.
  /// - Returns: where it ends; what was not there has no bytes, and only zeros are read.
  @inline(never) mutating func go(to name: DeviceTreeName) -> Int { go(to: properties[Int(name.place & 31)]) }

  /// The same for what is noted of a property: one more than the offset of the value.
  @inline(__always) mutating func go(to noted: Int) -> Int {
    tree.blob.position = noted &- 9
    let length = tree.blob.cell()
    tree.blob.position &+= 4
    return tree.blob.position &+ Int(truncatingIfNeeded: length)
  }

  /// A property that is one number.
  @inline(never) mutating func number(_ name: DeviceTreeName) -> UInt64 {
    let end = go(to: name)
    return tree.blob.number(cells: UInt8(truncatingIfNeeded: (end &- tree.blob.position) &>> 2))
  }

  /// Whether a property is a certain string.
  mutating func says(_ name: DeviceTreeName, _ value: DeviceTreeName) -> Bool {
    _ = go(to: name)
    return tree.blob.name() == value
  }

  mutating func readSeed(_ seed: inout SeedGenerator) {
    let end = go(to: .rngSeed)
    while tree.blob.position < end { seed.mix(tree.blob.number(cells: 2)) }
  }

  /// Adds the node's `reg`: pairs of address and size.
  @inline(never) mutating func readRanges<H: Hardware>(_ list: inout RangeList, _ hardware: H.Type) {
    let end = go(to: .reg)
    while tree.blob.position < end, !list.isIncomplete {
      var start = tree.blob.number(cells: parent.addressCells)
      if H.followsBuses { start = translate(start) }
      list.append(PhysicalRange(start: start, size: tree.blob.number(cells: parent.sizeCells)))
    }
  }

  mutating func goToInterrupts() { _ = go(to: .interrupts) }

  /// The next of the node's `interrupts`: three cells, the first 1 for a private one.
  @inline(never) mutating func interrupt() -> InterruptNumber {
    let base: UInt32 = tree.blob.cell() == 1 ? 16 : 32
    let number = tree.blob.cell()
    tree.blob.position &+= 4
    return InterruptNumber((base &+ number) & 0x3FF)
  }
}
