import Synchronization

/// A lock for a few instructions.
struct SpinLock: ~Copyable {
  private let taken = Atomic<UInt32>(0)

  @inline(__always) func acquire() {
    while taken.exchange(1, ordering: .acquiring) != 0 {}
  }

  @inline(__always) func release() {
    taken.store(0, ordering: .releasing)
  }
}
