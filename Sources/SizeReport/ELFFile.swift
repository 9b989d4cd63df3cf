import Foundation

/// What the report needs of a little-endian ELF file, 32-bit or 64-bit: sections and sized symbols.
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

  private struct RawSection {
    var name, type, link: UInt64
    var flags, address, offset, size: UInt64
  }

  init?(path: String) {
    guard let data = FileManager.default.contents(atPath: path), data.starts(with: [0x7F, 0x45, 0x4C, 0x46]),
      let layout = ELFLayout(fileClass: data[4]), data[5] == 1
    else { return nil }
    let table = layout.header.sections.number(in: data, at: 0)
    let count = layout.header.count.number(in: data, at: 0)
    let raw = (0..<count).map { Self.section(data, layout.section, at: table + layout.section.size * $0) }
    let names = raw[Int(layout.header.names.number(in: data, at: 0))]
    sections = raw.map { section in
      Section(
        name: data.string(at: Int(names.offset) + Int(section.name)), address: section.address,
        size: section.size,
        isLoaded: section.flags & 2 != 0 && section.type != 8,
        isZeroed: section.flags & 2 != 0 && section.type == 8)
    }
    let named = raw.filter { $0.type == 2 }.flatMap {
      Self.symbols(data, layout.symbol, $0, strings: raw[Int($0.link)], sections: raw)
    }
    symbols = Self.sized(named.filter { !$0.name.isEmpty && !Self.isMapping($0.name) })
  }

  private static func section(_ data: Data, _ layout: ELFLayout.SectionHeader, at offset: UInt64)
    -> RawSection
  {
    RawSection(
      name: layout.name.number(in: data, at: offset), type: layout.type.number(in: data, at: offset),
      link: layout.link.number(in: data, at: offset), flags: layout.flags.number(in: data, at: offset),
      address: layout.address.number(in: data, at: offset),
      offset: layout.offset.number(in: data, at: offset),
      size: layout.length.number(in: data, at: offset))
  }

  /// The symbols of one table that stand in loaded sections.
  private static func symbols(
    _ data: Data, _ layout: ELFLayout.Symbol, _ table: RawSection, strings: RawSection,
    sections: [RawSection]
  ) -> [Symbol] {
    stride(from: table.offset, to: table.offset + table.size, by: Int(layout.size)).compactMap { offset in
      let index = Int(layout.section.number(in: data, at: offset))
      guard index > 0, index < sections.count, sections[index].flags & 2 != 0, sections[index].type != 8 else {
        return nil
      }
      let name = Int(strings.offset + layout.name.number(in: data, at: offset))
      return Symbol(
        name: data.string(at: name), address: layout.value.number(in: data, at: offset),
        size: layout.length.number(in: data, at: offset))
    }
  }

  /// `$x`, `$a`, `$t` and `$d` mark where code and data begin (ELF for the Arm 64-bit architecture, 5.5.4; for the Arm
  /// architecture, 5.5.5).
  private static func isMapping(_ name: String) -> Bool {
    ["$x", "$a", "$t", "$d"].contains { name == $0 || name.hasPrefix($0 + ".") }
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
  var loadedSize: UInt64 { loadedSize(without: nil) }

  /// The same without a section at the end, and what fills up to it.
  func loadedSize(without section: String?) -> UInt64 {
    let loaded = sections.filter { $0.isLoaded && $0.size > 0 && $0.name != section }
    let start = loaded.map(\.address).min() ?? 0
    let end = loaded.map { $0.address + $0.size }.max() ?? 0
    return end - start
  }
}

extension Data {
  fileprivate func string(at offset: Int) -> String {
    String(decoding: self[offset...].prefix { $0 != 0 }, as: UTF8.self)
  }
}
