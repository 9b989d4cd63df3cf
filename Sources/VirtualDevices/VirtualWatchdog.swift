// The watchdog of the guest's machine: the generic watchdog of the Server Base System Architecture (Arm DEN 0029,
// appendix A), two frames of registers. It counts the system counter. When it was not fed for the time of WOR it raises
// its interrupt (WS0), after the same time again it resets the machine (WS1).

import Synchronization

/// A generic watchdog, fed and set from any virtual CPU.
public struct VirtualWatchdog: ~Copyable {
  /// WCS: enabled (bit 0), first time-out reached (WS0, bit 1).
  private let control = Atomic<UInt32>(0)
  /// WOR, in ticks of the counter.
  private let period = Atomic<UInt32>(0)
  /// WCV: when it expires next.
  private let compare = Atomic<UInt64>(0)

  public init() {}

  /// When it expires next, in ticks of the counter; all ones while it is off.
  @inline(__always) public var deadline: UInt64 {
    control.load(ordering: .relaxed) & 1 != 0 ? compare.load(ordering: .relaxed) : ~0
  }

  /// It expired at `now`.
  /// - Returns: whether that was the second time, so that the machine has to be reset.
  @inline(__always) public func expire(at now: UInt64) -> Bool {
    let due = compare.load(ordering: .relaxed)
    let next = now &+ UInt64(period.load(ordering: .relaxed))
    // Of several CPUs that see it expire one goes on.
    guard due <= now, compare.compareExchange(expected: due, desired: next, ordering: .relaxed).exchanged else {
      return false
    }
    return control.bitwiseOr(2, ordering: .relaxed).oldValue & 2 != 0
  }

  /// Reads a register of the control frame.
  public func read(offset: UInt32) -> UInt64 {
    switch offset {
    case 0x00: UInt64(control.load(ordering: .relaxed))
    case 0x08: UInt64(period.load(ordering: .relaxed))
    case 0x10: compare.load(ordering: .relaxed)
    case 0x14: compare.load(ordering: .relaxed) &>> 32
    case 0xFCC: Self.identification
    default: 0
    }
  }

  /// Writes to a frame at `now`: WRR (0 of the refresh frame), WCS (0), WOR (8); each begins a new time.
  public func write(_ value: UInt32, offset: UInt32, isControlFrame: Bool, at now: UInt64) {
    guard offset == 0 || isControlFrame && offset == 8 else { return }
    if offset != 0 { period.store(value, ordering: .relaxed) }
    let isEnabled = isControlFrame && offset == 0 ? value : control.load(ordering: .relaxed)
    compare.store(now &+ UInt64(period.load(ordering: .relaxed)), ordering: .relaxed)
    control.store(isEnabled & 1, ordering: .relaxed)
  }

  /// W_IIDR: architecture version 0, implementer Arm.
  private static var identification: UInt64 { 0x43B }
}
