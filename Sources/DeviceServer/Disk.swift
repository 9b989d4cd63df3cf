// The board's disk: a virtio block device (virtio 5.2) that the clients' requests go to. Their data does not pass through
// the server: the disk's descriptors name the clients' buffers.

import Drivers
import Virtio

/// Numbers of a block device (virtio 5.2).
enum BlockDevice {
  static let segmentLimitFeature: UInt64 = 1 << 2
  static let readOnlyFeature: UInt64 = 1 << 5
  static let blockSizeFeature: UInt64 = 1 << 6
  static let flushFeature: UInt64 = 1 << 9

  static let capacity: UInt32 = 0
  static let segmentLimit: UInt32 = 12
  static let blockSize: UInt32 = 20

  static let read: UInt32 = 0
  static let write: UInt32 = 1
  static let flush: UInt32 = 4
  static let identify: UInt32 = 8

  static let done: UInt8 = 0
  static let error: UInt8 = 1
  static let unsupported: UInt8 = 2
  /// What no device answers: the place of an answer that has not come.
  static let unanswered: UInt8 = 0xFF

  static let headerSize: UInt32 = 16
  static let identitySize: UInt32 = 20
  /// Bytes of a sector, the unit of all numbers here, whatever the disk's blocks are.
  static let sector: UInt64 = 512
}

/// A request of a client that is not answered yet.
struct DiskRequest: BitwiseCopyable {
  /// The client; 8: the server itself.
  var client: UInt32 = 0
  /// Of the client's chain.
  var head: UInt16 = 0
  /// 1: `status` is known, and the client may be told in its turn.
  var isDone: UInt8 = 0
  var status: UInt8 = 0
  /// The slot of the client's next request; `Disk.noSlot` at the end.
  var next: UInt32 = 0
  /// Bytes that the client gets, the status included, if all goes well.
  var length: UInt32 = 0
  /// Where the client wants its status.
  var statusAddress: UInt64 = 0
  /// First sector, for reports.
  var sector: UInt64 = 0
}

/// Slots of requests at the disk.
enum DiskSlot {
  static let count = 64
  /// No slot.
  static let none: UInt32 = 64
}

/// The slots of one client's requests, oldest first: they are answered in this order.
struct RequestOrder: BitwiseCopyable {
  var first = DiskSlot.none
  var last = DiskSlot.none
}

/// The board's disk and what is in flight at it.
struct Disk<Registers: DeviceRegisters> {
  static var queueSize: UInt32 { 512 }
  /// Bytes of a slot in `headers`: the request's header and behind it the status.
  private static var headerStride: UInt64 { 32 }

  let transport: DriverTransport<Registers>
  /// Bit of its interrupt in `ServerEvents.devices`.
  let interrupt: UInt64
  var queue: DriverQueue
  private let requests: Resident<InlineArray<64, DiskRequest>>
  /// By client; mask it with 7.
  var orders = InlineArray<8, RequestOrder>(repeating: RequestOrder())
  /// Slots that are free, a bit each.
  private var freeSlots: UInt64 = ~0
  private let memory: MemoryView
  private let headers: UInt64
  /// The slot of each chain in the queue, a byte each.
  private let slots: UInt64
  /// Sectors.
  let capacity: UInt64
  /// Bytes of a block.
  let blockSize: UInt32
  let isReadOnly: Bool
  let canFlush: Bool
  /// Chains were submitted that the disk was not told of.
  var hasNews = false
  /// Clients with requests that are answered and not yet told, a bit each.
  var answered: UInt32 = 0
  /// Clients with requests that found no room, a bit each.
  var waiting: UInt32 = 0

