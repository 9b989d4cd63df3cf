import Foundation

/// Where the bytes of an image are.
struct Report {
  /// A symbol with the source file that it comes from.
  struct Entry {
    var name: String
    var size: UInt64
    var file: String?
  }

  let image: ELFFile
  let budget: SizeBudget
  let entries: [Entry]

  init(image: ELFFile, budget: SizeBudget, sources: [String]) throws {
    self.image = image
    self.budget = budget
    // Of several symbols at one place the largest counts.
    var places: [UInt64: ELFFile.Symbol] = [:]
    for symbol in image.symbols where symbol.size > places[symbol.address]?.size ?? 0 {
      places[symbol.address] = symbol
    }
    let symbols = places.values.sorted { ($0.size, $0.address) > ($1.size, $1.address) }
    let names = try Demangler.demangle(symbols.map(\.name)).map(SymbolName.init(demangled:))
    let files = SourceIndex(folders: sources).files(of: names)
    entries = zip(zip(symbols, names), files).map { Entry(name: $0.1.short, size: $0.0.size, file: $1) }
  }

  func lines() -> [String] {
    ["sections:"] + sectionLines + ["", "parts (bytes, allotted, left):"] + partLines + [
      "", "largest symbols:",
    ] + symbolLines
  }

  private var sectionLines: [String] {
    image.sections.filter { $0.size > 0 && ($0.isLoaded || $0.isZeroed) }.map {
      column($0.size) + "  \($0.name)" + ($0.isZeroed ? " (zeroed memory, not loaded)" : "")
    }
  }

  /// Bytes that each part takes.
  private var sizes: [UInt64] {
    budget.parts.map { part in
      entries.filter { part.files.contains($0.file ?? "") }.reduce(0) { $0 + $1.size }
    }
  }

  /// What is larger than it may be, and allotments that promise too much.
  func mistakes() -> [String] {
    var mistakes: [String] = []
    if image.loadedSize > budget.limit {
      mistakes.append(
        "the image has \(image.loadedSize) bytes, \(image.loadedSize - budget.limit) over its limit")
    }
    if budget.limit + budget.reserved > budget.total || budget.parts.map(\.bytes).reduce(0, +) > budget.limit {
      mistakes.append("SizeBudget.json gives away more than there is")
    }
    for (part, size) in zip(budget.parts, sizes) where size > part.bytes {
      mistakes.append("\(part.name): \(size) bytes of \(part.bytes)")
    }
    return mistakes
  }

  private var partLines: [String] {
    let sizes = self.sizes
    let rest = image.loadedSize - sizes.reduce(0, +)
    let allotted = budget.parts.map(\.bytes).reduce(0, +)
    let parts = zip(budget.parts, sizes).map { line($0.name, size: $1, allotted: $0.bytes) }
    return parts + [
      line(
        "tables, constants, padding and what no part lists", size: rest,
        allotted: budget.limit - min(budget.limit, allotted))
    ]
  }

  private func line(_ name: String, size: UInt64, allotted: UInt64) -> String {
    let left = size > allotted ? "OVER by \(size - allotted)" : String(allotted - size)
    return column(size) + column(allotted) + "  \(name): \(left)"
  }

  private var symbolLines: [String] {
    entries.prefix(25).map { column($0.size) + "  \($0.name) (\($0.file ?? "?"))" }
  }

  private func column(_ number: UInt64) -> String {
    let text = String(number)
    return String(repeating: " ", count: max(0, 8 - text.count)) + text
  }
}
