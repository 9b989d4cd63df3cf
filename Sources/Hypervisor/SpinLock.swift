import Synchronization

/// A lock for a few instructions, which knows its owner.
struct SpinLock: ~Copyable {
  /// One more than the number of the physical CPU that holds it; 0 if none does.
  private let owner = Atomic<UInt32>(0)

  @inline(__always) func acquire(by cpu: UInt32) {
    while !owner.weakCompareExchange(expected: 0, desired: cpu &+ 1, ordering: .acquiring).exchanged {}
  }

  @inline(__always) func release() { owner.store(0, ordering: .releasing) }

  @inline(__always) func isHeld(by cpu: UInt32) -> Bool { owner.load(ordering: .relaxed) == cpu &+ 1 }
}
