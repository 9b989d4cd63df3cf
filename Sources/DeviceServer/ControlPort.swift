// One line to the host: bytes that arrive, one by one, and frames that leave, each in a buffer of its own.

import ControlProtocol
import Virtio

/// What one tool on the host has asked for.
struct ControlSession: BitwiseCopyable {
  var reader = FrameReader()
  /// The client whose console is watched; 8: none.
  var watched = 8
  /// The next byte of it that the tool is to get.
  var position: UInt64 = 0
  /// Of the request.
  var tag: UInt16 = 0
}

/// Writes a frame into a buffer.
struct ControlBuffer: ByteSink {
  let memory: MemoryView
  let address: UInt64
  private(set) var count: UInt64 = 0

  init(_ memory: MemoryView, at address: UInt64) {
    self.memory = memory
    self.address = address
  }

  /// Bytes behind what a frame may have are dropped: there are none.
  @inline(__always) mutating func append(_ byte: UInt8) {
    guard count < UInt64(FrameSize.line) else { return }
    memory.store8(address &+ count, byte)
    count &+= 1
  }
}

/// The queues of a port, and its session.
struct ControlPort {
  static var receiveCount: UInt32 { 4 }
  private static var receiveSize: UInt64 { 256 }
  static var transmitCount: UInt32 { 8 }
  private static var transmitSize: UInt64 { UInt64(FrameSize.line + 15) & ~15 }

  private let memory: MemoryView
  private(set) var receive: DriverQueue
  private(set) var transmit: DriverQueue
  private let receiveBuffers: UInt64
  private let transmitBuffers: UInt64
  /// The buffer of each chain that leaves, and those that are free, a bit each.
  private var buffers = InlineArray<8, UInt8>(repeating: 0)
  private var freeBuffers: UInt32 = 0xFF
  /// What arrived last, as far as it was not looked at: a chain, and bytes in it from `position` to `end`.
  private var head: UInt16 = 0
  private var position: UInt64 = 0
  private var end: UInt64 = 0
  var session = ControlSession()
  /// It has our name: the host's tool is at its other end.
  var isNamed = false
  var hasReceiveNews = false
  var hasTransmitNews = false

  /// nil where memory is short.
  init?(_ arena: inout Arena) {
    guard let receive = arena.take(DriverQueue.bytes(Self.receiveCount)),
      let transmit = arena.take(DriverQueue.bytes(Self.transmitCount)),
      let receiveBuffers = arena.take(UInt64(Self.receiveCount) &* Self.receiveSize),
      let transmitBuffers = arena.take(UInt64(Self.transmitCount) &* Self.transmitSize)
    else { return nil }
    memory = arena.memory
    self.receive = DriverQueue(memory: arena.memory, at: receive, size: Self.receiveCount)
    self.transmit = DriverQueue(memory: arena.memory, at: transmit, size: Self.transmitCount)
    self.receiveBuffers = receiveBuffers
    self.transmitBuffers = transmitBuffers
  }

  /// Makes the queues ready to be installed.
  mutating func start() {
    for head in 0..<UInt16(Self.receiveCount) { give(head) }
    transmit.setInterrupting(false)
  }

  // MARK: What arrives

  private func receiveBuffer(_ head: UInt16) -> UInt64 {
    receiveBuffers &+ UInt64(head & 3) &* Self.receiveSize
  }

  /// Gives the device a buffer. The descriptor that became free last is used first, so a buffer keeps its number.
  private mutating func give(_ head: UInt16) {
    receive.append(
      memory.busAddress(of: receiveBuffer(head)), UInt32(truncatingIfNeeded: Self.receiveSize),
      isWritable: true)
    _ = receive.submit()
    hasReceiveNews = true
  }

  /// Whether something can be looked at now.
  var hasMore: Bool { isNamed && hasRoom && (position < end || receive.hasUsed) }

  /// The next byte that arrived.
  mutating func next() -> UInt8? {
    while position == end {
      guard let used = receive.takeUsed() else { return nil }
      head = used.head
      position = 0
      end = min(UInt64(used.length), Self.receiveSize)
      if end == 0 { give(head) }
    }
    let byte = memory.load8(receiveBuffer(head) &+ position)
    position &+= 1
    if position == end { give(head) }
    return byte
  }

  // MARK: What leaves

  /// Takes buffers back that the device has sent. Where none is left it is asked to interrupt.
  mutating func reclaim() {
    while let used = transmit.takeUsed() { freeBuffers |= 1 &<< UInt32(buffers[Int(used.head & 7)] & 7) }
    transmit.setInterrupting(!hasRoom)
  }

  /// Whether a frame can be sent; one more is kept for answers.
  var hasRoom: Bool { freeBuffers != 0 && transmit.free != 0 }
  var hasRoomForOutput: Bool { freeBuffers & (freeBuffers &- 1) != 0 && transmit.free > 1 }

  /// Where the next frame is to be written; the caller has seen that there is room.
  func buffer() -> ControlBuffer {
    let index = UInt64(freeBuffers.trailingZeroBitCount & 7)
    return ControlBuffer(memory, at: transmitBuffers &+ index &* Self.transmitSize)
  }

  /// Sends what was written there.
  mutating func send(_ buffer: ControlBuffer) {
    let index = UInt8(freeBuffers.trailingZeroBitCount & 7)
    transmit.append(
      memory.busAddress(of: buffer.address), UInt32(truncatingIfNeeded: buffer.count), isWritable: false)
    guard let head = transmit.submit() else { return }
    freeBuffers &= freeBuffers &- 1
    buffers[Int(head & 7)] = index
    hasTransmitNews = true
  }
}
