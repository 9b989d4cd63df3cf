// The CPU interface of a guest's GICv2 where hardware brings none (GICC, IHI 0048 3.3 and 4.4): which priorities the virtual CPU
// takes, and which it has in hand. The interrupts themselves are in `InterruptBank`.

/// A GICv2's CPU interface, with five bits of priority.
public struct VirtualCPUInterface {
  /// GICC_CTLR: EOImode 9, EnableGrp1 1, EnableGrp0 0. FIQEn, AckCtl and CBPR read as zero: an interrupt of either group is an
  /// IRQ and is acknowledged in GICC_IAR.
  private var control: UInt32 = 0
  /// GICC_PMR.
  private var priorityMask: UInt32 = 0
  /// GICC_BPR: bits of a priority up to this one do not count for preemption.
  private var binaryPoint: UInt32 = Self.lowestBinaryPoint
  /// GICC_APR0: the group priorities of the interrupts in hand, a bit each.
  private var active: UInt32 = 0

  public init() {}

  /// Bits of a priority that count.
  public static var priorityBits: UInt32 { 0xF8 }
  private static var lowestBinaryPoint: UInt32 { 2 }

  /// GICC_RPR: the group priority of the most urgent interrupt in hand; 0xFF for none.
  public var runningPriority: UInt32 {
    active == 0 ? 0xFF : UInt32(truncatingIfNeeded: active.trailingZeroBitCount) &<< 3
  }

  /// The part of a priority that decides about preemption.
  private func groupPriority(_ priority: UInt8) -> UInt32 {
    UInt32(priority) & Self.priorityBits & (0xFF &<< (binaryPoint &+ 1))
  }

  /// Whether the virtual CPU is interrupted by a pending interrupt.
  public func signals(_ priority: UInt8, isGroup1: Bool) -> Bool {
    let isEnabled = control & (isGroup1 ? 2 : 1) != 0
    return isEnabled && UInt32(priority) < priorityMask && groupPriority(priority) < runningPriority
  }

  /// It acknowledged an interrupt that was signalled.
  public mutating func take(_ priority: UInt8) { active |= 1 &<< (groupPriority(priority) &>> 3) }

  /// It ended the most urgent interrupt in hand, if it has any (GICC_EOIR).
  /// - Returns: whether that ends the interrupt's active state, too.
  public mutating func drop() -> Bool {
    active &= active &- 1
    return control & 0x200 == 0
  }

  // MARK: Registers

  /// GICC_CTLR, PMR, BPR, RPR, APR0 and IIDR: those that have nothing to do with single interrupts.
  public func read(offset: UInt32) -> UInt32 {
    switch offset {
    case 0x00: control
    case 0x04: priorityMask
    case 0x08: binaryPoint
    case 0x14: runningPriority
    case 0xD0: active
    case 0xFC: 0x0002_043B
    default: 0
    }
  }

  public mutating func write(_ value: UInt32, offset: UInt32) {
    switch offset {
    case 0x00: control = value & 0x203
    case 0x04: priorityMask = value & Self.priorityBits
    case 0x08: binaryPoint = max(value & 7, Self.lowestBinaryPoint)
    case 0xD0: active = value
    default: break
    }
  }
}
