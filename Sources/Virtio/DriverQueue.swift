// The driver's side of a split virtqueue (virtio 2.7), in the server's own memory. The device on the other side is the
// board's: it is trusted to reach memory, but nothing that it writes into the used ring makes the server trap or hang.

/// What the device has done with a chain.
public struct UsedChain: Equatable {
  /// The chain's number, as `submit` answered.
  public let head: UInt16
  /// Bytes that the device has written.
  public let length: UInt32
}

/// A queue that the server drives.
public struct DriverQueue {
  private let memory: MemoryView
  /// Descriptors; the available and the used ring lie behind them.
  private let descriptors: UInt64
  private let available: UInt64
  private let used: UInt64
  /// Descriptors: a power of two up to 1024.
  public let size: UInt32
  /// Descriptors that are free; they form a list through their `next`.
  public private(set) var free: UInt32
  private var firstFree: UInt32 = 0
  private var availableIndex: UInt16 = 0
  private var usedIndex: UInt16 = 0
  /// The chain that is being written: none yet, or its first and last descriptor.
  private var first: UInt32
  private var last: UInt32 = 0

  /// Bytes that a queue takes; its alignment is 16.
  public static func bytes(_ size: UInt32) -> UInt64 {
    RingLayout.descriptors(size) &+ (RingLayout.available(size) &+ 15) & ~15 &+ RingLayout.used(size)
  }

  /// - Parameters:
  ///   - memory: the server's own, where the device reaches it.
  ///   - address: of `bytes(size)` bytes in it, a multiple of 16.
  @inline(never) public init(memory: MemoryView, at address: UInt64, size: UInt32) {
    self.memory = memory
    self.size = size
    descriptors = address
    available = address &+ RingLayout.descriptors(size)
    used = available &+ (RingLayout.available(size) &+ 15) & ~15
    free = size
    first = size
    memory.clear(address, count: Self.bytes(size))
    for index in UInt32(0)..<size { setFlags(index, 0, next: index &+ 1) }
  }

  /// Where the device finds the descriptors, the available and the used ring.
  var busDescriptors: UInt64 { memory.busAddress(of: descriptors) }
  var busAvailable: UInt64 { memory.busAddress(of: available) }
  var busUsed: UInt64 { memory.busAddress(of: used) }

  private func place(_ index: UInt32) -> UInt64 { descriptors &+ UInt64(index) &* 16 }

  private func setFlags(_ index: UInt32, _ flags: UInt32, next: UInt32) {
    memory.ringStore32(place(index) &+ 12, flags | next &<< 16)
  }

  private func next(_ index: UInt32) -> UInt32 { memory.ringLoad32(place(index) &+ 12) &>> 16 }

  /// Adds a stretch of memory to the chain that is being written; the caller has seen that a descriptor is free.
  ///
  /// - Parameter address: on the bus.
  @inline(never) public mutating func append(_ address: UInt64, _ length: UInt32, isWritable: Bool) {
    guard free != 0 else { return }
    let index = firstFree
    firstFree = next(index)
    free &-= 1
    memory.ringStore64(place(index), address)
    memory.ringStore32(place(index) &+ 8, length)
    setFlags(index, isWritable ? DescriptorFlag.writable : 0, next: size)
    if first == size {
      first = index
    } else {
      let flags = memory.ringLoad32(place(last) &+ 12) & DescriptorFlag.writable
      setFlags(last, flags | DescriptorFlag.next, next: index)
    }
    last = index
  }

  /// Makes the chain available and answers its number; nil where nothing was added.
  @inline(never) public mutating func submit() -> UInt16? {
    guard first < size else { return nil }
    let head = UInt16(truncatingIfNeeded: first)
    let entry = UInt64(UInt32(availableIndex) & (size &- 1)) &* 2
    memory.ringStore16(available &+ RingLayout.entries &+ entry, head)
    availableIndex &+= 1
    memory.ringRelease16(available &+ RingLayout.index, availableIndex)
    first = size
    return head
  }

  /// Gives up the chain that is being written.
  @inline(never) public mutating func abandon() {
    if first < size { release(first) }
    first = size
  }

  /// Whether the device has used more.
  public var hasUsed: Bool { memory.ringLoad16(used &+ RingLayout.index) != usedIndex }

  /// Takes the next chain that the device has used; its descriptors are free again.
  @inline(never) public mutating func takeUsed() -> UsedChain? {
    guard memory.ringAcquire16(used &+ RingLayout.index) != usedIndex else { return nil }
    let entry = used &+ RingLayout.entries &+ UInt64(UInt32(usedIndex) & (size &- 1)) &* 8
    let head = memory.ringLoad32(entry)
    usedIndex &+= 1
    guard head < size else { return nil }
    release(head)
    return UsedChain(head: UInt16(truncatingIfNeeded: head), length: memory.ringLoad32(entry &+ 4))
  }

  /// Puts a chain's descriptors back into the list. A device that names a chain twice cannot make this endless, nor the list
  /// longer than the queue.
  @inline(never) private mutating func release(_ head: UInt32) {
    var index = head
    while free < size, index < size {
      let word = memory.ringLoad32(place(index) &+ 12)
      setFlags(index, 0, next: firstFree)
      firstFree = index
      free &+= 1
      guard word & DescriptorFlag.next != 0 else { return }
      index = word &>> 16
    }
  }

  /// Tells the device whether to interrupt when it has used a chain. After asking for it, look at `hasUsed` once more.
  public func setInterrupting(_ wanted: Bool) {
    memory.ringStore16(available, wanted ? 0 : RingLayout.isQuiet)
  }

  /// Whether the device wants to be notified of new chains. The caller has put a full barrier between `submit` and this.
  public var wantsNotification: Bool { memory.ringLoad16(used) & RingLayout.isQuiet == 0 }
}
