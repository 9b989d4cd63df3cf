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
  @inline(__always) public mutating func take<Value: ~Copyable>(
    _ type: Value.Type, count: Int = 1, alignment: Int = 16
  )
    -> UnsafeMutablePointer<Value>?
  {
    let start = unsafe takeBytes(MemoryLayout<Value>.stride &* count, alignment: alignment)
    return unsafe start?.assumingMemoryBound(to: type)
  }

  @inline(never) private mutating func takeBytes(_ size: Int, alignment: Int) -> UnsafeMutableRawPointer? {
    let start =
      unsafe (UInt(bitPattern: next) &+ UInt(bitPattern: alignment &- 1)) & ~UInt(bitPattern: alignment &- 1)
    guard unsafe UInt(bitPattern: size) <= UInt(bitPattern: end) &- start else { return nil }
    unsafe next = UnsafeMutableRawPointer(bitPattern: start &+ UInt(bitPattern: size)) ?? end
    guard let pointer = unsafe UnsafeMutableRawPointer(bitPattern: start) else { return nil }
    unsafe pointer.initializeMemory(as: UInt8.self, repeating: 0, count: size)
    return unsafe pointer
  }
}
