// The board's serial device (virtio 5.3), over which the host's tool talks to the server: every port with the right name is
// a line of its own, so that several tools can be used at once.

import ControlProtocol
import Drivers
import Virtio

/// The device and its ports.
struct ControlDevice<Registers: DeviceRegisters> {
  /// Lines to the host: ports 1…4 of the device, as port 0 is a console's.
  static var portLimit: UInt32 { 4 }
  private static var eventQueueSize: UInt32 { 16 }
  /// Bytes of an event's buffer: longer names are not ours.
  private static var eventSize: UInt64 { 64 }

  let transport: DriverTransport<Registers>
  /// Bit of its interrupt in `ServerEvents.devices`.
  let interrupt: UInt64
  private let memory: MemoryView
  private var events: DriverQueue
  private var replies: DriverQueue
  private let eventBuffers: UInt64
  private let replyBuffers: UInt64
  private var nextReply: UInt64 = 0
  /// By number of the port, less 1; mask it with 3.
  let ports: InlineArray<4, Resident<ControlPort>>
  /// Queues that the device was not told about, a bit each.
  private var news: UInt32 = 0

  /// Starts the device; nil where memory is short.
  init?(
    _ transport: DriverTransport<Registers>, interrupt: UInt64, arena: inout Arena
  ) throws(DriverError) {
    let features = Feature.version1 | ConsoleDevice.portsFeature
    _ = try transport.negotiate(wanted: features, required: features)
    guard let events = Self.queue(&arena), let replies = Self.queue(&arena),
      let buffers = arena.take(UInt64(Self.eventQueueSize) &* (Self.eventSize &+ UInt64(PortEvent.size))),
      let first = Self.port(&arena), let second = Self.port(&arena), let third = Self.port(&arena),
      let fourth = Self.port(&arena)
    else { return nil }
    self.transport = transport
    self.interrupt = interrupt
    self.events = events
    self.replies = replies
    memory = arena.memory
    eventBuffers = buffers
    replyBuffers = buffers &+ UInt64(Self.eventQueueSize) &* Self.eventSize
    ports = [first, second, third, fourth]
    try start()
  }

  private static func queue(_ arena: inout Arena) -> DriverQueue? {
    guard let address = arena.take(DriverQueue.bytes(eventQueueSize)) else { return nil }
    return DriverQueue(memory: arena.memory, at: address, size: eventQueueSize)
  }

  /// Ports are large, and the stack is not.
  @inline(never) private static func port(_ arena: inout Arena) -> Resident<ControlPort>? {
    ControlPort(&arena).flatMap { arena.take(of: $0) }
  }

  private mutating func start() throws(DriverError) {
    let limit = transport.configuration32(ConsoleDevice.portLimit)
    let count = limit == 0 ? 0 : min(limit &- 1, Self.portLimit)
    for head in 0..<UInt16(Self.eventQueueSize) { giveEventBuffer(head) }
    try transport.install(events, as: UInt32(ConsoleDevice.receiveEvents))
    try transport.install(replies, as: UInt32(ConsoleDevice.transmitEvents))
    for port in 0..<count {
      ports[Int(port & 3)].value.start()
      try transport.install(ports[Int(port & 3)].value.receive, as: Self.receiveQueue(port))
      try transport.install(ports[Int(port & 3)].value.transmit, as: Self.receiveQueue(port) &+ 1)
      news |= 1 &<< Self.receiveQueue(port)
    }
    replies.setInterrupting(false)
    transport.start()
    reply(0xFFFF_FFFF, PortEvent.deviceReady)
  }

  /// The queue that a port's bytes arrive in; the next one is for those that leave.
  private static func receiveQueue(_ port: UInt32) -> UInt32 { 4 &+ port &* 2 }

  // MARK: Events of ports

  private func eventBuffer(_ head: UInt16) -> UInt64 { eventBuffers &+ UInt64(head & 15) &* Self.eventSize }

  /// Gives the device a buffer. The descriptor that became free last is used first, so a buffer keeps its number.
  private mutating func giveEventBuffer(_ head: UInt16) {
    events.append(
      memory.busAddress(of: eventBuffer(head)), UInt32(truncatingIfNeeded: Self.eventSize), isWritable: true)
    _ = events.submit()
    news |= 1 &<< UInt32(ConsoleDevice.receiveEvents)
  }

  /// Tells the device something about a port.
  private mutating func reply(_ port: UInt32, _ event: UInt16) {
    while replies.takeUsed() != nil {}
    guard replies.free != 0 else { return }
    let buffer = replyBuffers &+ (nextReply & 15) &* UInt64(PortEvent.size)
    nextReply &+= 1
    memory.store32(buffer, port)
    memory.store16(buffer &+ 4, event)
    memory.store16(buffer &+ 6, 1)
    replies.append(memory.busAddress(of: buffer), PortEvent.size, isWritable: false)
    _ = replies.submit()
    news |= 1 &<< UInt32(ConsoleDevice.transmitEvents)
  }

  /// Follows what the device says about ports.
  mutating func takeEvents() {
    for _ in 0..<Self.eventQueueSize {
      guard let used = events.takeUsed() else { return }
      let buffer = eventBuffer(used.head)
      let port = memory.load32(buffer)
      if port &- 1 < Self.portLimit {
        follow(port, memory.load16(buffer &+ 4), memory.load16(buffer &+ 6), buffer, used.length)
      }
      giveEventBuffer(used.head)
    }
  }

  private mutating func follow(
    _ port: UInt32, _ event: UInt16, _ value: UInt16, _ buffer: UInt64, _ length: UInt32
  ) {
    switch event {
    case PortEvent.add: reply(port, PortEvent.ready)
    case PortEvent.name where isOurs(buffer, length):
      ports[Int((port &- 1) & 3)].value.isNamed = true
      reply(port, PortEvent.open)
    // Another tool: it knows nothing of what the last one asked for.
    case PortEvent.open: ports[Int((port &- 1) & 3)].value.session = ControlSession()
    default: break
    }
  }

  /// Whether the name behind an event begins as ours do.
  private func isOurs(_ buffer: UInt64, _ length: UInt32) -> Bool {
    let name: StaticString = "pocketvisor.control"
    let start = UInt64(PortEvent.size)
    guard UInt64(length) >= start &+ UInt64(name.utf8CodeUnitCount) else { return false }
    for index in 0..<name.utf8CodeUnitCount {
      // In bounds by the loop's range.
      let expected = unsafe name.utf8Start[index]
      guard memory.load8(buffer &+ start &+ UInt64(index)) == expected else { return false }
    }
    return true
  }

  // MARK: A turn

  /// Whether the host said more meanwhile.
  var hasMore: Bool {
    if events.hasUsed { return true }
    for port in 0..<4 where ports[port].value.hasMore { return true }
    return false
  }

  /// Tells the device of new chains.
  mutating func notify() {
    for port in UInt32(0)..<Self.portLimit { collectNews(port) }
    while news != 0 {
      transport.notify(UInt32(news.trailingZeroBitCount))
      news &= news &- 1
    }
  }

  private mutating func collectNews(_ port: UInt32) {
    let index = Int(port & 3)
    if ports[index].value.hasReceiveNews { news |= 1 &<< Self.receiveQueue(port) }
    if ports[index].value.hasTransmitNews { news |= 1 &<< (Self.receiveQueue(port) &+ 1) }
    ports[index].value.hasReceiveNews = false
    ports[index].value.hasTransmitNews = false
  }
}
