// The virtual CPU interface of a GICv2 in software: what GICV and GICH do where the board's interrupt controller has
// them. GIC Architecture Specification, version 2 (IHI 0048), 4.4 (the registers that the guest sees, here without
// Security Extensions) and 5.3 (those of the hypervisor).
//
// There are four list registers and 32 priorities. FIQEn reads as zero: Group 0 comes as IRQ as well.

import ArmArchitecture

/// The CPU interface of one virtual CPU.
public struct VirtualCPUInterface: ~Copyable {
  /// The list registers as the rest of the hypervisor has them, in halves: interrupts, and what `List` tells of them.
  private var interrupts = InlineArray<4, UInt32>(repeating: 0)
  private var lists = InlineArray<4, UInt32>(repeating: 0)
  /// GICH_HCR: En 0, UIE 1, LRENPIE 2, EOICount 31:27; the other conditions do not exist.
  public var listControl: UInt32 = 0
  /// GICC_CTLR.
  private var control: UInt32 = 0
  /// GICC_PMR.
  private var priorityMask: UInt32 = 0
  /// GICC_BPR and GICC_ABPR, less their least values 2 and 3: the bits of a priority that do not preempt.
  private var binaryPoints = InlineArray<2, UInt32>(repeating: 0)
  /// GICC_APR0: a bit for each priority that is being served, the most urgent the lowest.
  private var activePriorities: UInt32 = 0

  public init() {}

  /// GICH_VTR: 5 bits of priority and of preemption, four list registers.
  public static var type: UInt32 { 4 << 29 | 4 << 26 | 3 }

  /// The upper word of a list register: source CPU 2:0 or physical interrupt 9:0, priority 23:19, Group 1 28.
  private enum List {
    static var signalsEnd: UInt32 { 1 << 9 }
    static var physical: UInt32 { 1 << 29 }
    static var pending: UInt32 { 1 << 30 }
    static var active: UInt32 { 1 << 31 }
    static var state: UInt32 { active | pending }
  }

  /// EnableGrp0 and EnableGrp1 are bits 0 and 1 of GICC_CTLR.
  private enum Control {
    static var acknowledgesBoth: UInt32 { 1 << 2 }
    static var commonBinaryPoint: UInt32 { 1 << 4 }
    static var endsInTwoSteps: UInt32 { 1 << 9 }
    /// EnableGrp0, EnableGrp1, AckCtl, CBPR, EOImode.
    static var all: UInt32 { 0x217 }
  }

  // MARK: What the hypervisor sees

  /// A list register.
  /// - Parameter slot: 0…3.
  public subscript(slot: UInt32) -> ListRegister {
    @inline(__always) get {
      ListRegister(UInt64(lists[Int(slot & 3)]) &<< 32 | UInt64(interrupts[Int(slot & 3)]))
    }
    @inline(__always) set {
      interrupts[Int(slot & 3)] = UInt32(truncatingIfNeeded: newValue.rawValue)
      lists[Int(slot & 3)] = UInt32(truncatingIfNeeded: newValue.rawValue &>> 32)
    }
  }

  /// GICH_ELRSR: a bit for each list register that holds nothing and tells of no end.
  public var emptyListRegisters: UInt32 {
    mutating get { select(List.state, 0) & ~endedListRegisters }
  }

  /// Whether the maintenance interrupt is raised (GICH_MISR): the guest ended an interrupt whose list register asks for
  /// that, at most one list register is in use (UIE), or it ended one that is in none (LRENPIE).
  public var signalsMaintenance: Bool {
    mutating get {
      guard listControl & 1 != 0 else { return false }
      let valid = select(List.state, 0) ^ 15
      return endedListRegisters != 0 || listControl & 2 != 0 && valid & (valid &- 1) == 0
        || listControl & 4 != 0 && listControl &>> 27 != 0
    }
  }

  /// Whether the interrupt wire to the guest is raised.
  public var signalsInterrupt: Bool {
    mutating get { listControl & 1 != 0 && groupPriority(mostUrgent()) < 32 }
  }

  /// GICH_EISR.
  private var endedListRegisters: UInt32 {
    mutating get { select(List.state | List.physical | List.signalsEnd, List.signalsEnd) }
  }

  /// The list registers that have these of the masked bits.
  @inline(never) private mutating func select(_ mask: UInt32, _ bits: UInt32) -> UInt32 {
    var result: UInt32 = 0
    for slot in 0..<4 where lists[slot] & mask == bits { result |= 1 &<< UInt32(truncatingIfNeeded: slot) }
    return result
  }

  // MARK: What the guest sees

