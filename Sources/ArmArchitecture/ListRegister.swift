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
