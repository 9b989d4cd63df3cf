// A client's block device: its partition of the disk.

import Appliance
import Virtio

/// What a client asks of its block device.
private struct BlockRequest {
  var kind: UInt32 = 0
  /// Of the client's partition.
  var sector: UInt64 = 0
  /// Bytes that the client gives and bytes that it wants, without header and status.
  var given: UInt64 = 0
  var wanted: UInt64 = 0
  /// Data segments.
  var segments: UInt32 = 0
  /// The first segment that the client wants data in.
  var target = Segment(address: 0, length: 0, isWritable: true)
  var statusAddress: UInt64 = 0
}

extension DeviceServer {
  typealias DiskReference = Resident<Disk<Machine.Registers>>

  private static var blockQueueSize: UInt32 { 128 }
  /// Data segments of a request: what SEG_MAX says.
  private static var segmentLimit: UInt32 { 62 }
  /// Requests that are taken from a client in a turn.
  private static var blockTurn: Int { 32 }

  func offerBlock(_ client: Int) -> DeviceOffer {
    guard let disk, partitions[client & 7].count != 0 else { return .none }
    var features = BlockDevice.segmentLimitFeature | BlockDevice.blockSizeFeature
    if disk.value.canFlush { features |= BlockDevice.flushFeature }
    if isReadOnly(client, disk) { features |= BlockDevice.readOnlyFeature }
    return DeviceOffer(
      device: DeviceKind.block, features: features, queues: 1, queueSize: Self.blockQueueSize)
  }

  private func isReadOnly(_ client: Int, _ disk: DiskReference) -> Bool {
    clients[client & 7].description.isReadOnly || disk.value.isReadOnly
  }

  func configureBlock(_ client: Int) {
    guard let disk, partitions[client & 7].count != 0 else { return }
    let registers = clients[client & 7].page.place(Place.block)
    let base = UInt64(TransportRegister.configuration)
    let sectors = partitions[client & 7].count &* disk.value.sectorsPerBlock
    registers.store64(base &+ UInt64(BlockDevice.capacity), sectors)
    registers.store32(base &+ UInt64(BlockDevice.segmentLimit), Self.segmentLimit)
    registers.store32(base &+ UInt64(BlockDevice.blockSize), disk.value.blockSize)
  }

  /// Takes what the client has asked for, as far as the disk has room. Answers whether there may be more.
  func serveBlock(_ client: Int) throws(RingFault) -> Bool {
    guard let disk else { return false }
    let memory = clients[client & 7].memory
    for _ in 0..<Self.blockTurn {
      guard disk.value.hasRoom(segments: Self.blockQueueSize) else {
        disk.value.waiting |= 1 &<< UInt32(client)
        return false
      }
      let chain = try clients[client & 7].kept.value.places[Place.block].queues[0].take(from: memory)
      guard let chain else { return false }
      try begin(client, chain, disk)
    }
    return true
  }

  /// Gives a request to the disk, or answers it here.
  private func begin(_ client: Int, _ chain: DescriptorChain, _ disk: DiskReference) throws(RingFault) {
    let slot = disk.value.takeSlot(client: UInt32(client), head: chain.head)
    disk.value.begin(slot)
    do {
      let request = try read(client, chain, slot, disk)
      disk.value[slot].statusAddress = request.statusAddress
      perform(client, request, slot, disk)
    } catch {
      answer(slot, BlockDevice.error, disk)
      throw error
    }
  }

  /// Reads a request's header, and gives its data to the disk's queue as it comes by. The last byte is the status.
  private func read(
    _ client: Int, _ chain: DescriptorChain, _ slot: UInt32, _ disk: DiskReference
  ) throws(RingFault) -> BlockRequest {
    let memory = clients[client & 7].memory
    var cursor = ChainCursor(chain, in: memory)
    let header = disk.value.header(slot)
    let length = try cursor.read(BlockDevice.headerSize, to: self.memory.own, at: header)
    guard length == BlockDevice.headerSize else { throw .content }
    var request = BlockRequest()
    request.kind = self.memory.own.load32(header)
    request.sector = self.memory.own.load64(header &+ 8)
    var held = Segment(address: 0, length: 0, isWritable: false)
    while let segment = try cursor.current() {
      append(held, to: &request, memory, disk)
      held = segment
      cursor.skip(segment.length)
    }
    guard held.isWritable else { throw .content }
    held.length &-= 1
    request.statusAddress = held.address &+ UInt64(held.length)
    append(held, to: &request, memory, disk)
    return request
  }

  private func append(
    _ segment: Segment, to request: inout BlockRequest, _ memory: MemoryView, _ disk: DiskReference
  ) {
    guard segment.length != 0 else { return }
    if segment.isWritable {
      if request.wanted == 0 { request.target = segment }
      request.wanted &+= UInt64(segment.length)
    } else {
      request.given &+= UInt64(segment.length)
    }
    request.segments &+= 1
    disk.value.queue.append(
      memory.busAddress(of: segment.address), segment.length, isWritable: segment.isWritable)
  }

