/// An interrupt on its way through the virtual CPU interface (ICH_LR<n>_EL2), GIC Architecture
/// Specification (IHI 0069) 12.4.3.
public struct ListRegister: Equatable, Sendable {
  public var rawValue: UInt64

  public init(_ rawValue: UInt64) { self.rawValue = rawValue }

  public init(
    _ interrupt: InterruptNumber, priority: UInt8, isGroup1: Bool, pending: Bool, active: Bool,
    signalsEnd: Bool
  ) {
    rawValue =
      UInt64(interrupt.rawValue) | UInt64(priority) &<< 48 | (isGroup1 ? 1 << 60 : 0)
      | (pending ? 1 << 62 : 0) | (active ? 1 << 63 : 0) | (signalsEnd ? 1 << 41 : 0)
  }

  /// From the form of a GICv2 (GICH_LR, IHI 0048 5.3.11): what matters when an interrupt comes back.
  @inline(__always) public init(second: UInt32) {
    let word = UInt64(second)
    rawValue = word & 0x3FF | (word &>> 28 & 3) &<< 62 | (word &>> 31) &<< 61
  }

  /// In the form of a GICv2: interrupt 9:0, physical interrupt or source CPU 19:10, priority 27:23, pending 28,
  /// active 29, Group 1 30, physical 31.
  @inline(__always) public var second: UInt32 {
    let parts =
      rawValue & 0x3FF | (rawValue &>> 32 & 0x3FF) &<< 10 | (rawValue &>> 51 & 31) &<< 23
      | (rawValue &>> 62) &<< 28 | (rawValue &>> 60 & 1) &<< 30 | (rawValue &>> 61 & 1) &<< 31
    return UInt32(truncatingIfNeeded: parts)
  }

  /// Names the CPU that sent a software-generated interrupt (GICv2 alone).
  public mutating func setSource(_ cpu: UInt32) { rawValue |= UInt64(cpu & 7) &<< 32 }

  /// No interrupt has this number.
  public static let none = ListRegister(~0)

  /// Whether its deactivation also deactivates the physical interrupt of the same number (HW, pINTID).
  public var isPhysical: Bool { rawValue & 1 << 61 != 0 }
  /// Ties it to the physical interrupt of the same number.
  public mutating func tieToPhysical() {
    rawValue = rawValue & ~(1 << 41) | 1 << 61 | (rawValue & 0x3FF) &<< 32
  }

  public var interrupt: InterruptNumber { InterruptNumber(UInt32(truncatingIfNeeded: rawValue) & 0x3FF) }
  public var isPending: Bool { rawValue & 1 << 62 != 0 }
  public var isActive: Bool { rawValue & 1 << 63 != 0 }
  public var isEmpty: Bool { rawValue &>> 62 == 0 }
}
