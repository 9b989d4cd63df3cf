import Appliance

extension Blob {
  /// Whether the bytes at `offset` begin with `text`; the caller passes the terminating zero within `text`
  /// where the whole string must match.
  func hasPrefix(_ text: StaticString, at offset: Int) -> Bool {
    for index in 0..<text.utf8CodeUnitCount where byte(at: offset + index) != text.utf8Start[index] {
      return false
    }
    return true
  }
}
