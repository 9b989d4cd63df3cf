// Words that the CPUs of this guest talk by, and waiting for things to come true.

import GuestMachine

public enum Shared {
  public static func read(_ index: UInt64) -> UInt64 {
    defer { synchronize() }
    return read64(shared_address(index))
  }

  public static func write(_ index: UInt64, _ value: UInt64) {
    synchronize()
    write64(shared_address(index), value)
    synchronize()
  }
}

/// Waits for a condition; gives up after `milliseconds` of the virtual clock.
public func eventually(within milliseconds: UInt64 = 50, _ condition: () -> Bool) -> Bool {
  let end = read_CNTVCT_EL0() + read_CNTFRQ_EL0() * milliseconds / 1_000
  while !condition() {
    guard read_CNTVCT_EL0() < end else { return false }
    hint_yield()
  }
  return true
}
