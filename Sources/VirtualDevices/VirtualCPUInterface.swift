// The virtual CPU interface of a GICv2 in software: what GICV and GICH do where the board's interrupt controller has
// them. GIC Architecture Specification, version 2 (IHI 0048), 4.4 (the registers that the guest sees, here without
// Security Extensions) and 5.3 (those of the hypervisor).
//
// There are four list registers and 32 priorities. FIQEn reads as zero: Group 0 comes as IRQ as well.

import ArmArchitecture

/// The CPU interface of one physical CPU, as the loaded virtual CPU sees it. Its list registers are laid out as the rest
/// of the hypervisor has them.
public struct VirtualCPUInterface {
  private var lists = InlineArray<4, ListRegister>(repeating: ListRegister(0))
  /// GICH_HCR: En 0, UIE 1, LRENPIE 2, EOICount 31:27; the other conditions do not exist.
  public var listControl: UInt32 = 0
  /// GICH_VMCR: what belongs to a virtual CPU, together with the active priorities. Zero at power-on.
  public var control: UInt32 = 0
  /// GICH_APR: a bit for each priority that is being served, the most urgent the lowest.
  public var activePriorities: UInt32 = 0

  /// GICH_VTR: 5 bits of priority and of preemption, four list registers.
  public static var type: UInt32 { 4 << 29 | 4 << 26 | 3 }

  /// Bits of the upper word of a list register: active, pending, physical, Group 1, end to be told.
  private enum List {
    static var active: UInt32 { 1 << 31 }
    static var pending: UInt32 { 1 << 30 }
    static var physical: UInt32 { 1 << 29 }
    static var group1: UInt32 { 1 << 28 }
    static var signalsEnd: UInt32 { 1 << 9 }
    static var state: UInt32 { active | pending }
  }

  /// Bits of GICC_CTLR, which has the same places in GICH_VMCR.
  private enum Control {
    static var acknowledgesBoth: UInt32 { 1 << 2 }
    static var commonBinaryPoint: UInt32 { 1 << 4 }
    static var endsInTwoSteps: UInt32 { 1 << 9 }
    /// EnableGrp0, EnableGrp1, AckCtl, CBPR, EOImode.
    static var all: UInt32 { 0x217 }
  }

  public init() {}

  // MARK: What the hypervisor sees

  /// A list register.
  /// - Parameter slot: 0…3.
  public subscript(slot: UInt32) -> ListRegister {
    @inline(__always) get { lists[Int(slot & 3)] }
    @inline(__always) set { lists[Int(slot & 3)] = newValue }
  }

  /// GICH_ELRSR: a bit for each list register that holds nothing and tells of no end.
  public var emptyListRegisters: UInt32 { select(List.state, 0) & ~endedListRegisters }

  /// Whether the maintenance interrupt is raised (GICH_MISR): the guest ended an interrupt whose list register asks for
  /// that, at most one list register is in use (UIE), or it ended one that is in none (LRENPIE).
  public var signalsMaintenance: Bool {
    guard listControl & 1 != 0 else { return false }
    let valid = select(List.state, 0) ^ 15
    return endedListRegisters != 0 || listControl & 2 != 0 && valid & (valid &- 1) == 0
      || listControl & 4 != 0 && listControl &>> 27 != 0
  }

  /// Whether the interrupt wire to the guest is raised.
  public var signalsInterrupt: Bool {
    guard listControl & 1 != 0, let slot = mostUrgent else { return false }
    return preempts(upper(slot))
  }

  /// GICH_EISR.
  private var endedListRegisters: UInt32 {
    select(List.state | List.physical | List.signalsEnd, List.signalsEnd)
  }

  /// The list registers that have these bits in their upper words.
  @inline(never) private func select(_ mask: UInt32, _ bits: UInt32) -> UInt32 {
    var result: UInt32 = 0
    for slot in 0..<4 as Range<UInt32> where upper(slot) & mask == bits { result |= 1 &<< slot }
    return result
  }

  @inline(__always) private func upper(_ slot: UInt32) -> UInt32 {
    UInt32(truncatingIfNeeded: self[slot].rawValue &>> 32)
  }

  // MARK: What the guest sees

  /// Reads a register of the guest's CPU interface; GICC_IAR and GICC_AIAR acknowledge.
  /// - Parameter offset: a multiple of 4.
  public mutating func read(offset: UInt32) -> UInt32 {
    switch offset {
    case 0x00: control & Control.all
    case 0x04: (control &>> 27) &<< 3
    case 0x08: binaryPoint(isGroup1: false)
    case 0x1C: binaryPoint(isGroup1: true)
    case 0x0C, 0x20: acknowledge(isAlias: offset == 0x20)
    case 0x14: activePriorities == 0 ? 0xFF : runningPriority &<< 3
    case 0x18, 0x28: identify(mostUrgent, isAlias: offset == 0x28)
    case 0xD0: activePriorities
    case 0xFC: Self.identification
    default: 0
    }
  }

