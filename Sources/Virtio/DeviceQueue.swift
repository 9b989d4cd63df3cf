// The device's side of a split virtqueue (virtio 2.7). The other side is hostile: everything in the rings is read once,
// checked, and used.

/// Where a queue's rings lie and how far it is. The value survives a restart of the server: it goes on at `used`, and
/// what was taken and not yet used is taken again.
public struct DeviceQueue: BitwiseCopyable {
  /// Addresses in the driver's memory: descriptors, available ring, used ring.
  public internal(set) var descriptors: UInt64 = 0
  public internal(set) var available: UInt64 = 0
  public internal(set) var usedRing: UInt64 = 0
  /// Descriptors: a power of two.
  public internal(set) var size: UInt32 = 0
  /// 1: the driver has handed it over. A number, as what survived a restart may be any pattern.
  public internal(set) var ready: UInt32 = 0
  /// Chains taken from the available ring, and put into the used ring. Both wrap at 2¹⁶.
  public private(set) var taken: UInt16 = 0
  public private(set) var used: UInt16 = 0

  public init() {}

  public var isReady: Bool { ready == 1 }

  /// Chains that were taken and are not yet used.
  public var inFlight: UInt16 { taken &- used }

  /// Whether the rings are aligned and lie in the memory.
  @inline(never) func isSound(in memory: MemoryView) -> Bool {
    size != 0 && size & (size &- 1) == 0 && size <= 0x8000
      && descriptors & 15 == 0 && available & 1 == 0 && usedRing & 3 == 0
      && memory.contains(descriptors, count: RingLayout.descriptors(size))
      && memory.contains(available, count: RingLayout.available(size))
      && memory.contains(usedRing, count: RingLayout.used(size))
  }

  /// Goes on after a restart of the server: what was in flight is taken again. Says once more how far it is, as the server
  /// may have stopped between remembering and saying it.
  mutating func resume(in memory: MemoryView) {
    taken = used
    if isReady { memory.ringRelease16(usedRing &+ RingLayout.index, used) }
  }

  /// Whether the driver has made more available than was taken.
  @inline(never) public func hasAvailable(in memory: MemoryView) -> Bool {
    isReady && memory.ringAcquire16(available &+ RingLayout.index) != taken
  }

  /// Takes the next chain, or nil where there is none.
  @inline(never) public mutating func take(from memory: MemoryView) throws(RingFault) -> DescriptorChain? {
    guard isReady else { return nil }
    let pending = memory.ringAcquire16(available &+ RingLayout.index) &- taken
    guard pending != 0 else { return nil }
    guard UInt32(pending) &+ UInt32(inFlight) <= size else { throw .index }
    let place = UInt64(UInt32(taken) & (size &- 1))
    let head = memory.ringLoad16(available &+ RingLayout.entries &+ place &* 2)
    guard UInt32(head) < size else { throw .descriptor }
    taken &+= 1
    return DescriptorChain(head: head, queue: self)
  }

  /// Gives the chain taken last back, to be taken again.
  public mutating func putBack() { if inFlight != 0 { taken &-= 1 } }

  /// Hands a chain back to the driver. The order must be the one in which chains were taken.
  ///
  /// - Parameter length: bytes written into it.
  @inline(never) public mutating func complete(_ head: UInt16, length: UInt32, in memory: MemoryView) {
    guard isReady, inFlight != 0 else { return }
    let entry = usedRing &+ RingLayout.entries &+ UInt64(UInt32(used) & (size &- 1)) &* 8
    memory.ringStore32(entry, UInt32(head))
    memory.ringStore32(entry &+ 4, length)
    used &+= 1
    memory.ringRelease16(usedRing &+ RingLayout.index, used)
  }

  /// Whether the driver wants an interrupt for what is used now (VIRTQ_AVAIL_F_NO_INTERRUPT). A driver that has just asked
  /// for one looks at the used ring afterwards, so reading the flag behind the index loses none.
  @inline(never) public func wantsInterrupt(in memory: MemoryView) -> Bool {
    memory.ringLoad16(available) & RingLayout.isQuiet == 0
  }
}

/// A chain of descriptors, read step by step.
public struct DescriptorChain {
  /// What `complete` takes.
  public let head: UInt16
  private let descriptors: UInt64
  private let size: UInt32
  /// The next descriptor; `size` at the end.
  private var next: UInt32
  private var steps: UInt32 = 0
  private var hasWritable = false

  init(head: UInt16, queue: DeviceQueue) {
    self.head = head
    descriptors = queue.descriptors
    size = queue.size
    next = UInt32(head)
  }

  /// The next stretch of memory, which lies inside of `memory`; nil at the end. At most as many as the queue is long.
  @inline(never) public mutating func segment(in memory: MemoryView) throws(RingFault) -> Segment? {
    guard next < size else { return nil }
    guard steps < size else { throw .loop }
    steps &+= 1
    let place = descriptors &+ UInt64(next) &* RingLayout.descriptorSize
    let address = memory.ringLoad64(place)
    let word = memory.ringLoad64(place &+ 8)
    let segment = Segment(
      address: address, length: UInt32(truncatingIfNeeded: word),
      isWritable: word &>> 32 & UInt64(DescriptorFlag.writable) != 0)
    try follow(UInt32(truncatingIfNeeded: word &>> 32))
    guard memory.contains(address, count: UInt64(segment.length)) else { throw .memory }
    guard segment.isWritable || !hasWritable else { throw .order }
    hasWritable = segment.isWritable
    return segment
  }

  /// - Parameter word: flags in the lower half, the next descriptor in the upper one.
  private mutating func follow(_ word: UInt32) throws(RingFault) {
    guard word & DescriptorFlag.indirect == 0 else { throw .indirect }
    guard word & DescriptorFlag.next != 0 else {
      next = size
      return
    }
    next = word &>> 16
    guard next < size else { throw .descriptor }
  }
}