  /// Decides what a request's answer is, or that the disk knows it.
  private func perform(_ client: Int, _ request: BlockRequest, _ slot: UInt32, _ disk: DiskReference) {
    switch request.kind {
    case BlockDevice.read where request.given == 0:
      transfer(client, request, slot, bytes: request.wanted, disk)
    case BlockDevice.write where request.wanted == 0 && !isReadOnly(client, disk):
      transfer(client, request, slot, bytes: request.given, disk)
    case BlockDevice.read, BlockDevice.write:
      answer(slot, BlockDevice.error, disk)
    case BlockDevice.flush where request.given | request.wanted == 0 && disk.value.canFlush:
      disk.value[slot].length = 1
      disk.value.submit(slot, kind: BlockDevice.flush, sector: 0)
    case BlockDevice.identify where request.target.length >= BlockDevice.identitySize:
      identify(client, request, slot, disk)
    default:
      answer(slot, BlockDevice.unsupported, disk)
    }
  }

  /// Whole sectors, all of them in the client's partition.
  private func transfer(
    _ client: Int, _ request: BlockRequest, _ slot: UInt32, bytes: UInt64, _ disk: DiskReference
  ) {
    let partition = partitions[client & 7]
    let sectorsPerBlock = disk.value.sectorsPerBlock
    let count = bytes / BlockDevice.sector
    let size = partition.count &* sectorsPerBlock
    guard bytes != 0, bytes % BlockDevice.sector == 0, bytes < 1 << 31,
      request.segments <= Self.segmentLimit, count <= size, request.sector <= size &- count
    else { return answer(slot, BlockDevice.error, disk) }
    disk.value[slot].length = UInt32(truncatingIfNeeded: request.wanted &+ 1)
    disk.value.submit(
      slot, kind: request.kind, sector: partition.first &* sectorsPerBlock &+ request.sector)
  }

  /// The partition's name stands for a serial number.
  private func identify(_ client: Int, _ request: BlockRequest, _ slot: UInt32, _ disk: DiskReference) {
    let name = clients[client & 7].description.partition
    for index in 0..<Int(BlockDevice.identitySize) {
      let character = index < name.length ? tree.byte(at: name.offset &+ index) : 0
      clients[client & 7].memory.store8(request.target.address &+ UInt64(index), character)
    }
    disk.value[slot].length = BlockDevice.identitySize &+ 1
    answer(slot, BlockDevice.done, disk)
  }

  /// Answers a request without the disk, in its turn.
  private func answer(_ slot: UInt32, _ status: UInt8, _ disk: DiskReference) {
    disk.value.queue.abandon()
    disk.value.finish(slot, status)
    disk.value.answered |= 1 &<< (disk.value[slot].client & 7)
  }

  /// Takes the disk's answers.
  mutating func pollDisk() {
    guard let disk else { return }
    while let slot = disk.value.takeAnswered() {
      disk.value.answered |= 1 &<< (disk.value[slot].client & 7)
      if disk.value[slot].status != BlockDevice.done { reportDiskError(disk.value[slot]) }
    }
    deliverAnswers(disk)
  }

  /// Hands the clients what is answered, each in the order in which it asked.
  private mutating func deliverAnswers(_ disk: DiskReference) {
    var left = disk.value.answered
    guard left != 0 else { return }
    disk.value.answered = 0
    while left != 0 {
      let client = left.trailingZeroBitCount
      left &= left &- 1
      deliverAnswers(client, disk)
    }
    let waiting = disk.value.waiting
    disk.value.waiting = 0
    for client in 0..<8 where waiting &>> UInt32(client) & 1 != 0 {
      clients[client].doorbells |= 1 &<< UInt64(Place.block &* 8)
    }
  }

  /// A client that does not run any more, or broke the rules, gets nothing.
  private mutating func deliverAnswers(_ client: Int, _ disk: DiskReference) {
    let memory = clients[client & 7].memory
    let isLive = isServing(client, Place.block)
    var isUsed = false
    while let request = disk.value.retire(client) {
      guard isLive else { continue }
      memory.store8(request.statusAddress, request.status)
      let isDone = request.status == BlockDevice.done
      clients[client & 7].kept.value.places[Place.block].queues[0].complete(
        request.head, length: isDone ? max(request.length, 1) : 1, in: memory)
      isUsed = true
    }
    if isUsed { raiseIfWanted(client, Place.block, queue: 0) }
  }

  private mutating func reportDiskError(_ request: DiskRequest) {
    guard mayReport() else { return }
    machine.write("steward: disk error, sector ")
    machine.write(decimal: request.sector)
    machine.write(", VM ")
    machine.write(decimal: UInt64(request.client))
    machine.write("\n")
  }

  /// Tells the disk of what it was given in this turn, and the clients what was answered without it.
  mutating func finishDisk() {
    guard let disk else { return }
    deliverAnswers(disk)
    guard disk.value.hasNews else { return }
    disk.value.hasNews = false
    machine.barrier()
    if disk.value.queue.wantsNotification { disk.value.transport.notify(0) }
  }
}
