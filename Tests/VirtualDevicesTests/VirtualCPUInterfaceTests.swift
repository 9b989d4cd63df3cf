import ArmArchitecture
import SeededRandom
import Testing
import VirtualDevices

/// The interface in a class: expectations take what can be copied.
final class CPUInterface {
  private var device = VirtualCPUInterface()

  init() { device.listControl = 1 }

  subscript(_ offset: UInt32) -> UInt32 {
    get { device.read(offset: offset) }
    set { _ = device.write(newValue, offset: offset) }
  }

  /// Writes, and says which physical interrupt ends.
  func end(_ value: UInt32, at offset: UInt32 = Register.end) -> UInt32 {
    device.write(value, offset: offset).rawValue
  }

  func list(_ slot: UInt32) -> ListRegister { device[slot] }
  func setList(_ slot: UInt32, _ list: ListRegister) { device[slot] = list }

  var listControl: UInt32 {
    get { device.listControl }
    set { device.listControl = newValue }
  }
  var empty: UInt32 { device.emptyListRegisters }
  var isInterrupting: Bool { device.signalsInterrupt }
  var isMaintenanceDue: Bool { device.signalsMaintenance }
}

/// Offsets of GICC.
private enum Register {
  static let control: UInt32 = 0x00, mask: UInt32 = 0x04, binaryPoint: UInt32 = 0x08, acknowledge: UInt32 = 0x0C
  static let end: UInt32 = 0x10, running: UInt32 = 0x14, highest: UInt32 = 0x18, aliasBinaryPoint: UInt32 = 0x1C
  static let aliasAcknowledge: UInt32 = 0x20, aliasEnd: UInt32 = 0x24, aliasHighest: UInt32 = 0x28
  static let active: UInt32 = 0xD0, identification: UInt32 = 0xFC, deactivate: UInt32 = 0x1000
}

private func pending(
  _ interrupt: UInt32, priority: UInt8 = 0xA0, isGroup1: Bool = false, signalsEnd: Bool = false
) -> ListRegister {
  ListRegister(
    InterruptNumber(interrupt), priority: priority, isGroup1: isGroup1, pending: true, active: false,
    signalsEnd: signalsEnd)
}

/// What the specification (IHI 0048) says.
@Suite struct VirtualCPUInterfaceTests {
  /// As Linux starts it.
  private func started() -> CPUInterface {
    let interface = CPUInterface()
    interface[Register.mask] = 0xF0
    interface[Register.control] = 1
    return interface
  }

  @Test func powerOn() {
    let interface = CPUInterface()
    #expect(interface[Register.control] == 0 && interface[Register.mask] == 0)
    #expect(interface[Register.binaryPoint] == 2 && interface[Register.aliasBinaryPoint] == 3)
    #expect(interface[Register.running] == 0xFF && interface[Register.active] == 0)
    #expect(interface[Register.acknowledge] == 1023 && interface[Register.highest] == 1023)
    #expect(interface[Register.identification] == 0x2_043B)
    #expect(interface.empty == 15)
    #expect(!interface.isInterrupting && !interface.isMaintenanceDue)
  }

  @Test func registers() {
    let interface = CPUInterface()
    for offset in stride(from: 0 as UInt32, to: 0x1004, by: 4) where offset != Register.end {
      interface[offset] = ~0
    }
    #expect(interface[Register.control] == 0x217 && interface[Register.mask] == 0xF8)
    #expect(interface[Register.binaryPoint] == 7 && interface[Register.aliasBinaryPoint] == 7)
    #expect(interface[Register.identification] == 0x2_043B && interface[0x2C] == 0 && interface[0xE0] == 0)
  }

  @Test func oneInterrupt() {
    let interface = started()
    interface.setList(2, pending(33))
    #expect(interface.isInterrupting && interface.empty == 0b1011)
    #expect(interface[Register.highest] == 33 && interface[Register.acknowledge] == 33)
    #expect(!interface.isInterrupting && interface[Register.running] == 0xA0)
    #expect(interface.list(2).isActive && !interface.list(2).isPending)
    #expect(interface.end(33) == 1023)
    #expect(interface.list(2).isEmpty && interface.empty == 15 && interface[Register.running] == 0xFF)
  }

  /// GICC_IAR names the sender, and GICC_EOIR takes that back.
  @Test func softwareInterrupt() {
    let interface = started()
    var list = pending(5)
    list.setSource(3)
    interface.setList(0, list)
    #expect(interface[Register.highest] == 0xC05)
    #expect(interface[Register.acknowledge] == 0xC05)
    #expect(interface.end(0xC05) == 1023)
    #expect(interface.list(0).isEmpty)
  }

