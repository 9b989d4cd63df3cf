// A client's input device at its queues: events go into buffers that the driver provides; what the driver says about lamps
// is taken and forgotten.

import Virtio

extension DeviceQueue {
  /// Says what a line has to say, as far as there are buffers. Answers whether anything was said.
  mutating func say(_ line: inout InputLine, in memory: MemoryView) throws(RingFault) -> Bool {
    var hasSaid = false
    while !line.isEmpty, var chain = try take(from: memory) {
      guard let segment = try chain.segment(in: memory), segment.isWritable,
        segment.length >= InputEvent.size
      else { throw .content }
      Self.write(line.next, at: segment.address, in: memory)
      complete(chain.head, length: UInt32(InputEvent.size), in: memory)
      line.removeFirst()
      hasSaid = true
    }
    return hasSaid
  }

  /// Byte by byte: the driver may align it as it likes.
  private static func write(_ event: InputEvent, at address: UInt64, in memory: MemoryView) {
    for byte in 0..<InputEvent.size {
      memory.store8(address &+ byte, UInt8(truncatingIfNeeded: event.rawValue &>> (byte &* 8)))
    }
  }

  /// Takes what the driver says, at most `limit` chains, and forgets it. Answers how many there were.
  mutating func forget(limit: Int, in memory: MemoryView) throws(RingFault) -> Int {
    var count = 0
    while count < limit, let chain = try take(from: memory) {
      complete(chain.head, length: 0, in: memory)
      count &+= 1
    }
    return count
  }
}
