// This guest's own translation table, of the short-descriptor format (ARM DDI 0406C, B3.5): addresses are what they are,
// until something is mapped elsewhere.

import GuestMachine

/// Who may do what, as AP and APX of a small page.
public enum PageAccess {
  /// The kernel alone: everything, or all but writing.
  public static let kernel: UInt32 = 0x10
  public static let kernelReads: UInt32 = 0x210
  /// User mode too.
  public static let user: UInt32 = 0x30
  public static let userReads: UInt32 = 0x20
  /// Both, all but writing.
  public static let allRead: UInt32 = 0x230
  /// Never executed; only in one address space.
  public static let neverExecuted: UInt32 = 1
  public static let local: UInt32 = 0x800
}

public struct TranslationTable {
  /// The first-level table.
  public let address: UInt32

  public init(_ address: UInt32) { self.address = address }

  /// The one that this guest begins with.
  public static var first: TranslationTable { TranslationTable(translation_table_address()) }

  /// How many second-level tables are in use.
  nonisolated(unsafe) private static var secondCount: UInt32 = 0

  private static let normal: UInt32 = 0x100E
  private static let device: UInt32 = 0x6
  private static let smallNormal: UInt32 = 0x4E

  /// Memory of so many MiB and the devices, for the kernel; the image's code and constants are not written.
  public func identify(mebibytes: UInt32) {
    for megabyte in 0..<4096 as Range<UInt32> { write32(address &+ 4 &* megabyte, 0) }
    for megabyte in 0x400..<0x400 &+ mebibytes {
      write32(address &+ 4 &* megabyte, megabyte &<< 20 | Self.normal | 1 &<< 10)
    }
    // Never executed.
    for megabyte in 0x80..<0x92 as Range<UInt32> {
      write32(address &+ 4 &* megabyte, megabyte &<< 20 | Self.device | 1 &<< 10 | 1 &<< 4)
    }
    let start = image_address()
    // The image lies in one megabyte, from its beginning.
    for page in start &>> 12..<start &>> 12 &+ 256 {
      let isConstant = page &<< 12 < constant_end_address()
      map(page &<< 12, to: page &<< 12, isConstant ? PageAccess.kernelReads : PageAccess.kernel)
    }
  }

  /// Where the first-level descriptor of an address is.
  public func descriptor(_ virtual: UInt32) -> UInt32 { address &+ virtual &>> 20 &* 4 }

  /// Where the second-level descriptor of an address is; its table is made where there is none.
  public func pageDescriptor(_ virtual: UInt32) -> UInt32 {
    if read32(descriptor(virtual)) & 3 != 1 {
      let table = second_tables_address() &+ Self.secondCount &<< 10
      Self.secondCount = Self.secondCount &+ 1
      for entry in 0..<256 as Range<UInt32> { write32(table &+ 4 &* entry, 0) }
      write32(descriptor(virtual), table | 1)
    }
    return read32(descriptor(virtual)) & ~1023 &+ virtual &>> 10 & 1020
  }

  /// Maps a small page of normal memory. The TLB is not told.
  /// - Parameter access: of `PageAccess`.
  public func map(_ virtual: UInt32, to physical: UInt32, _ access: UInt32) {
    write32(pageDescriptor(virtual), physical & ~4095 | Self.smallNormal | access)
    data_barrier()
  }

  /// Takes a page away. The TLB is not told.
  public func unmap(_ virtual: UInt32) {
    write32(pageDescriptor(virtual), 0)
    data_barrier()
  }

  /// Begins to translate, with this table and exceptions in T32.
  public func turnOn() {
    write_vectors(vectors_address())
    // M, C, Z, I, TE; not A and V.
    let control = read_control() & ~0x2002 | 0x4000_1805
    guest_turn_on(address, 1, control)
  }
}

/// What was stored there is about to be executed.
public func publish(_ address: UInt32, bytes: UInt32) {
  var line = address & ~31
  while line < address &+ bytes {
    clean_line(line)
    line = line &+ 32
  }
  data_barrier()
  line = address & ~31
  while line < address &+ bytes {
    invalidate_instruction_line(line)
    line = line &+ 32
  }
  invalidate_branches(0)
  data_barrier()
  instruction_barrier()
}
