/// Waits until every one of some texts was printed.
struct UntilListener: ConsoleListener {
  /// Texts that were not seen yet.
  private(set) var missing: [String]
  /// The end of what was printed, long enough to hold any of the texts.
  private var recent: [UInt8] = []
  /// With no text to wait for, only the device ends the session.
  private let waits: Bool

  init(texts: [String]) {
    missing = texts
    waits = !texts.isEmpty
  }

  mutating func heard(_ bytes: ArraySlice<UInt8>, at time: Duration, type: ([UInt8]) -> Void) -> ConsoleVerdict
  {
    guard waits, !bytes.isEmpty else { return .goOn }
    recent += bytes
    missing.removeAll { recent.contains(text: $0) }
    let longest = missing.map(\.utf8.count).max() ?? 0
    recent.removeFirst(max(0, recent.count - longest))
    return missing.isEmpty ? .done : .goOn
  }
}

extension [UInt8] {
  /// Whether the bytes of `text` stand somewhere in here.
  func contains(text: String) -> Bool {
    let pattern = Array(text.utf8)
    guard let first = pattern.first, count >= pattern.count else { return pattern.isEmpty }
    return (0...count - pattern.count).contains {
      self[$0] == first && self[$0..<$0 + pattern.count].elementsEqual(pattern)
    }
  }
}
