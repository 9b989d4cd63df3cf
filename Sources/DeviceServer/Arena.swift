import Virtio

/// The server's own memory, given away piece by piece; nothing comes back.
public struct Arena {
  public let memory: MemoryView
  private var next: UInt64

  /// - Parameter memory: where devices reach it too.
  public init(_ memory: MemoryView) {
    self.memory = memory
    next = memory.start
  }

  /// Zeroed bytes at a multiple of `alignment` (a power of two); nil where not so many are left.
  public mutating func take(_ bytes: UInt64, alignment: UInt64 = 16) -> UInt64? {
    let address = (next &+ alignment &- 1) & ~(alignment &- 1)
    guard memory.contains(address, count: bytes) else { return nil }
    next = address &+ bytes
    memory.clear(address, count: bytes)
    return address
  }

  /// Room for values; nil where there is none.
  public mutating func take<Value>(of value: Value) -> Resident<Value>? {
    guard let address = take(UInt64(MemoryLayout<Value>.stride), alignment: 64),
      let pointer = unsafe memory.pointer(address, as: Value.self)
    else { return nil }
    unsafe pointer.initialize(to: value)
    return unsafe Resident(pointer)
  }
}