  /// What is tied to a physical interrupt ends that, and needs no maintenance.
  @Test func physical() {
    let interface = started()
    var list = pending(27, signalsEnd: true)
    list.tieToPhysical()
    interface.setList(0, list)
    #expect(interface[Register.acknowledge] == 27)
    #expect(interface.end(27) == 27)
    #expect(interface.empty == 15 && !interface.isMaintenanceDue)
  }

  @Test func endThatIsTold() {
    let interface = started()
    interface.setList(1, pending(40, signalsEnd: true))
    _ = interface[Register.acknowledge]
    #expect(!interface.isMaintenanceDue)
    _ = interface.end(40)
    #expect(interface.isMaintenanceDue && interface.empty == 0b1101)
    interface.setList(1, ListRegister(0))
    #expect(!interface.isMaintenanceDue && interface.empty == 15)
  }

  /// An interrupt that came again while it was active is pending afterwards.
  @Test func pendingAndActive() {
    let interface = started()
    interface.setList(0, pending(8))
    _ = interface[Register.acknowledge]
    interface.setList(
      0,
      ListRegister(
        InterruptNumber(8), priority: 0xA0, isGroup1: false, pending: true, active: true, signalsEnd: false))
    #expect(!interface.isInterrupting && interface[Register.acknowledge] == 1023)
    _ = interface.end(8)
    #expect(interface.list(0) == pending(8) && interface.isInterrupting)
  }

  @Test func priorities() {
    let interface = started()
    interface.setList(0, pending(40, priority: 0xA0))
    interface.setList(1, pending(41, priority: 0x80))
    interface.setList(2, pending(42, priority: 0x80))
    #expect(interface[Register.acknowledge] == 41)
    #expect(!interface.isInterrupting && interface[Register.highest] == 42)
    interface.setList(3, pending(43, priority: 0x78))
    #expect(interface.isInterrupting && interface[Register.acknowledge] == 43)
    #expect(interface[Register.running] == 0x78 && interface[Register.active] == 0x1_8000)
    _ = interface.end(43)
    #expect(interface[Register.running] == 0x80 && !interface.isInterrupting)
    // A mask that lets through what is more urgent than it.
    _ = interface.end(41)
    interface[Register.mask] = 0x80
    #expect(!interface.isInterrupting && interface[Register.acknowledge] == 1023)
    #expect(interface[Register.highest] == 42)
    interface[Register.mask] = 0x88
    #expect(interface[Register.acknowledge] == 42)
  }

  /// 4.4.3: the bits below the binary point do not preempt.
  @Test func binaryPoint() {
    let interface = started()
    interface[Register.binaryPoint] = 4
    interface.setList(0, pending(40, priority: 0xB8))
    #expect(interface[Register.acknowledge] == 40 && interface[Register.running] == 0xA0)
    interface.setList(1, pending(41, priority: 0xA0))
    #expect(!interface.isInterrupting)
    interface.setList(2, pending(42, priority: 0x98))
    #expect(interface[Register.acknowledge] == 42 && interface[Register.running] == 0x80)
  }

  /// 4.4.4: Group 1 has registers of its own, or AckCtl.
  @Test func groups() {
    let interface = started()
    interface.setList(0, pending(40, isGroup1: true))
    #expect(!interface.isInterrupting && interface[Register.highest] == 1023)
    interface[Register.control] = 3
    #expect(interface.isInterrupting)
    #expect(interface[Register.highest] == 1022 && interface[Register.acknowledge] == 1022)
    #expect(interface[Register.aliasHighest] == 40 && interface[Register.aliasAcknowledge] == 40)
    _ = interface.end(40, at: Register.aliasEnd)
    interface.setList(0, pending(41))
    #expect(interface[Register.aliasHighest] == 1023 && interface[Register.aliasAcknowledge] == 1023)
    interface.setList(0, pending(42, isGroup1: true))
    interface[Register.control] = 7
    #expect(interface[Register.acknowledge] == 42)
  }

  /// EOImode: GICC_EOIR drops the priority, GICC_DIR ends.
  @Test func twoSteps() {
    let interface = started()
    interface[Register.control] = 0x201
    var list = pending(50)
    list.tieToPhysical()
    interface.setList(0, list)
    _ = interface[Register.acknowledge]
    #expect(interface.end(50) == 1023)
    #expect(interface[Register.running] == 0xFF && interface.list(0).isActive)
    #expect(interface.end(50, at: Register.deactivate) == 50)
    #expect(interface.list(0).isEmpty)
    interface[Register.control] = 1
    interface.setList(0, list)
    _ = interface[Register.acknowledge]
    #expect(interface.end(50, at: Register.deactivate) == 1023 && interface.list(0).isActive)
  }

