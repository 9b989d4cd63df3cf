// What boards without virtualization extensions have besides: devices behind buses (`ranges`), interrupts of one cell, other
// interrupt controllers, timers and UARTs.

import Appliance
import ArmArchitecture

/// What only these boards are searched for.
public struct NarrowBoard: ~Copyable {
  /// What the interrupt controller is.
  public var controllerKind: DeviceTreeName
  /// How far the registers of each CPU lie from those of the one before (`cpu-offset`), where they are not banked.
  public var cpuOffset: UInt32
  // An address of 0 says that there is none.
  public var timer: UInt64
  public var timerKind: DeviceTreeName
  /// Of each CPU's alarm.
  public var timerInterrupts: InlineArray<2, InterruptNumber>
  /// What turns the board off, and other CPUs on.
  public var powerController: UInt64
  public var powerControllerKind: DeviceTreeName
}

extension Board {
  /// There is another CPU, a way to turn it on, and an alarm for it.
  var hasSecondCPU: Bool {
    cpuCount == 2 && narrow.powerControllerKind == .exynosPowerController
      && narrow.timerKind == .multiCoreTimer
  }

  /// Takes from such a device what the hypervisor needs. Of several, the first one counts.
  mutating func judgeNarrow<H: Hardware>(_ hardware: H.Type) {
    switch walk.kind {
    case .exynosUART: takeUART(hardware)
    case .cortexA9GIC, .allwinnerInterruptController: takeInterruptController(hardware)
    case .exynosPowerController, .versatileSystemRegisters: takePowerController()
    default: takeTimer()
    }
  }

  private mutating func takeInterruptController<H: Hardware>(_ hardware: H.Type) {
    guard interruptController.count == 0 else { return }
    walk.readRanges(&interruptController, hardware)
    narrow.controllerKind = walk.kind
    narrow.cpuOffset = UInt32(truncatingIfNeeded: walk.number(.cpuOffset)) & 0xF000
  }

  private mutating func takePowerController() {
    guard narrow.powerController == 0 else { return }
    // They have 16 KiB at the most.
    narrow.powerController = walk.firstAddress() & ~0x3FFF
    narrow.powerControllerKind = walk.kind
  }

  private mutating func takeTimer() {
    guard narrow.timer == 0 else { return }
    narrow.timer = walk.firstAddress()
    narrow.timerKind = walk.kind
    for cpu in 0..<2 as Range<Int> { narrow.timerInterrupts[cpu] = walk.timerInterrupt(cpu) }
  }
}

extension BoardWalk {
  // MARK: Names

  /// The name of a property that is none of the common ones.
  @inline(never) mutating func narrowPropertyName() -> DeviceTreeName {
    tree.blob.position = tree.propertyName
    let name = tree.blob.narrowName()
    tree.blob.position = tree.value
    return name
  }

  /// The string that comes next.
  @inline(never) mutating func anyName() -> DeviceTreeName {
    let start = tree.blob.position
    let name = tree.blob.name()
    guard name == .unknown else { return name }
    tree.blob.position = start
    return tree.blob.narrowName()
  }

  // MARK: Addresses

  /// An address as the node's parent gives it, as the CPU sees it: every bus on the way to the root says where its addresses
  /// lie in its parent's (Devicetree Specification 2.3.8). Without `ranges` it is taken as it is.
  @inline(never) mutating func translate(_ address: UInt64) -> UInt64 {
    let position = tree.blob.position
    var address = address
    var bus = level &- 1
    while bus > 1, ranges[bus & 15] != 0 {
      address = translate(address, bus: bus & 15)
      bus &-= 1
    }
    tree.blob.position = position
    return address
  }

  /// One step. Empty `ranges` change nothing, and nor do those that do not have the address.
  private mutating func translate(_ address: UInt64, bus: Int) -> UInt64 {
    let own = levels[bus]
    // Entries without a size would have no end either.
    guard own.sizeCells != 0 else { return address }
    let end = go(to: ranges[bus])
    while tree.blob.position < end {
      let start = tree.blob.number(cells: own.addressCells)
      let base = tree.blob.number(cells: levels[(bus &- 1) & 15].addressCells)
      let size = tree.blob.number(cells: own.sizeCells)
      guard tree.blob.position <= end else { return address }
      if address &- start < size { return base &+ (address &- start) }
    }
    return address
  }

  /// Where the node's first registers are; 0 if it has none.
  mutating func firstAddress() -> UInt64 {
    guard go(to: .reg) > tree.blob.position else { return 0 }
    return translate(tree.blob.number(cells: parent.addressCells))
  }

  // MARK: Interrupts

  /// The first of the node's interrupts: behind the controller in `interrupts-extended`, else in `interrupts` as three cells;
  /// where there are fewer, as one, the number of a shared interrupt.
  @inline(never) mutating func firstInterrupt() -> InterruptNumber {
    if go(to: .interruptsExtended) > tree.blob.position {
      tree.blob.position &+= 4
      return interrupt()
    }
    let end = go(to: .interrupts)
    return end &- tree.blob.position >= 12 ? interrupt() : sharedInterrupt()
  }

  /// The interrupt of a timer that one of two CPUs has.
  @inline(never) mutating func timerInterrupt(_ cpu: Int) -> InterruptNumber {
    switch kind {
    case .allwinnerTimer: return sharedInterrupt()
    case .multiCoreTimer:
      // Those of local timers come last, as three cells behind their controller.
      tree.blob.position = go(to: .interruptsExtended) &- (2 &- cpu) &* 16 &+ 4
      return interrupt()
    default: return firstInterrupt()
    }
  }

  /// The first of the node's interrupts where each is one cell.
  mutating func sharedInterrupt() -> InterruptNumber {
    _ = go(to: .interrupts)
    return InterruptNumber((32 &+ tree.blob.cell()) & 0x3FF)
  }
}
