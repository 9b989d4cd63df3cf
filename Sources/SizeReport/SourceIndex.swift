import Foundation

// The image has no debug information, so symbols are led back to source files by their names: the file
// that declares a function of that name in that module. Where two do, the discriminator that Swift puts
// into the names of private functions tells files apart, and other functions of the same file which it is.

/// A symbol's name, taken apart.
struct SymbolName {
  /// `serveUART`
  var function: String
  /// `Core`, if it is a member.
  var type: String?
  /// Of a private function: the same for all of a file.
  var discriminator: String?
  /// `Hypervisor.Core.serveUART`
  var short: String

  /// - Parameter demangled: what `swift demangle` prints.
  init(demangled: String) {
    let subject = demangled.components(separatedBy: "> of ").last ?? demangled
    discriminator = subject.components(separatedBy: " in _").dropFirst().first.map {
      String($0.prefix { $0 != ")" })
    }
    let words = subject.replacing("static ", with: "").replacing("closure #1 () -> () in ", with: "")
      .replacing(#/\(extension in [^)]*\):|< where [^>]*>/#, with: "")
    let path = Self.path(words)
    function = path.last ?? subject
    type = path.dropLast().last
    short = path.joined(separator: ".")
  }

  /// `Hypervisor.Core.(pump in _1234)(Swift.Int)` becomes Hypervisor, Core, pump.
  private static func path(_ text: String) -> [String] {
    var parts: [String] = []
    for part in text.split(separator: ".", maxSplits: 6) {
      let isPrivate = part.hasPrefix("(")
      let name = part.drop { $0 == "(" }.prefix { $0.isLetter || $0.isNumber || $0 == "_" }
      parts.append(String(name))
      let ends = isPrivate ? !part.contains(")") || part.last != ")" : part.contains { "(:<".contains($0) }
      if ends { break }
    }
    return parts
  }
}

/// Which file declares what.
struct SourceIndex {
  /// File names without endings, by the functions and types that they declare.
  private var declarations: [String: Set<String>] = [:]

  init(folders: [String]) {
    for folder in folders {
      for case let file as String in FileManager.default.enumerator(atPath: folder) ?? .init() {
        guard file.hasSuffix(".swift") || file.hasSuffix(".S") else { continue }
        read(folder + "/" + file)
      }
    }
  }

  private mutating func read(_ path: String) {
    let text = String(decoding: FileManager.default.contents(atPath: path) ?? Data(), as: UTF8.self)
    let file = ((path as NSString).lastPathComponent as NSString).deletingPathExtension
    for line in text.split(separator: "\n") {
      for name in Self.declared(line) { declarations[name, default: []].insert(file) }
    }
  }

  private static let keywords: Set<Substring> = [
    "func", "var", "let", "struct", "enum", "extension", "class", "protocol", "subscript",
  ]

  /// The names that a line declares: after a keyword in Swift, before a colon in assembly.
  private static func declared(_ line: Substring) -> [String] {
    let words = line.split { !($0.isLetter || $0.isNumber || $0 == "_" || $0 == ":" || $0 == "@") }
    let label = words.first.flatMap { $0.last == ":" && !$0.contains("@") ? String($0.dropLast()) : nil }
    let named = zip(words, words.dropFirst()).filter { keywords.contains($0.0) }.map {
      String($0.1.prefix { $0 != ":" })
    }
    let isInitializer = words.contains { $0 == "init" }
    return named + (label.map { [$0] } ?? []) + (isInitializer ? ["init"] : [])
  }

  /// The files that may hold a symbol.
  func candidates(for name: SymbolName) -> Set<String> {
    let functions = declarations[name.function] ?? []
    guard let type = name.type, let types = declarations[type] else { return functions }
    let both = functions.intersection(types)
    return both.isEmpty ? (functions.isEmpty ? types : functions) : both
  }

  /// The file of each symbol, as far as it can be told.
  func files(of names: [SymbolName]) -> [String?] {
    let candidates = names.map { self.candidates(for: $0) }
    var byDiscriminator: [String: Set<String>] = [:]
    for (name, files) in zip(names, candidates) where !files.isEmpty {
      guard let discriminator = name.discriminator else { continue }
      let narrowed = byDiscriminator[discriminator]?.intersection(files) ?? files
      if !narrowed.isEmpty { byDiscriminator[discriminator] = narrowed }
    }
    return zip(names, candidates).map { name, files in
      let narrowed = name.discriminator.flatMap { byDiscriminator[$0]?.intersection(files) } ?? files
      return (narrowed.isEmpty ? files : narrowed).min()
    }
  }
}
