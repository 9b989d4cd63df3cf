import Machine
import Translator

/// The tested kernel's memory and the translator's, where they are. With their checks the accesses are too much to be
/// repeated everywhere; on a device they would be an instruction each.
struct GuestSpace: AddressSpace {
  /// Only what the kernel could reach itself: its own, and the slots of the cache.
  private func check(_ address: UInt32, _ size: UInt32) {
    guard address & ~0x1fff_ffff != 0x4000_0000 || address & (size &- 1) != 0 else { return }
    set_fault_address(address)
    machine_abort()
  }

  @inline(never) func word(_ address: UInt32) -> UInt32 {
    check(address, 4)
    return read32(address)
  }

  @inline(never) func halfword(_ address: UInt32) -> UInt32 {
    check(address, 2)
    return UInt32(truncatingIfNeeded: read16(address))
  }

  @inline(never) func setWord(_ address: UInt32, _ value: UInt32) {
    check(address, 4)
    write32(address, value)
  }

  @inline(never) func load(_ address: UInt32, bytes: UInt32) -> UInt32 {
    check(address, 1)
    let word = read32(address & ~3) &>> (8 &* (address & 3))
    return word & (~0 &>> (32 &- 8 &* bytes))
  }

  @inline(never) func store(_ address: UInt32, bytes: UInt32, _ value: UInt32) {
    check(address, 1)
    for byte in 0..<bytes {
      let shift = 8 &* ((address &+ byte) & 3)
      let place = (address &+ byte) & ~3
      write32(place, read32(place) & ~(0xff &<< shift) | (value &>> (8 &* byte) & 0xff) &<< shift)
    }
  }

  /// What is tested is in a domain whose permissions are not checked.
  func checkUser(_ address: UInt32, isWrite: Bool) {}

  /// Stores to translated code are dropped by whoever makes them.
  func protect(_ address: UInt32, count: UInt32) {}

  @inline(never) func publish(_ address: UInt32, count: UInt32) {
    var line = address & ~31
    while line < address &+ count {
      publish_line(line)
      line = line &+ 32
    }
    publish_end()
  }
}

extension Translator where Space == GuestSpace {
  /// The one there is. All of its state is in its memory, but for the size of its cache.
  static var shared: Translator {
    Translator(
      space: GuestSpace(),
      layout: CacheLayout(
        cache: Layout.cache, pairs: read32(Layout.pairs), table: Layout.table, directory: Layout.directory))
  }
}
