import Foundation

/// An ARM Linux `zImage`: a program that unpacks the kernel to the start of memory (Linux: Documentation/arm/booting.rst
/// and arch/arm/boot/compressed/head.S). Where it does so and how much that takes it says in a table (since Linux 4.15).
struct CompressedImage {
  /// At byte 36.
  static let magic: UInt64 = 0x016F_2818
  /// At byte 52 where byte 56 says where the table is.
  private static let tableMagic: UInt64 = 0x4545_4545
  /// The table's tag that speaks of the kernel: "KLSZ".
  private static let kernelTag: UInt64 = 0x5A53_4C4B
  /// The memory that a kernel can tell the start of its own by: it clears the lower bits of its address.
  private static let reach: UInt64 = 128 << 20
  /// Linux maps no more than this for certain before it knows its memory well: tree and ramdisk must lie there.
  static let directlyMapped: UInt64 = 512 << 20

  /// Bytes from the start of memory to its first byte: the first 2 MiB boundary behind what it unpacks.
  let offset: UInt64
  /// Bytes that it takes from there on, with its stack and heap.
  let memorySize: UInt64

  init(_ file: InputFile) throws {
    let size = UInt64(file.data.count)
    let declared = file.littleEndian(4, at: 44) &- file.littleEndian(4, at: 40)
    guard declared <= size else {
      throw InputError("\(file.path): is damaged: an ARM zImage of \(declared) bytes that has only \(size)")
    }
    let kernel = Kernel(file) ?? Kernel(guessedFor: size)
    offset = MemorySize(bytes: kernel.end).rounded(upTo: 2 << 20).bytes
    memorySize = size + Self.stack + kernel.heap
    guard offset < Self.reach else {
      throw InputError(
        "\(file.path): is damaged: an ARM zImage that unpacks to \(MemorySize(bytes: kernel.end).roundedDescription)"
      )
    }
  }

  private static let stack: UInt64 = 4 << 10

  /// What comes out of it.
  private struct Kernel {
    /// One past its last byte, its zeroed data included, counted from the start of memory.
    let end: UInt64
    /// Bytes that unpacking takes behind the image.
    var heap: UInt64 = 64 << 10

    /// What the table says; nil where there is none.
    init?(_ file: InputFile) {
      guard file.littleEndian(4, at: 52) == tableMagic else { return nil }
      let table = Int(file.littleEndian(4, at: 56))
      guard table <= file.data.count - 16, file.littleEndian(4, at: table + 4) == kernelTag else { return nil }
      let words = (0..<file.littleEndian(4, at: table)).prefix(6).map {
        file.littleEndian(4, at: table + 4 * Int($0))
      }
      guard words.count >= 4 else { return nil }
      let unpacked = file.littleEndian(4, at: Int(words[2]))
      end = (words.count > 4 ? words[4] : Self.usualOffset) + unpacked + words[3]
      if words.count > 5 { heap = words[5] }
    }

    /// For older kernels: hardly any is packed to less than a fifth.
    init(guessedFor size: UInt64) {
      end = Self.usualOffset + 5 * size
    }

    /// From the start of memory to a kernel whose table does not say it.
    private static let usualOffset: UInt64 = 0x8000
  }
}
