import Virtio

/// The last bytes of a stream: byte n of the stream lies at n modulo the ring's size.
struct ConsoleRing: BitwiseCopyable {
  /// From address 0 on; its size is a power of two.
  private let memory: MemoryView

  init(_ memory: MemoryView) { self.memory = memory }

  /// Bytes that it keeps.
  var capacity: UInt64 { memory.size }

  private func place(_ position: UInt64) -> UInt64 { position & (memory.size &- 1) }

  /// Bytes from a position on that lie one behind the other, `count` at most.
  private func run(_ position: UInt64, _ count: UInt64) -> UInt64 {
    min(count, memory.size &- place(position))
  }

  func byte(at position: UInt64) -> UInt8 { memory.load8(place(position)) }

  func store(_ byte: UInt8, at position: UInt64) { memory.store8(place(position), byte) }

  /// Keeps bytes from `position` of the stream on; of more than the ring's size only the last.
  func store(_ count: UInt64, from source: MemoryView, at address: UInt64, position: UInt64) {
    let lost = count &- min(count, memory.size)
    var (address, position, left) = (address &+ lost, position &+ lost, count &- lost)
    while left != 0 {
      let part = run(position, left)
      source.copy(part, from: address, to: memory, at: place(position))
      address &+= part
      position &+= part
      left &-= part
    }
  }

  /// Writes up to `count` bytes from a position on into a chain; answers how many had room.
  func write(_ count: UInt64, at position: UInt64, to chain: inout ChainCursor) throws(RingFault) -> UInt64 {
    var done: UInt64 = 0
    while done < count {
      let part = run(position &+ done, count &- done)
      let written = try chain.write(
        UInt32(truncatingIfNeeded: part), from: memory, at: place(position &+ done))
      done &+= UInt64(written)
      if UInt64(written) < part { break }
    }
    return done
  }
}