  /// An end without list register is counted, one that drops no priority is not; 1023 is no interrupt.
  @Test func endWithoutListRegister() {
    let interface = started()
    interface.listControl = 7
    for slot in 0..<2 as Range<UInt32> { interface.setList(slot, pending(32 + slot)) }
    #expect(!interface.isMaintenanceDue)
    _ = interface[Register.acknowledge]
    _ = interface.end(1023)
    #expect(interface.listControl == 7 && interface[Register.running] == 0xA0)
    _ = interface.end(99)
    #expect(interface.listControl == 7 | 1 << 27 && interface.isMaintenanceDue)
    _ = interface.end(99)
    #expect(interface.listControl == 7 | 1 << 27)
    interface.listControl = 1
    #expect(!interface.isMaintenanceDue)
  }

  /// UIE: at most one list register is in use.
  @Test func underflow() {
    let interface = started()
    interface.listControl = 3
    #expect(interface.isMaintenanceDue)
    for slot in 0..<2 as Range<UInt32> { interface.setList(slot, pending(32 + slot)) }
    #expect(!interface.isMaintenanceDue)
    _ = interface.end(interface[Register.acknowledge])
    #expect(interface.isMaintenanceDue)
  }
}

/// The interface in the specification's own terms: 8-bit priorities, states by name, a list of what is being served.
private struct SlowInterface {
  var lists = [ListRegister](repeating: ListRegister(0), count: 4)
  var listControl: UInt32 = 1
  var control: UInt32 = 0
  var mask: UInt32 = 0
  var points: [UInt32] = [2, 3]
  /// Group priorities.
  var served: Set<UInt32> = []

  private func isGroup1(_ list: ListRegister) -> Bool { list.rawValue >> 60 & 1 != 0 }
  private func priority(_ list: ListRegister) -> UInt32 { UInt32(list.rawValue >> 48 & 0xF8) }

  private func groupPriority(_ list: ListRegister) -> UInt32 {
    let bits = isGroup1(list) && control & 0x10 == 0 ? points[1] : points[0] + 1
    return (priority(list) >> bits) << bits
  }

  var running: UInt32 { served.min() ?? 0xFF }

  private var highest: Int? {
    lists.indices.filter {
      lists[$0].isPending && !lists[$0].isActive && control & (isGroup1(lists[$0]) ? 2 : 1) != 0
    }.min { (priority(lists[$0]), $0) < (priority(lists[$1]), $1) }
  }

  var isInterrupting: Bool {
    guard listControl & 1 != 0, let highest else { return false }
    return priority(lists[highest]) < mask && groupPriority(lists[highest]) < running
  }

  func identity(isAlias: Bool) -> UInt32 {
    guard let highest else { return 1023 }
    let list = lists[highest]
    if isAlias { return isGroup1(list) ? list.interrupt.rawValue + source(list) : 1023 }
    if isGroup1(list), control & 4 == 0 { return 1022 }
    return list.interrupt.rawValue + source(list)
  }

  private func source(_ list: ListRegister) -> UInt32 {
    list.interrupt.rawValue < 16 ? UInt32(list.rawValue >> 32 & 7) << 10 : 0
  }

  mutating func acknowledge(isAlias: Bool) -> UInt32 {
    let wasOn = listControl
    listControl |= 1
    defer { listControl = wasOn }
    guard isInterrupting, let highest else { return 1023 }
    let identity = identity(isAlias: isAlias)
    guard identity & 0x3FF < 1020 else { return identity }
    served.insert(groupPriority(lists[highest]))
    lists[highest].rawValue = lists[highest].rawValue & ~(1 << 62) | 1 << 63
    return identity
  }

  mutating func end(_ value: UInt32) -> UInt32 {
    guard value & 0x3FF < 1020, let most = served.min() else { return 1023 }
    served.remove(most)
    return control & 0x200 == 0 ? deactivate(value) : 1023
  }

  mutating func deactivate(_ value: UInt32) -> UInt32 {
    let slot = lists.firstIndex { $0.isActive && $0.interrupt.rawValue == value & 0x3FF }
    guard let slot else {
      listControl &+= 1 << 27
      return 1023
    }
    lists[slot].rawValue &= ~(1 << 63)
    return lists[slot].isPhysical ? UInt32(lists[slot].rawValue >> 32 & 0x3FF) : 1023
  }

  var empty: UInt32 {
    lists.indices.filter { lists[$0].isEmpty && !hasEnded(lists[$0]) }.reduce(0) { $0 | 1 << $1 }
  }

  private func hasEnded(_ list: ListRegister) -> Bool {
    list.isEmpty && !list.isPhysical && list.rawValue >> 41 & 1 != 0
  }