  /// Reads a register of the guest's CPU interface; GICC_IAR and GICC_AIAR acknowledge.
  /// - Parameter offset: a multiple of 4.
  public mutating func read(offset: UInt32) -> UInt32 {
    switch offset {
    case 0x00: control
    case 0x04: priorityMask
    case 0x08: binaryPoints[0] &+ 2
    case 0x0C, 0x18, 0x20, 0x28: take(isAlias: offset & 0x20 != 0, acknowledges: offset & 0xC != 8)
    case 0x14: activePriorities == 0 ? 0xFF : runningPriority &<< 3
    case 0x1C: binaryPoints[1] &+ 3
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
    case 0x00: control = value & Control.all
    case 0x04: priorityMask = value & 0xF8
    case 0x08: binaryPoints[0] = max(value & 7, 2) &- 2
    case 0x1C: binaryPoints[1] = max(value & 7, 3) &- 3
    case 0xD0: activePriorities = value
    case 0x10, 0x24: return end(value & 0x3FF)
    case 0x1000 where control & Control.endsInTwoSteps != 0: return deactivate(value & 0x3FF)
    default: break
    }
    return .none
  }

  /// GICC_IIDR: architecture version 2, implementer Arm.
  private static var identification: UInt32 { 0x2_043B }

  // MARK: Acknowledging

  /// A pending interrupt: its priority 6:2 and its list register 1:0.
  private struct Candidate {
    var rawValue: UInt32

    var slot: Int { Int(rawValue & 3) }
    /// 32 for none.
    var priority: UInt32 { rawValue &>> 2 }
  }

  /// The list register with the lowest priority value among those that are pending, in an enabled group; the first one
  /// wins a tie.
  @inline(never) private mutating func mostUrgent() -> Candidate {
    var best: UInt32 = 32 << 2
    var rest = select(List.state, List.pending)
    while rest != 0 {
      let slot = UInt32(truncatingIfNeeded: rest.trailingZeroBitCount)
      let list = lists[Int(slot & 3)]
      let candidate = list &>> 17 & 0x7C | slot
      if control &>> (list &>> 28 & 1) & 1 != 0 { best = min(best, candidate) }
      rest &= rest &- 1
    }
    return Candidate(rawValue: best)
  }

  /// The priority of what is being served, 0…31; 32 for nothing.
  private var runningPriority: UInt32 { UInt32(truncatingIfNeeded: activePriorities.trailingZeroBitCount) }

  /// The part of a priority that decides whether it preempts; 32 where the priority mask and what is being served leave no
  /// room for the interrupt.
  @inline(never) private mutating func groupPriority(_ candidate: Candidate) -> UInt32 {
    guard candidate.priority &<< 3 < priorityMask else { return 32 }
    let isGroup1 = lists[candidate.slot] &>> 28 & ~(control &>> 4) & 1
    let priority = candidate.priority & (~0 &<< binaryPoints[Int(isGroup1)])
    return priority < runningPriority ? priority : 32
  }

  /// GICC_IAR, GICC_HPPIR, and their aliases for Group 1: the interrupt 9:0, of a software-generated one the sender's CPU
  /// 12:10. 1022 for one of Group 1 that only the alias may take, 1023 for none.
  private mutating func take(isAlias: Bool, acknowledges: Bool) -> UInt32 {
    let candidate = mostUrgent()
    let priority = acknowledges ? groupPriority(candidate) : candidate.priority
    guard priority < 32 else { return 1023 }
    let list = lists[candidate.slot]
    let isGroup1 = list &>> 28 & 1 != 0
    guard isAlias == isGroup1 || !isAlias && control & Control.acknowledgesBoth != 0 else {
      return isAlias ? 1023 : 1022
    }
    if acknowledges {
      activePriorities |= 1 &<< priority
      lists[candidate.slot] = list ^ List.state
    }
    let interrupt = interrupts[candidate.slot]
    return interrupt < 16 ? interrupt | (list & 7) &<< 10 : interrupt
  }

  // MARK: Ending

  /// GICC_EOIR and GICC_AEOIR: drops the priority, and ends the interrupt unless GICC_DIR does that.
  private mutating func end(_ interrupt: UInt32) -> InterruptNumber {
    guard interrupt < 1020, activePriorities != 0 else { return .none }
    activePriorities &= activePriorities &- 1
    return control & Control.endsInTwoSteps == 0 ? deactivate(interrupt) : .none
  }

  /// Ends an interrupt's active state, or counts it when no list register has it.
  @inline(never) private mutating func deactivate(_ interrupt: UInt32) -> InterruptNumber {
    var rest = select(List.active, List.active)
    while rest != 0 {
      let slot = rest.trailingZeroBitCount & 3
      rest &= rest &- 1
      guard interrupts[slot] == interrupt else { continue }
      let list = lists[slot]
      lists[slot] = list & ~List.active
      return list & List.physical != 0 ? InterruptNumber(list & 0x3FF) : .none
    }
    listControl &+= 1 &<< 27
    return .none
  }
}
