/// A text that is part of the image. One word, and nothing to check: `StaticString` is three, and can trap.
@safe public struct Message: ExpressibleByStringLiteral {
  private let start: UnsafePointer<UInt8>

  @inline(__always) public init(stringLiteral text: StaticString) {
    unsafe start = text.utf8Start
  }

  /// One character after the other; a literal ends with a zero.
  @inline(__always) public func eachCharacter(_ body: (UInt8) -> Void) {
    var next = unsafe start
    while unsafe next.pointee != 0 {
      body(unsafe next.pointee)
      unsafe next += 1
    }
  }
}