  var isMaintenanceDue: Bool {
    let isUnderflow = listControl & 2 != 0 && lists.filter { !$0.isEmpty }.count <= 1
    let isCounted = listControl & 4 != 0 && listControl >> 27 != 0
    return listControl & 1 != 0 && (lists.contains(where: hasEnded) || isUnderflow || isCounted)
  }
}

/// Whatever a guest and the core do, the interface is as the specification says.
@Suite struct CPUInterfacePropertyTests {
  private struct Run {
    let interface = CPUInterface()
    var slow = SlowInterface()
    var taken: [UInt32] = []
    var random: SeededGenerator

    init(seed: UInt64) { random = SeededGenerator(seed: seed) }

    private mutating func number(_ range: Range<UInt32>) -> UInt32 { UInt32.random(in: range, using: &random) }

    /// As the core fills list registers: no interrupt twice.
    mutating func fill() {
      let slot = number(0..<4)
      let interrupt = (number(0..<8) * 4 + slot) * 2
      let state = [0, 1, 1, 1, 1, 2, 2, 3].randomElement(using: &random)!
      var list = ListRegister(
        InterruptNumber(interrupt), priority: UInt8(number(0..<256)) & 0xF8, isGroup1: number(0..<2) != 0,
        pending: state & 1 != 0, active: state & 2 != 0, signalsEnd: number(0..<2) != 0)
      if interrupt < 16 { list.setSource(number(0..<8)) } else if number(0..<2) != 0 { list.tieToPhysical() }
      interface.setList(slot, list)
      slow.lists[Int(slot)] = list
    }

    mutating func acknowledge() -> Bool {
      let isAlias = number(0..<2) != 0
      let identity = slow.acknowledge(isAlias: isAlias)
      if identity & 0x3FF < 1020 { taken.append(identity) }
      return interface[isAlias ? Register.aliasAcknowledge : Register.acknowledge] == identity
    }

    mutating func end() -> Bool {
      let value = taken.isEmpty || number(0..<8) == 0 ? number(0..<1024) : taken.removeLast()
      switch number(0..<8) {
      case 0:
        let ended = slow.control & 0x200 != 0 ? slow.deactivate(value) : 1023
        return interface.end(value, at: Register.deactivate) == ended
      case 1...3: return interface.end(value, at: Register.aliasEnd) == slow.end(value)
      default: return interface.end(value, at: Register.end) == slow.end(value)
      }
    }

    mutating func set() {
      let value = number(0..<0x400)
      switch number(0..<12) {
      case 0...4:
        slow.control = value & 0x217 | 3
        interface[Register.control] = value | 3
      case 5:
        slow.control = value & 0x217
        interface[Register.control] = value
      case 6...8:
        slow.mask = (value | 0x80) & 0xF8
        interface[Register.mask] = value | 0x80
      case 9:
        slow.points[0] = max(value & 7, 2)
        interface[Register.binaryPoint] = value
      case 10:
        slow.points[1] = max(value & 7, 3)
        interface[Register.aliasBinaryPoint] = value
      default:
        slow.listControl = value & 7 | (number(0..<4) == 0 ? 0 : 1)
        interface.listControl = slow.listControl
      }
    }

    func isSame() -> Bool {
      (0..<4).allSatisfy { interface.list($0) == slow.lists[Int($0)] }
        && interface[Register.control] == slow.control && interface[Register.mask] == slow.mask
        && interface[Register.binaryPoint] == slow.points[0]
        && interface[Register.aliasBinaryPoint] == slow.points[1]
        && interface[Register.running] == slow.running
        && interface[Register.active] == slow.served.reduce(0) { $0 | 1 << ($1 >> 3) }
        && interface[Register.highest] == slow.identity(isAlias: false)
        && interface[Register.aliasHighest] == slow.identity(isAlias: true)
        && interface.listControl == slow.listControl && interface.empty == slow.empty
        && interface.isInterrupting == slow.isInterrupting
        && interface.isMaintenanceDue == slow.isMaintenanceDue
    }
  }

  @Test(arguments: 1...12 as ClosedRange<UInt64>) func likeTheSpecification(seed: UInt64) {
    var run = Run(seed: seed)
    var acknowledged = 0
    for step in 0..<2000 {
      var isSame = true
      switch UInt8.random(in: 0..<8, using: &run.random) {
      case 0...2: run.fill()
      case 3...4:
        let before = run.taken.count
        isSame = run.acknowledge()
        acknowledged += run.taken.count - before
      case 5...6: isSame = run.end()
      default: run.set()
      }
      #expect(isSame && run.isSame(), "seed \(seed), step \(step)")
    }
    #expect(acknowledged > 100, "seed \(seed)")
  }
}
