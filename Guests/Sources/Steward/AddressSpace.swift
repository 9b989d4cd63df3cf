// Where things lie for the device server (DeviceServer.md, "What the server sees"), and how they are mapped.

import Appliance
import DeviceServer
import GuestMachine
import GuestSupport
import Virtio

enum AddressSpace {
  static let ram: UInt64 = 0x4000_0000
  static let windows: UInt64 = 0x2000_0000
  static let windowSize: UInt64 = 0x20_0000
  static let pages: UInt64 = 0x2100_0000
  static let clock: UInt64 = 0x2100_8000
  /// GiBs of the address space that begin with what the clients share.
  private static let firstClientGiB: UInt64 = 4
  private static let endOfClients: UInt64 = 36
  /// The first GiB is mapped as devices; here it appears a second time as memory, for the pages and windows in it.
  private static let aliasGiB: UInt64 = 40

  /// The kept window, the register pages, the clock and the free RAM.
  static func memory(identity: UInt64, boardTree: Range<UInt64>) -> ServerMemory {
    map()
    let pages = view(pages, size: 8 * RegisterPage.size, start: 0)
    let own = RegisterPage(
      pages.part(at: (identity - 1) * RegisterPage.size, size: RegisterPage.size, start: 0))
    return ServerMemory(
      own: freeMemory(bus: own.busAddress, boardTree: boardTree),
      kept: view(windows, size: windowSize, start: 0, bus: own.windows),
      pages: pages, clock: view(clock, size: 0x1000, start: 0))
  }

  /// Maps what entry.S leaves out: the clients' memory and the alias of the first GiB, never executed.
  private static func map() {
    for gibibyte in 16..<endOfClients { map(gibibyte, to: gibibyte) }
    map(aliasGiB, to: 0)
    invalidate_translations()
  }

  private static func map(_ gibibyte: UInt64, to target: UInt64) {
    write64(translation_table_address() + 8 * gibibyte, target << 30 | 0x0060_0000_0000_0705)
  }

  /// Memory in the first GiB.
  private static func view(_ address: UInt64, size: UInt64, start: UInt64, bus: UInt64 = 0) -> MemoryView {
    // The alias is mapped and never unmapped.
    MemoryView(base: pointer(aliasGiB << 30 | address), start: start, size: size, busStart: bus)
  }

  /// What VM `index` shares.
  static func client(_ index: Int, size: UInt64, bus: UInt64) -> MemoryView {
    let address = (UInt64(index & 7) + 1) << 32 | ram
    return MemoryView(
      base: pointer(address), start: ram, size: min(size, 0x1_0000_0000 - ram), busStart: bus)
  }

  /// RAM behind the image; the copy of the board's tree may lie in it, and then the larger part counts.
  private static func freeMemory(bus: UInt64, boardTree: Range<UInt64>) -> MemoryView {
    let bank = BoardMemory.bank()
    let start = (image_end_address() + 0xFFF) & ~0xFFF
    let end = max(bank.base + bank.size, start)
    guard boardTree.lowerBound >= start, boardTree.lowerBound < end else { return ownMemory(start..<end, bus) }
    let before = start..<boardTree.lowerBound
    let behind = min((boardTree.upperBound + 0xFFF) & ~0xFFF, end)..<end
    return ownMemory(before.count >= behind.count ? before : behind, bus)
  }

  private static func ownMemory(_ range: Range<UInt64>, _ bus: UInt64) -> MemoryView {
    MemoryView(
      base: pointer(range.lowerBound), start: range.lowerBound, size: UInt64(range.count),
      busStart: bus + range.lowerBound - ram)
  }

  private static func pointer(_ address: UInt64) -> UnsafeMutableRawPointer {
    // No address here is 0.
    UnsafeMutableRawPointer(bitPattern: UInt(address)).unsafelyUnwrapped
  }
}
