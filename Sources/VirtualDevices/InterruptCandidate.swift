import ArmArchitecture

/// An interrupt that a virtual CPU could take next, or none. The lesser one is more urgent: the one with the lower priority
/// value, of the same ones that with the lower number.
public struct InterruptCandidate: Comparable {
  /// Priority 24:16, number 10:1, group 0; 11 at the end of a look.
  private var rawValue: UInt32

  @inline(__always) public init(_ interrupt: InterruptNumber, priority: UInt32, group: UInt32) {
    rawValue = priority &<< 16 | interrupt.rawValue &<< 1 | group
  }

  public static var none: Self { Self(.none, priority: VirtualCPUInterface.idlePriority, group: 0) }

  public var interrupt: InterruptNumber { InterruptNumber(rawValue &>> 1 & 1023) }
  public var priority: UInt32 { rawValue &>> 16 }
  public var isGroup1: Bool { rawValue & 1 != 0 }

  /// Whether others were found with it. It does not count for the order.
  public var hasOthers: Bool {
    get { rawValue & 1 &<< 11 != 0 }
    set { rawValue = rawValue & ~(1 &<< 11) | (newValue ? 1 &<< 11 : 0) }
  }

  @inline(__always) public static func < (one: Self, other: Self) -> Bool { one.rawValue < other.rawValue }
}
