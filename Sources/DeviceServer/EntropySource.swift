// The board's source of random numbers: a virtio entropy device (virtio 5.4). The server keeps a few bytes at hand; no byte
// is given out twice.

import Drivers
import Virtio

/// A pool of random bytes.
struct EntropySource<Registers: DeviceRegisters> {
  static var poolSize: UInt32 { 256 }

  let transport: DriverTransport<Registers>
  /// Bit of its interrupt in `ServerEvents.devices`.
  let interrupt: UInt64
  /// Where the pool lies in the server's memory.
  let pool: UInt64
  /// Bytes of it that are fresh, the last ones before `end`.
  private(set) var count: UInt32 = 0
  private var end: UInt32 = 0
  /// Clients that wait for bytes.
  var waiting: UInt32 = 0
  private var queue: DriverQueue
  private var isAsked = false
  private let memory: MemoryView

  /// nil where memory is short.
  init?(
    _ transport: DriverTransport<Registers>, interrupt: UInt64, arena: inout Arena
  ) throws(DriverError) {
    _ = try transport.negotiate(wanted: Feature.version1, required: Feature.version1)
    guard let rings = arena.take(DriverQueue.bytes(2)), let pool = arena.take(UInt64(Self.poolSize))
    else { return nil }
    self.transport = transport
    self.interrupt = interrupt
    self.pool = pool
    memory = arena.memory
    queue = DriverQueue(memory: arena.memory, at: rings, size: 2)
    try transport.install(queue, as: 0)
    transport.start()
  }

  /// Where the next fresh byte lies.
  var next: UInt64 { pool &+ UInt64(end &- count) }

  /// Forgets bytes that were given out.
  mutating func consume(_ bytes: UInt32) {
    memory.clear(next, count: UInt64(bytes))
    count &-= min(bytes, count)
  }

  /// Asks the device to fill the pool, which is empty.
  mutating func ask() {
    guard !isAsked, count == 0 else { return }
    isAsked = true
    queue.append(memory.busAddress(of: pool), Self.poolSize, isWritable: true)
    _ = queue.submit()
    transport.notify(0)
  }

  /// Takes what the device gave; false where it has given nothing.
  mutating func refill() -> Bool {
    guard let used = queue.takeUsed() else { return false }
    isAsked = false
    end = min(used.length, Self.poolSize)
    count = end
    return true
  }
}
