// The CPU interface of a GICv2 in software: what it has besides the interrupts, which are in their banks. GIC Architecture
// Specification, version 2 (IHI 0048), 4.4, here without Security Extensions.
//
// There are 32 priorities. FIQEn reads as zero: Group 0 comes as IRQ as well.

import ArmArchitecture

/// The CPU interface of one virtual CPU.
public struct VirtualCPUInterface: ~Copyable {
  /// GICC_CTLR.
  private var control: UInt32 = 0
  /// GICC_PMR.
  private var priorityMask: UInt32 = 0
  /// GICC_BPR and GICC_ABPR, less their least values 2 and 3: the bits of a priority that do not preempt.
  private var binaryPoint: UInt32 = 0
  private var aliasBinaryPoint: UInt32 = 0
  /// GICC_APR0: a bit for each priority that is being served, the most urgent the lowest.
  private var activePriorities: UInt32 = 0

  public init() {}

  /// EnableGrp0 and EnableGrp1 are bits 0 and 1 of GICC_CTLR.
  private enum Control {
    static var acknowledgesBoth: UInt32 { 1 << 2 }
    static var commonBinaryPoint: UInt32 { 1 << 4 }
    static var endsInTwoSteps: UInt32 { 1 << 9 }
    /// EnableGrp0, EnableGrp1, AckCtl, CBPR, EOImode.
    static var all: UInt32 { 0x217 }
  }

  /// The groups that it signals, as in GICD_CTLR.
  public var groups: UInt32 { control & 3 }

  /// Whether GICC_EOIR only drops the priority, and GICC_DIR ends the interrupt.
  public var endsInTwoSteps: Bool { control & Control.endsInTwoSteps != 0 }

  /// The priority of what is being served, 0…31; 32 for nothing.
  private var runningPriority: UInt32 { UInt32(truncatingIfNeeded: activePriorities.trailingZeroBitCount) }

  /// The part of a priority that decides whether it preempts.
  private func groupPriority(_ priority: UInt32, isGroup1: Bool) -> UInt32 {
    let usesAlias = isGroup1 && control & Control.commonBinaryPoint == 0
    return priority &>> 3 & (~0 &<< (usesAlias ? aliasBinaryPoint : binaryPoint))
  }

  /// A priority that never signals.
  public static var idlePriority: UInt32 { 0x100 }

  /// Whether the priority mask, and what is being served, leave room for an interrupt.
  /// - Parameter priority: 0…255, or `idlePriority`.
  public func signals(_ priority: UInt32, isGroup1: Bool) -> Bool {
    priority & 0x1F8 < priorityMask && groupPriority(priority, isGroup1: isGroup1) < runningPriority
  }

  /// What GICC_IAR and GICC_HPPIR, or their aliases for Group 1, say instead of an interrupt of this group: 1022 for one of
  /// Group 1 that only the alias may take, 1023 for none.
  public func refusal(isGroup1: Bool, isAlias: Bool) -> UInt32? {
    guard isAlias != isGroup1, isAlias || control & Control.acknowledgesBoth == 0 else { return nil }
    return isAlias ? 1023 : 1022
  }

  /// Whether the same bits of a priority preempt in both groups.
  public var hasOneBinaryPoint: Bool {
    aliasBinaryPoint == binaryPoint || control & Control.commonBinaryPoint != 0
  }

  /// The guest serves an interrupt from now on.
  public mutating func activate(_ priority: UInt32, isGroup1: Bool) {
    activePriorities |= 1 &<< groupPriority(priority, isGroup1: isGroup1)
  }

  /// The guest has served the most urgent one.
  /// - Returns: false if there was none.
  public mutating func drop() -> Bool {
    guard activePriorities != 0 else { return false }
    activePriorities &= activePriorities &- 1
    return true
  }

  /// Reads a register that is not about a single interrupt.
  /// - Parameter offset: a multiple of 4.
  public func read(offset: UInt32) -> UInt32 {
    switch offset {
    case 0x00: control
    case 0x04: priorityMask
    case 0x08: binaryPoint &+ 2
    case 0x14: activePriorities == 0 ? 0xFF : runningPriority &<< 3
    case 0x1C: aliasBinaryPoint &+ 3
    case 0xD0: activePriorities
    // GICC_IIDR: architecture version 2, implementer Arm.
    case 0xFC: 0x2_043B
    default: 0
    }
  }

  /// Writes one likewise.
  public mutating func write(_ value: UInt32, offset: UInt32) {
    switch offset {
    case 0x00: control = value & Control.all
    case 0x04: priorityMask = value & 0xF8
    case 0x08: binaryPoint = max(value & 7, 2) &- 2
    case 0x1C: aliasBinaryPoint = max(value & 7, 3) &- 3
    case 0xD0: activePriorities = value
    default: break
    }
  }
}
