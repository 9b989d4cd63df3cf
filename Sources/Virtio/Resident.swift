/// A value at a fixed place in memory: it lives as long as the program, so this never dangles.
@safe public struct Resident<Value: ~Copyable> {
  private let pointer: UnsafeMutablePointer<Value>

  /// - Parameter pointer: an initialised value that nothing moves or ends.
  @unsafe public init(_ pointer: UnsafeMutablePointer<Value>) { unsafe self.pointer = unsafe pointer }

  public var value: Value {
    @inline(__always) unsafeAddress { unsafe UnsafePointer(pointer) }
    @inline(__always) nonmutating unsafeMutableAddress { unsafe pointer }
  }
}