  /// Writes a register of the guest's CPU interface.
  /// - Parameter offset: a multiple of 4.
  /// - Returns: the physical interrupt that ends with the guest's one; none if there is none to end.
  public mutating func write(_ value: UInt32, offset: UInt32) -> InterruptNumber {
    switch offset {
    case 0x00: control = control & ~Control.all | value & Control.all
    case 0x04: control = control & 0x07FF_FFFF | (value & 0xF8) &<< 24
    case 0x08: control = control & ~(7 << 21) | (value & 7) &<< 21
    case 0x1C: control = control & ~(7 << 18) | (value & 7) &<< 18
    case 0x10, 0x24: return end(value & 0x3FF)
    case 0xD0: activePriorities = value
    case 0x1000:
      if control & Control.endsInTwoSteps != 0 { return deactivate(value & 0x3FF) }
    default: break
    }
    return .none
  }

  /// GICC_IIDR: architecture version 2, implementer Arm.
  private static var identification: UInt32 { 0x2_043B }

  /// GICC_BPR or GICC_ABPR, which are 2 and 3 at least.
  private func binaryPoint(isGroup1: Bool) -> UInt32 {
    isGroup1 ? max(control &>> 18 & 7, 3) : max(control &>> 21 & 7, 2)
  }

  /// The priority of what is being served, 0…31; 32 for nothing.
  private var runningPriority: UInt32 { UInt32(truncatingIfNeeded: activePriorities.trailingZeroBitCount) }

  /// The list register with the lowest priority value among those that are pending, in an enabled group; the first one
  /// wins a tie.
  @inline(never) private var mostUrgent: UInt32? {
    var best: UInt32?
    var bestPriority: UInt32 = 32
    for slot in 0..<4 as Range<UInt32> {
      let list = upper(slot)
      let isEnabled = control &>> (list &>> 28 & 1) & 1 != 0
      guard list & List.state == List.pending, isEnabled, priority(list) < bestPriority else { continue }
      best = slot
      bestPriority = priority(list)
    }
    return best
  }

  @inline(__always) private func priority(_ list: UInt32) -> UInt32 { list &>> 19 & 31 }

  /// The part of a priority that decides whether it preempts: without the bits below the binary point.
  private func groupPriority(_ list: UInt32) -> UInt32 {
    let isGroup1 = list & List.group1 != 0 && control & Control.commonBinaryPoint == 0
    let shift = binaryPoint(isGroup1: isGroup1) &- (isGroup1 ? 3 : 2)
    return priority(list) & (~0 &<< shift)
  }

  /// Whether the priority mask and what is being served leave room for an interrupt.
  private func preempts(_ list: UInt32) -> Bool {
    priority(list) < control &>> 27 && groupPriority(list) < runningPriority
  }

  /// What GICC_IAR says of a list register: interrupt 9:0, of a software-generated one the sender's CPU 12:10. 1022 for
  /// one of Group 1 that only the alias may take, 1023 for none.
  private func identify(_ slot: UInt32?, isAlias: Bool) -> UInt32 {
    guard let slot else { return 1023 }
    let list = upper(slot)
    let isGroup1 = list & List.group1 != 0
    if isAlias, !isGroup1 { return 1023 }
    if !isAlias, isGroup1, control & Control.acknowledgesBoth == 0 { return 1022 }
    let interrupt = self[slot].interrupt.rawValue
    return interrupt < 16 ? interrupt | (list & 7) &<< 10 : interrupt
  }

  /// GICC_IAR and GICC_AIAR: the most urgent interrupt becomes active.
  private mutating func acknowledge(isAlias: Bool) -> UInt32 {
    guard let slot = mostUrgent, preempts(upper(slot)) else { return 1023 }
    let identity = identify(slot, isAlias: isAlias)
    guard identity & 0x3FF < 1020 else { return identity }
    activePriorities |= 1 &<< groupPriority(upper(slot))
    self[slot].rawValue ^= UInt64(List.state) &<< 32
    return identity
  }

  /// GICC_EOIR and GICC_AEOIR: drops the priority, and ends the interrupt unless GICC_DIR does that.
  private mutating func end(_ interrupt: UInt32) -> InterruptNumber {
    guard interrupt < 1020, activePriorities != 0 else { return .none }
    activePriorities &= activePriorities &- 1
    return control & Control.endsInTwoSteps == 0 ? deactivate(interrupt) : .none
  }

  /// Ends an interrupt's active state, or counts it when no list register has it.
  private mutating func deactivate(_ interrupt: UInt32) -> InterruptNumber {
    for slot in 0..<4 as Range<UInt32> {
      let list = self[slot]
      guard list.isActive, list.interrupt.rawValue == interrupt else { continue }
      self[slot].rawValue &= ~(UInt64(List.active) &<< 32)
      return list.isPhysical ? InterruptNumber(upper(slot) & 0x3FF) : .none
    }
    listControl &+= 1 &<< 27
    return .none
  }
}
