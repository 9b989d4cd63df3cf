import ArmArchitecture
import Synchronization

// The state of 32 interrupts of a virtual GIC, a bit each.
//
// No lock guards it. Each word changes by single atomic operations, and an interrupt on its way to a guest
// has one owner: the CPU that set its bit in `inFlight` holds it in a list register, and nobody else
// delivers it until that CPU puts it back. So a guest that hammers its distributor from one CPU cannot make
// another CPU wait.

/// 32 interrupts: 0…31 of one virtual CPU, or 32 shared ones.
public struct InterruptBank: ~Copyable {
  /// GICD_IGROUPR: 1 for Group 1 (delivered as IRQ).
  public let group = Atomic<UInt32>(0)
  public let enabled = Atomic<UInt32>(0)
  /// Latched: an edge that came, or a write to ISPENDR.
  public let pending = Atomic<UInt32>(0)
  /// Active and not in a list register.
  public let active = Atomic<UInt32>(0)
  /// Made active by a write to ISACTIVER: the guest has not acknowledged them, so it does not end them either.
  public let activated = Atomic<UInt32>(0)
  /// The level of the interrupt's wire.
  public let line = Atomic<UInt32>(0)
  /// 1 where a rising edge counts, 0 where the level does.
  public let edge = Atomic<UInt32>(0)
  /// Held in a list register of some virtual CPU.
  public let inFlight = Atomic<UInt32>(0)
  /// Held by another CPU when the guest cleared their pending or active state: dropped when they come back.
  public let dropPending = Atomic<UInt32>(0)
  public let dropActive = Atomic<UInt32>(0)
  /// Priorities, four to a word, lowest interrupt in the lowest byte.
  public var priorities = InlineArray<8, UInt32>(repeating: 0)

  public init() {}

  /// The state at power-on.
  /// - Parameter edge: the interrupts that are triggered by edges.
  public mutating func reset(edge: UInt32) {
    self = InterruptBank()
    self.edge.store(edge, ordering: .relaxed)
  }

  /// Pending by latch or by level.
  @inline(__always) public var raised: UInt32 {
    pending.load(ordering: .relaxed) | line.load(ordering: .relaxed) & ~edge.load(ordering: .relaxed)
  }

  /// The interrupts of a kind that nobody holds.
  /// - Parameter groups: what the guest's distributor forwards.
  @inline(__always) public func select(_ selection: InterruptSelection, groups: GroupMask) -> UInt32 {
    // Mostly there is nothing.
    var raised = raised & enabled.load(ordering: .relaxed)
    if selection == .deliverable, raised == 0 { return 0 }
    raised &= groups.mask(group.load(ordering: .relaxed))
    let active = active.load(ordering: .relaxed)
    let free = ~inFlight.load(ordering: .acquiring)
    switch selection {
    case .deliverable: return raised & ~active & free
    case .listable: return (raised | active) & free
    case .acknowledged: return active & free & ~activated.load(ordering: .relaxed)
    }
  }

  /// An interrupt of this bank, as it compares with others.
  @inline(__always) public func candidate(_ interrupt: InterruptNumber) -> InterruptCandidate {
    InterruptCandidate(
      interrupt, priority: UInt32(priority(of: interrupt)),
      group: group.load(ordering: .relaxed) &>> (interrupt.rawValue & 31) & 1)
  }

  @inline(__always) public func isActive(_ interrupt: InterruptNumber) -> Bool {
    active.load(ordering: .relaxed) & interrupt.bit != 0
  }

  /// The priority of an interrupt of this bank.
  @inline(__always) public func priority(of interrupt: InterruptNumber) -> UInt8 {
    let word = priorities[Int(interrupt.rawValue &>> 2 & 7)]
    return UInt8(truncatingIfNeeded: word &>> ((interrupt.rawValue & 3) &* 8))
  }
}

/// Kinds of interrupts of a bank.
public enum InterruptSelection: Sendable {
  /// What a virtual CPU could be interrupted by: raised, enabled, in a forwarded group, not active.
  case deliverable
  /// What belongs into list registers: deliverable, or active and to be ended by the guest.
  case listable
  /// Active, and not only by the guest's own word.
  case acknowledged
}

/// Which groups the guest's distributor forwards (GICD_CTLR.EnableGrp0 and EnableGrp1).
public struct GroupMask {
  private let control: UInt32

  /// - Parameter control: GICD_CTLR.
  public init(control: UInt32) { self.control = control }

  /// The bits of a bank whose group is forwarded.
  @inline(__always) func mask(_ group: UInt32) -> UInt32 {
    group & (0 &- (control &>> 1 & 1)) | ~group & (0 &- (control & 1))
  }
}

extension Atomic where Value == UInt32 {
  // On 32 bits each is a loop between two barriers, and has one place.
  #if _pointerBitWidth(_32)
    @inline(never)
  #else
    @inline(__always)
  #endif
  public func set(_ bits: UInt32) { bitwiseOr(bits, ordering: .acquiringAndReleasing) }

  #if _pointerBitWidth(_32)
    @inline(never)
  #else
    @inline(__always)
  #endif
  public func clear(_ bits: UInt32) { bitwiseAnd(~bits, ordering: .acquiringAndReleasing) }

  /// Gives the bits of a mask these values.
  @inline(never) public func replace(_ mask: UInt32, with bits: UInt32) {
    clear(mask)
    set(bits)
  }
}
