import Foundation

/// What the report needs of a 64-bit little-endian ELF file: sections and sized symbols.
struct ELFFile {
  struct Section {
    var name: String
    var address: UInt64
    var size: UInt64
    /// Part of the memory image.
    var isLoaded: Bool
    /// Takes memory, but has no bytes in the file.
    var isZeroed: Bool
  }

  struct Symbol {
    var name: String
    var address: UInt64
    var size: UInt64
  }

  let sections: [Section]
  let symbols: [Symbol]
  private let data: Data

  /// Section header: offsets of the fields that we read (ELF-64 object file format, 1.5).
  private struct RawSection {
    var name, type, link: UInt32
    var flags, address, offset, size: UInt64
  }

  init?(path: String) {
    guard let data = FileManager.default.contents(atPath: path),
      data.starts(with: [0x7F, 0x45, 0x4C, 0x46, 2, 1])
    else { return nil }
    self.data = data
    let table = Int(data.number(at: 40, bytes: 8))
    let count = Int(data.number(at: 60, bytes: 2))
    let raw = (0..<count).map { Self.section(data, at: table + 64 * $0) }
    let names = raw[Int(data.number(at: 62, bytes: 2))]
    sections = raw.map { section in
      Section(
        name: data.string(at: Int(names.offset) + Int(section.name)), address: section.address,
        size: section.size,
        isLoaded: section.flags & 2 != 0 && section.type != 8,
        isZeroed: section.flags & 2 != 0 && section.type == 8)
    }
    let named = raw.filter { $0.type == 2 }.flatMap {
      Self.symbols(data, $0, strings: raw[Int($0.link)], sections: raw)
    }
    symbols = Self.sized(named.filter { !$0.name.isEmpty && !Self.isMapping($0.name) })
  }

  private static func section(_ data: Data, at offset: Int) -> RawSection {
    RawSection(
      name: UInt32(data.number(at: offset, bytes: 4)), type: UInt32(data.number(at: offset + 4, bytes: 4)),
      link: UInt32(data.number(at: offset + 40, bytes: 4)), flags: data.number(at: offset + 8, bytes: 8),
      address: data.number(at: offset + 16, bytes: 8), offset: data.number(at: offset + 24, bytes: 8),
      size: data.number(at: offset + 32, bytes: 8))
  }

  /// The symbols of one table that stand in loaded sections.
  private static func symbols(_ data: Data, _ table: RawSection, strings: RawSection, sections: [RawSection])
    -> [Symbol]
  {
    stride(from: Int(table.offset), to: Int(table.offset + table.size), by: 24).compactMap { offset in
      let index = Int(data.number(at: offset + 6, bytes: 2))
      guard index > 0, index < sections.count, sections[index].flags & 2 != 0, sections[index].type != 8 else {
        return nil
      }
      return Symbol(
        name: data.string(at: Int(strings.offset) + Int(data.number(at: offset, bytes: 4))),
        address: data.number(at: offset + 8, bytes: 8), size: data.number(at: offset + 16, bytes: 8))
    }
  }

  /// `$x` and `$d` mark where code and data begin (ELF for the Arm 64-bit architecture, 5.5.4).
  private static func isMapping(_ name: String) -> Bool {
    ["$x", "$d"].contains(name) || name.hasPrefix("$x.") || name.hasPrefix("$d.")
  }

  /// Assembly symbols state no size: they go on to the next symbol.
  private static func sized(_ symbols: [Symbol]) -> [Symbol] {
    let sorted = symbols.sorted { $0.address < $1.address }
    return sorted.enumerated().map { index, symbol in
      guard symbol.size == 0, let next = sorted[index...].first(where: { $0.address > symbol.address }) else {
        return symbol
      }
      return Symbol(name: symbol.name, address: symbol.address, size: next.address - symbol.address)
    }
  }

  /// Bytes that a boot loader loads: from the first to the last byte that is not zeroed memory.
  var loadedSize: UInt64 {
    let loaded = sections.filter { $0.isLoaded && $0.size > 0 }
    let start = loaded.map(\.address).min() ?? 0
    let end = loaded.map { $0.address + $0.size }.max() ?? 0
    return end - start
  }
}

extension Data {
  fileprivate func number(at offset: Int, bytes: Int) -> UInt64 {
    (0..<bytes).reversed().reduce(0) { $0 << 8 | UInt64(self[offset + $1]) }
  }

  fileprivate func string(at offset: Int) -> String {
    String(decoding: self[offset...].prefix { $0 != 0 }, as: UTF8.self)
  }
}