  /// Starts the disk; nil where memory is short.
  init?(
    _ transport: DriverTransport<Registers>, interrupt: UInt64, arena: inout Arena
  ) throws(DriverError) {
    let wanted =
      Feature.version1 | BlockDevice.flushFeature | BlockDevice.blockSizeFeature | BlockDevice.readOnlyFeature
    let features = try transport.negotiate(wanted: wanted, required: Feature.version1)
    guard let rings = arena.take(DriverQueue.bytes(Self.queueSize)),
      let headers = arena.take(UInt64(DiskSlot.count) &* Self.headerStride),
      let slots = arena.take(UInt64(Self.queueSize)),
      let requests = arena.take(of: InlineArray<64, DiskRequest>(repeating: DiskRequest()))
    else { return nil }
    self.transport = transport
    self.interrupt = interrupt
    self.requests = requests
    self.headers = headers
    self.slots = slots
    memory = arena.memory
    queue = DriverQueue(memory: arena.memory, at: rings, size: Self.queueSize)
    try transport.install(queue, as: 0)
    transport.start()
    capacity = transport.configuration64(BlockDevice.capacity)
    let hasBlockSize = features & BlockDevice.blockSizeFeature != 0
    let size = hasBlockSize ? transport.configuration32(BlockDevice.blockSize) : 512
    blockSize = size >= 512 && size <= 4096 && size & (size &- 1) == 0 ? size : 512
    isReadOnly = features & BlockDevice.readOnlyFeature != 0
    canFlush = features & BlockDevice.flushFeature != 0
  }

  /// The request in a slot.
  subscript(slot: UInt32) -> DiskRequest {
    @inline(__always) get { requests.value[Int(slot & 63)] }
    @inline(__always) nonmutating set { requests.value[Int(slot & 63)] = newValue }
    @inline(__always) nonmutating _modify { yield &requests.value[Int(slot & 63)] }
  }

  /// Sectors of a block.
  var sectorsPerBlock: UInt64 { UInt64(blockSize) / BlockDevice.sector }

  /// Whether a request of up to `segments` segments can be taken.
  func hasRoom(segments: UInt32) -> Bool { freeSlots != 0 && queue.free >= segments &+ 2 }

  /// Takes a slot for the next request of a client; the caller has seen that there is room.
  mutating func takeSlot(client: UInt32, head: UInt16) -> UInt32 {
    let slot = UInt32(freeSlots.trailingZeroBitCount) & 63
    freeSlots &= freeSlots &- 1
    self[slot] = DiskRequest(client: client, head: head, next: DiskSlot.none)
    guard client < 8 else { return slot }
    let last = orders[Int(client & 7)].last
    if last == DiskSlot.none {
      orders[Int(client & 7)].first = slot
    } else {
      self[last].next = slot
    }
    orders[Int(client & 7)].last = slot
    return slot
  }

  /// Whether requests of a client are in flight.
  func isBusy(_ client: Int) -> Bool { orders[client & 7].first != DiskSlot.none }

  /// Takes the oldest request out of a client's order if its answer is known.
  mutating func retire(_ client: Int) -> DiskRequest? {
    let slot = orders[client & 7].first
    guard slot < DiskSlot.none, self[slot].isDone != 0 else { return nil }
    orders[client & 7].first = self[slot].next
    if self[slot].next == DiskSlot.none { orders[client & 7].last = DiskSlot.none }
    release(slot)
    return self[slot]
  }

  mutating func release(_ slot: UInt32) { freeSlots |= 1 &<< UInt64(slot & 63) }

  /// Where the header of a slot's request lies in the server's memory, 16 bytes.
  func header(_ slot: UInt32) -> UInt64 { headers &+ UInt64(slot & 63) &* Self.headerStride }

  /// Begins the chain of a slot's request.
  mutating func begin(_ slot: UInt32) {
    memory.store8(header(slot) &+ 16, BlockDevice.unanswered)
    queue.append(memory.busAddress(of: header(slot)), BlockDevice.headerSize, isWritable: false)
  }

  /// Writes the header, and submits the chain.
  mutating func submit(_ slot: UInt32, kind: UInt32, sector: UInt64) {
    let header = header(slot)
    memory.store32(header, kind)
    memory.store32(header &+ 4, 0)
    memory.store64(header &+ 8, sector)
    self[slot].sector = sector
    queue.append(memory.busAddress(of: header &+ 16), 1, isWritable: true)
    guard let head = queue.submit() else { return }
    memory.store8(slots &+ UInt64(head), UInt8(truncatingIfNeeded: slot))
    hasNews = true
  }

  /// Takes the slot of the next request that the disk has answered, its status filled in.
  mutating func takeAnswered() -> UInt32? {
    guard let used = queue.takeUsed() else { return nil }
    let slot = UInt32(memory.load8(slots &+ UInt64(used.head))) & 63
    finish(slot, memory.load8(header(slot) &+ 16))
    return slot
  }

  /// The answer of a slot's request is known.
  func finish(_ slot: UInt32, _ status: UInt8) {
    self[slot].isDone = 1
    self[slot].status = status
  }
}
