// The hypervisor's own address space:
//
//   0x1000_0000   windows: two views of 4 MiB, in sections of 1 MiB
//   0xFFF0_0000   the image and the arena, in pages (Entry.S)
//   0xFFF8_0000   devices, 64 KiB for each DeviceSlot
//   0xFFFF_0000   nothing: a guest has its vectors there
//
// The last MiB is in every guest's address space too, as it was when that was made, so the hypervisor leaves a guest's only for a
// window, or for another guest.
//
// Each CPU has its own, which differ in the windows, the stack and the variables. Nothing else is mapped: guest memory is reached
// only through windows, which move on when they are used again.

import ARMv7Assembly
import Appliance
import ArmArchitecture
import Drivers
import Hypervisor

/// Where the image lies on the bus.
nonisolated(unsafe) private var imageBase: UInt32 = 0
/// TTBR0 of the hypervisor's own address space.
nonisolated(unsafe) private var ownTable: UInt32 = 0

extension Machine {
  typealias Registers = MappedRegisters

  private static var firstWindow: UInt32 { 0x100 }
  private static var firstDevice: UInt32 { 0xFFF8_0000 }
  /// A page of a device, never executed (TEX 0, B; shared; AP 1).
  private static var devicePage: UInt32 { 0x17 }
  /// A section of normal memory, write-back, shared, never executed (TEX 1, C, B; AP 1).
  private static var memorySection: UInt32 { 0x1_141E }
  /// The same, executed: `SECTION_EXECUTED`.
  private static var imageSection: UInt32 { 0x1_140E }

  static func remember(image: UInt32) {
    unsafe imageBase = image
    unsafe ownTable = read_ttbr0()
  }

  /// The level-1 table, which TTBR0 names but while a guest runs; the level-2 table of the last MiB follows it.
  private var level1Table: UnsafeMutablePointer<UInt32> {
    unsafe pointer(to: PhysicalAddress(UInt64(ownTable & ~0x3FFF))).assumingMemoryBound(to: UInt32.self)
  }

  private var level2Table: UnsafeMutablePointer<UInt32> { unsafe level1Table + 0x1000 }

  /// In this CPU's own address space, and in those of guests that are made from then on.
  func map(_ slot: DeviceSlot, at address: PhysicalAddress) {
    let frame = UInt32(truncatingIfNeeded: address.rawValue) & ~0xFFFF
    let place = Self.address(of: slot)
    var offset: UInt32 = 0
    while offset < 0x1_0000 {
      let entry = unsafe level2Table + Int(bitPattern: UInt((place &+ offset) &>> 12 & 0xFF))
      unsafe entry.pointee = frame &+ offset | Self.devicePage
      unsafe entry_changed(entry, place &+ offset)
      offset &+= 0x1000
    }
  }

  /// Gives an address space what the hypervisor has in the last MiB.
  /// - Parameter place: where its level-2 table is in view.
  func copyOwnTable(to place: UInt32) {
    for entry in 0..<0xF0 as Range<Int> {
      unsafe store32(UInt(place) &+ UInt(bitPattern: entry) &* 4, level2Table[entry])
    }
  }

  /// Shows a virtual CPU's piece of memory in the hypervisor's own address space, where its guest's have it too.
  func view(pool: UInt32) {
    for megabyte in 0..<4 as Range<UInt32> {
      let address = Pool.view &+ megabyte &<< 20
      let entry = unsafe level1Table + Int(bitPattern: UInt(address &>> 20))
      unsafe entry.pointee = pool &+ megabyte &<< 20 | Self.memorySection
      unsafe entry_changed(entry, address)
    }
  }

  /// Makes the second CPU's tables (Entry.S): copies, but for its stack and its variables.
  func prepareSecondCPU(_ cpu: PhysicalCPUReference) -> PhysicalAddress {
    let table = unsafe level1Table + 0x2000
    let pages = unsafe table + 0x1000
    let bytes = 0x4400
    unsafe UnsafeMutableRawPointer(table).copyMemory(from: level1Table, byteCount: bytes)
    // Of no memory, for its lowest bits are 0.
    unsafe table[0] = UInt32(UInt(bitPattern: cpu.address))
    unsafe table[Int(bitPattern: UInt(imageBase &>> 20))] = imageBase & ~0xF_FFFF | Self.imageSection
    unsafe table[0xFFF] = UInt32(truncatingIfNeeded: physicalAddress(of: pages).rawValue) | 1
    let stack = unsafe Int(bitPattern: UInt(bitPattern: address_of_stack()) &>> 12 & 0xFF)
    // Its stack and its variables: image.ld.
    unsafe pages[stack + 1] = pages[stack + 3]
    unsafe pages[stack + 2] = pages[stack + 4]
    TableMemory.clean(UInt32(UInt(bitPattern: table)), UInt32(bytes))
    data_barrier()
    return unsafe physicalAddress(of: address_of_second_entry())
  }

  /// Goes back to the hypervisor's own address space.
  func leaveGuestSpace() {
    write_contextidr(0)
    instruction_barrier()
    unsafe write_ttbr0(ownTable)
    instruction_barrier()
  }

  private static func address(of slot: DeviceSlot) -> UInt32 {
    firstDevice &+ UInt32(truncatingIfNeeded: slot.rawValue) &<< 16
  }

  @inline(__always) func registers(_ slot: DeviceSlot, offset: UInt32) -> MappedRegisters {
    MappedRegisters(base: UInt(Self.address(of: slot) &+ offset))
  }

  @inline(__always) func port(_ kind: DeviceTreeName, offset: UInt32) -> BoardPort<MappedRegisters> {
    let registers = registers(.uart, offset: offset)
    return kind == .exynosUART
      ? .exynos(ExynosUART(registers)) : .common(UART(registers, is8250: kind != .pl011))
  }

  /// Sections enough for 2 MiB from wherever the address lies in the first.
  @inline(never) func window(_ slot: WindowSlot, at address: PhysicalAddress) -> UnsafeMutableRawPointer {
    leaveGuestSpace()
    let first = Self.firstWindow &+ UInt32(truncatingIfNeeded: slot.rawValue) &* 2
    let low = UInt32(truncatingIfNeeded: address.rawValue)
    for next in 0..<3 as Range<UInt32> {
      let entry = unsafe level1Table + Int(bitPattern: UInt(first &+ next))
      unsafe entry.pointee = (low &>> 20 &+ next) &<< 20 | Self.memorySection
      unsafe entry_changed(entry, (first &+ next) &<< 20)
    }
    // Mapped just now.
    return unsafe UnsafeMutableRawPointer(bitPattern: UInt(first &<< 20 | low & 0xF_FFFF))!
  }

  func physicalAddress(of pointer: UnsafeMutableRawPointer) -> PhysicalAddress {
    let offset = unsafe UInt(bitPattern: pointer) &- UInt(bitPattern: address_of_image_start())
    return unsafe PhysicalAddress(UInt64(imageBase &+ UInt32(offset)))
  }

  func pointer(to address: PhysicalAddress) -> UnsafeMutableRawPointer {
    let offset = unsafe UInt32(truncatingIfNeeded: address.rawValue) &- imageBase
    return unsafe address_of_image_start() + Int(bitPattern: UInt(offset))
  }
}
