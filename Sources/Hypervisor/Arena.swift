/// Memory behind the image, handed out once at boot and never taken back.
@safe public struct Arena {
  private var next: UnsafeMutableRawPointer
  private let end: UnsafeMutableRawPointer

  /// - Parameters: the first byte, and one past the last.
  @unsafe public init(start: UnsafeMutableRawPointer, end: UnsafeMutableRawPointer) {
    unsafe next = start
    unsafe self.end = end
  }

  /// Where the next piece begins: what lies before is in use.
  public var used: UnsafeMutableRawPointer { unsafe next }

  /// Room for `count` values, filled with zeros; nil when there is no more.
  mutating func take<Value: ~Copyable>(_ type: Value.Type, count: Int = 1, alignment: Int = 16)
    -> UnsafeMutablePointer<Value>?
  {
    let start = unsafe next.alignedUp(toMultipleOf: alignment)
    let size = MemoryLayout<Value>.stride &* count
    guard unsafe size <= end - start else { return nil }
    unsafe next = start + size
    unsafe start.initializeMemory(as: UInt8.self, repeating: 0, count: size)
    return unsafe start.bindMemory(to: type, capacity: count)
  }
}
