/// A text that is part of the image. Two words, and nothing to check: `StaticString` is three, and can trap.
@safe public struct Message: ExpressibleByStringLiteral {
  private let start: UnsafePointer<UInt8>
  public let count: UInt32

  @inline(__always) public init(stringLiteral text: StaticString) {
    unsafe start = text.utf8Start
    count = UInt32(truncatingIfNeeded: text.utf8CodeUnitCount)
  }

  /// - Parameter index: below `count`.
  @inline(__always) public func character(at index: UInt32) -> UInt8 { unsafe start[Int(index)] }
}
