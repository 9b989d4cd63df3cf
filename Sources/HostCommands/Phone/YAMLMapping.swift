import Yams

/// A mapping of a YAML file whose values are read by key and type; every mistake is told with its place.
struct YAMLMapping {
  let file: String
  /// What the mapping describes, for messages: `VM work`.
  let subject: String
  private let mapping: Node.Mapping
  let place: SourcePlace

  /// - Throws: `InputError` when the node is no mapping.
  init(_ node: Node, subject: String, file: String) throws {
    let place = SourcePlace(node, file: file)
    guard case .mapping(let mapping) = node else {
      throw InputError("\(subject) must be a list of `key: value`", at: place)
    }
    self.file = file
    self.subject = subject
    self.mapping = mapping
    self.place = place
  }

  /// The entries in the file's order: name, its place, value.
  var entries: [(name: String, place: SourcePlace, value: Node)] {
    mapping.map { ($0.key.scalar?.string ?? "", SourcePlace($0.key, file: file), $0.value) }
  }

  /// Refuses any key that is not in `known`, with the key that was probably meant.
  func allow(only known: [String]) throws {
    for entry in entries where !known.contains(entry.name) {
      let meant = Spelling.nearest(to: entry.name, among: known).map { "; did you mean `\($0)`?" }
      let choices = "; there is \(known.map { "`\($0)`" }.joined(separator: ", "))"
      throw InputError("unknown key `\(entry.name)` in \(subject)\(meant ?? choices)", at: entry.place)
    }
  }

  func node(_ key: String) -> Node? {
    mapping.first { $0.key.scalar?.string == key }?.value
  }

  func string(_ key: String) throws -> String? {
    guard let node = node(key) else { return nil }
    guard let scalar = node.scalar, !(scalar.string.isEmpty && scalar.style == .plain) else {
      throw InputError("`\(key)` of \(subject) must be a text", at: place(of: node))
    }
    return scalar.string
  }

  func integer(_ key: String, in range: ClosedRange<Int>) throws -> Int? {
    try node(key).map { try integer($0, key, in: range) }
  }

  func integers(_ key: String, in range: ClosedRange<Int>) throws -> [Int]? {
    guard let node = node(key) else { return nil }
    guard let sequence = node.sequence else {
      throw InputError("`\(key)` of \(subject) must be a list such as [0, 1]", at: place(of: node))
    }
    return try sequence.map { try integer($0, key, in: range) }
  }

  func memory(_ key: String) throws -> MemorySize? {
    guard let text = try string(key), let node = node(key) else { return nil }
    guard let size = MemorySize(text) else {
      throw InputError(
        "`\(key)` of \(subject) must be a size such as 256MiB or 1GiB, not `\(text)`", at: place(of: node))
    }
    return size
  }

  /// A number that is written with its unit: `20%`, `10ms`.
  func quantity(_ key: String, unit: String, in range: ClosedRange<Int>) throws -> Int? {
    guard let node = node(key) else { return nil }
    guard let text = node.scalar?.string, text.hasSuffix(unit), let value = Int(text.dropLast(unit.count)),
      range.contains(value)
    else {
      throw InputError(
        "`\(key)` of \(subject) must be from \(range.lowerBound)\(unit) to \(range.upperBound)\(unit)",
        at: place(of: node))
    }
    return value
  }

  func boolean(_ key: String) throws -> Bool? {
    guard let node = node(key) else { return nil }
    switch node.scalar?.string {
    case "true": return true
    case "false": return false
    default: throw InputError("`\(key)` of \(subject) must be true or false", at: place(of: node))
    }
  }

  /// One of some words.
  func word<Word: RawRepresentable<String> & CaseIterable>(_ key: String, as _: Word.Type) throws -> Word? {
    guard let node = node(key) else { return nil }
    guard let text = node.scalar?.string, let word = Word(rawValue: text) else {
      let choices = Word.allCases.map { "`\($0.rawValue)`" }.joined(separator: ", ")
      throw InputError("`\(key)` of \(subject) must be one of \(choices)", at: place(of: node))
    }
    return word
  }

  /// What a key says that is true, false, or a mapping of details.
  enum Choice {
    case no, yes
    case details(YAMLMapping)
  }

  /// - Parameter keys: what the details may be.
  func choice(_ key: String, allowing keys: [String]) throws -> Choice {
    guard let node = node(key), node.mapping != nil else { return try boolean(key) ?? false ? .yes : .no }
    let details = try YAMLMapping(node, subject: "`\(key)` in \(subject)", file: file)
    try details.allow(only: keys)
    return .details(details)
  }

  /// One of the names in `known`, which are called `kind`.
  func name(_ key: String, among known: [String], kind: String) throws -> String? {
    guard let name = try string(key) else { return nil }
    try check(name, key, among: known, kind: kind, at: place(of: key))
    return name
  }

  private func check(
    _ name: String, _ key: String, among known: [String], kind: String, at place: SourcePlace
  ) throws {
    guard !known.contains(name) else { return }
    let meant = Spelling.nearest(to: name, among: known).map { "; did you mean `\($0)`?" }
    throw InputError("`\(key)` of \(subject): there is no \(kind) `\(name)`\(meant ?? "")", at: place)
  }

  /// A list of names, none of them twice and each of them one of `known`, which are called `kind`.
  func names(_ key: String, among known: [String], kind: String) throws -> [String] {
    guard let node = node(key) else { return [] }
    guard let sequence = node.sequence else {
      throw InputError("`\(key)` of \(subject) must be a list such as [work]", at: place(of: node))
    }
    return try sequence.reduce(into: []) { names, node in
      let name = node.scalar?.string ?? ""
      try check(name, key, among: known, kind: kind, at: place(of: node))
      guard !names.contains(name) else {
        throw InputError("`\(key)` of \(subject) names `\(name)` twice", at: place(of: node))
      }
      names.append(name)
    }
  }

  /// The place of a key's value, or of the mapping when it has none.
  func place(of key: String) -> SourcePlace {
    node(key).map { place(of: $0) } ?? place
  }

  private func place(of node: Node) -> SourcePlace { SourcePlace(node, file: file) }

  private func integer(_ node: Node, _ key: String, in range: ClosedRange<Int>) throws -> Int {
    guard let text = node.scalar?.string, let value = Int(text), range.contains(value) else {
      throw InputError(
        "`\(key)` of \(subject) must be a number from \(range.lowerBound) to \(range.upperBound)",
        at: place(of: node))
    }
    return value
  }
}

extension YAMLMapping {
  /// Reads the top of a YAML file.
  init(parsing text: String, subject: String, file: String) throws {
    do {
      guard let root = try Yams.compose(yaml: text) else { throw InputError("\(file): is empty") }
      try self.init(root, subject: subject, file: file)
    } catch let error as YamlError {
      throw InputError(Self.sentence(error, file: file))
    }
  }

  /// One line out of the parser's report, which shows the text with a marker below it.
  private static func sentence(_ error: YamlError, file: String) -> String {
    switch error {
    case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
      .composer(_, let problem, let mark, _):
      return "\(SourcePlace(file: file, line: mark.line, column: mark.column)): \(problem)"
    case .duplicatedKeysInMapping(let duplicates, let context):
      let place = SourcePlace(file: file, line: context.mark.line, column: context.mark.column)
      return "\(place): `\(duplicates.first ?? "?")` stands here and again below"
    default:
      return "\(file): is no YAML"
    }
  }
}

extension SourcePlace {
  init(_ node: Node, file: String) {
    self.init(file: file, line: node.mark?.line ?? 1, column: node.mark?.column ?? 1)
  }
}
