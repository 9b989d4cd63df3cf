/// Goes through a chain byte by byte, however the driver has cut it up (virtio 2.7.4: devices must not expect a certain
/// arrangement).
public struct ChainCursor {
  private var chain: DescriptorChain
  /// The driver's memory, which every segment was found to lie in.
  private let memory: MemoryView
  private var segment = Segment(address: 0, length: 0, isWritable: false)
  /// Bytes written so far: what `DeviceQueue.complete` takes.
  public private(set) var written: UInt32 = 0

  public init(_ chain: DescriptorChain, in memory: MemoryView) {
    self.chain = chain
    self.memory = memory
  }

  /// What `DeviceQueue.complete` takes.
  public var head: UInt16 { chain.head }

  /// The rest of the segment that the cursor is in, or the next one; nil at the end. A part that is used is to be `skip`ped.
  @inline(never) public mutating func current() throws(RingFault) -> Segment? {
    while segment.length == 0 {
      guard let next = try chain.segment(in: memory) else { return nil }
      segment = next
    }
    return segment
  }

  /// Goes on by some bytes of the current segment.
  public mutating func skip(_ bytes: UInt32) {
    let bytes = min(bytes, segment.length)
    segment.address &+= UInt64(bytes)
    segment.length &-= bytes
  }

  /// Reads up to `count` bytes of what is readable into `target`; answers how many there were.
  @inline(never) public mutating func read(
    _ count: UInt32, to target: MemoryView, at address: UInt64
  ) throws(RingFault) -> UInt32 {
    var done: UInt32 = 0
    while done < count, let segment = try current(), !segment.isWritable {
      let part = min(segment.length, count &- done)
      memory.copy(UInt64(part), from: segment.address, to: target, at: address &+ UInt64(done))
      skip(part)
      done &+= part
    }
    return done
  }

  /// Writes up to `count` bytes of `source` into what is writable, skipping what is readable; answers how many had room.
  @inline(never) public mutating func write(
    _ count: UInt32, from source: MemoryView, at address: UInt64
  ) throws(RingFault) -> UInt32 {
    var done: UInt32 = 0
    while done < count, let segment = try current() {
      guard segment.isWritable else {
        skip(segment.length)
        continue
      }
      let part = min(segment.length, count &- done)
      source.copy(UInt64(part), from: address &+ UInt64(done), to: memory, at: segment.address)
      skip(part)
      done &+= part
    }
    written &+= done
    return done
  }
}
