// EL2's own address space, 1 GiB in entries of 2 MiB:
//
//   1        the image and the arena, in pages (Entry.S)
//   8…12     devices, by DeviceSlot
//   16…47    windows, four for each CPU: two views of 4 MiB
//
// Nothing else is mapped: guest memory is reached only through windows, which move on when they are used again.

import AArch64Assembly
import ArmArchitecture
import Hypervisor

extension Machine {
  typealias Registers = MappedRegisters

  private static var firstDevice: Int { 8 }
  private static var firstWindow: Int { 16 }
  /// Block, device nGnRE (MAIR index 1), accessed, never executed.
  private static var deviceBlock: UInt64 { 0x40_0000_0000_0445 }
  /// Block, write-back, inner shareable, accessed, never executed.
  private static var memoryBlock: UInt64 { 0x40_0000_0000_0741 }

  /// Where the image lies on the bus, found from the table that maps it.
  private var imageBase: UInt64 {
    unsafe level3Table.pointee & 0xFFFF_FFFF_F000
  }

  private var level2Table: UnsafeMutablePointer<UInt64> {
    unsafe address_of_translation_table().assumingMemoryBound(to: UInt64.self)
  }

  private var level3Table: UnsafeMutablePointer<UInt64> { unsafe level2Table + 512 }

  @inline(never) private func mapBlocks(_ entry: Int, _ address: UInt64, _ attributes: UInt64) {
    for next in 0..<2 {
      let block = address & ~0x1F_FFFF &+ UInt64(truncatingIfNeeded: next) &<< 21
      unsafe level2Table[entry &+ next] = block | attributes
      invalidate_own_translation(UInt64(truncatingIfNeeded: entry &+ next) &<< 9)
    }
  }

  func map(_ slot: DeviceSlot, at address: PhysicalAddress) {
    mapBlocks(Self.firstDevice &+ slot.rawValue, address.rawValue, Self.deviceBlock)
  }

  @inline(__always) func registers(_ slot: DeviceSlot, offset: UInt32) -> MappedRegisters {
    MappedRegisters(
      base: UInt64(truncatingIfNeeded: Self.firstDevice &+ slot.rawValue) &<< 21 &+ UInt64(offset))
  }

  @inline(never) func window(_ slot: WindowSlot, at address: PhysicalAddress) -> UnsafeMutableRawPointer {
    let entry = Self.firstWindow &+ Int(truncatingIfNeeded: read_tpidr_el2()) &* 4 &+ slot.rawValue
    mapBlocks(entry, address.rawValue, Self.memoryBlock)
    // Mapped just now.
    return unsafe UnsafeMutableRawPointer(
      bitPattern: UInt(bitPattern: entry) &<< 21 | UInt(address.rawValue & 0x1F_FFFF))!
  }

  func physicalAddress(of pointer: UnsafeMutableRawPointer) -> PhysicalAddress {
    unsafe PhysicalAddress(
      imageBase
        &+ UInt64(truncatingIfNeeded: UInt(bitPattern: pointer) &- UInt(bitPattern: address_of_image_start())))
  }

  func pointer(to address: PhysicalAddress) -> UnsafeMutableRawPointer {
    unsafe address_of_image_start() + Int(truncatingIfNeeded: address.rawValue &- imageBase)
  }
}
