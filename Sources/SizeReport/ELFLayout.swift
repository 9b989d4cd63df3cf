import Foundation

/// Where the fields lie that the report reads: the ELF-64 object file format, 1.3 to 1.8, and its 32-bit counterpart
/// (System V ABI, chapter 4).
struct ELFLayout {
  /// A number in a structure of the file.
  struct Field {
    var offset: UInt64
    var bytes: UInt64

    init(_ offset: UInt64, _ bytes: UInt64) {
      self.offset = offset
      self.bytes = bytes
    }

    /// - Parameter base: where the structure begins.
    func number(in data: Data, at base: UInt64) -> UInt64 {
      (0..<bytes).reversed().reduce(0) { $0 << 8 | UInt64(data[Int(base + offset + $1)]) }
    }
  }

  struct Header {
    var sections: Field
    var count: Field
    /// The section that holds the sections' names.
    var names: Field
  }

  struct SectionHeader {
    var size: UInt64
    var name = Field(0, 4)
    var type = Field(4, 4)
    var flags: Field
    var address: Field
    var offset: Field
    var length: Field
    var link: Field
  }

  struct Symbol {
    var size: UInt64
    var name = Field(0, 4)
    var value: Field
    var length: Field
    var section: Field
  }

  let header: Header
  let section: SectionHeader
  let symbol: Symbol

  /// - Parameter fileClass: EI_CLASS: 1 for 32 bits, 2 for 64.
  init?(fileClass: UInt8) {
    switch fileClass {
    case 1:
      header = Header(sections: Field(32, 4), count: Field(48, 2), names: Field(50, 2))
      section = SectionHeader(
        size: 40, flags: Field(8, 4), address: Field(12, 4), offset: Field(16, 4), length: Field(20, 4),
        link: Field(24, 4))
      symbol = Symbol(size: 16, value: Field(4, 4), length: Field(8, 4), section: Field(14, 2))
    case 2:
      header = Header(sections: Field(40, 8), count: Field(60, 2), names: Field(62, 2))
      section = SectionHeader(
        size: 64, flags: Field(8, 8), address: Field(16, 8), offset: Field(24, 8), length: Field(32, 8),
        link: Field(40, 4))
      symbol = Symbol(size: 24, value: Field(8, 8), length: Field(16, 8), section: Field(6, 2))
    default: return nil
    }
  }
}
