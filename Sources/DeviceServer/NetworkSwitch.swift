// A switch between the clients and the board's network interface (virtio 5.1). Every frame lies in the server's own memory
// before it is looked at, so nobody changes what was checked.

import Drivers
import Virtio

/// Numbers of a network device (virtio 5.1).
enum NetworkDevice {
  static let hardwareAddressFeature: UInt64 = 1 << 5

  static let receiveQueue = 0
  static let transmitQueue = 1

  /// Bytes before each frame: `virtio_net_hdr`, all zeros but the number of buffers, 1, in bytes 10 and 11 of what a
  /// driver receives.
  static let headerSize: UInt32 = 12
  /// Of a frame without its check sequence: 1,500 bytes of data, a VLAN tag.
  static let frameLimit: UInt32 = 1518
  static let frameMinimum: UInt32 = 14
  static let addressMask: UInt64 = 0xFFFF_FFFF_FFFF
}

/// The interface to the board's network.
struct NetworkInterface<Registers: DeviceRegisters> {
  let transport: DriverTransport<Registers>
  /// Bit of its interrupt in `ServerEvents.devices`.
  let interrupt: UInt64
  var receive: DriverQueue
  var transmit: DriverQueue
  /// Chains were submitted that it was not told of.
  var hasReceiveNews = false
  var hasTransmitNews = false
}

/// Frames of one client.
public struct FrameCounters: BitwiseCopyable {
  /// That it sent, and that came to it.
  public var sent: UInt32 = 0
  public var received: UInt32 = 0
  /// That it sent and must not, or that it had no buffer for.
  public var dropped: UInt32 = 0
}

/// Buffers for frames, and where they go.
struct NetworkSwitch<Registers: DeviceRegisters> {
  static var bufferCount: UInt32 { 64 }
  /// Bytes from one buffer to the next.
  private static var bufferStride: UInt64 { 2048 }

  var interface: NetworkInterface<Registers>?
  /// By client; mask it with 7.
  var counters = InlineArray<8, FrameCounters>(repeating: FrameCounters())
  /// Clients that got frames, and whose frames were taken, since they were last interrupted; a bit each.
  var receivers: UInt32 = 0
  var senders: UInt32 = 0
  /// Clients whose frames found no buffer.
  var waiting: UInt32 = 0
  private let memory: MemoryView
  /// Header of a frame that goes to the interface, and behind it of one that goes to a client; 16 bytes each.
  private let headers: UInt64
  private let receiveBuffers: UInt64
  private let transmitBuffers: UInt64
  /// The transmit buffer of each chain, and the receive buffer of each chain, a byte each.
  private let places: UInt64
  private var freeTransmit: UInt64 = ~0

  /// nil where memory is short.
  init?(arena: inout Arena) {
    let bytes = UInt64(Self.bufferCount) &* Self.bufferStride
    guard let headers = arena.take(32), let receive = arena.take(bytes, alignment: 4096),
      let transmit = arena.take(bytes, alignment: 4096),
      let places = arena.take(UInt64(Self.bufferCount) &* 4)
    else { return nil }
    memory = arena.memory
    self.headers = headers
    receiveBuffers = receive
    transmitBuffers = transmit
    self.places = places
    memory.store16(headers &+ 16 &+ 10, 1)
  }

  /// Starts the board's interface.
  mutating func start(
    _ transport: DriverTransport<Registers>, interrupt: UInt64, arena: inout Arena
  ) throws(DriverError) {
    // Two descriptors a frame that is sent.
    let sizes = (Self.bufferCount, Self.bufferCount &* 2)
    _ = try transport.negotiate(wanted: Feature.version1, required: Feature.version1)
    guard let first = arena.take(DriverQueue.bytes(sizes.0)),
      let second = arena.take(DriverQueue.bytes(sizes.1))
    else { return }
    let new = NetworkInterface(
      transport: transport, interrupt: interrupt,
      receive: DriverQueue(memory: memory, at: first, size: sizes.0),
      transmit: DriverQueue(memory: memory, at: second, size: sizes.1))
    new.transmit.setInterrupting(false)
    try transport.install(new.receive, as: 0)
    try transport.install(new.transmit, as: 1)
    transport.start()
    interface = new
    for buffer in 0..<Self.bufferCount { provide(buffer) }
  }

  /// The header of a frame that goes to a client: 12 bytes.
  var clientHeader: UInt64 { headers &+ 16 }

  /// Gives the interface a buffer to receive into.
  private mutating func provide(_ buffer: UInt32) {
    let address = receiveBuffers &+ UInt64(buffer) &* Self.bufferStride
    let bus = memory.busAddress(of: address)
    interface?.receive.append(
      bus, UInt32(truncatingIfNeeded: Self.bufferStride), isWritable: true)
    guard let head = interface?.receive.submit() else { return }
    memory.store8(places &+ 128 &+ UInt64(head), UInt8(truncatingIfNeeded: buffer))
    interface?.hasReceiveNews = true
  }

  /// Whether frames have come that are not yet taken.
  var hasReceived: Bool { interface?.receive.hasUsed == true }

  /// Takes the next frame that came: its buffer, and bytes with the header.
  mutating func takeReceived() -> (buffer: UInt32, length: UInt32)? {
    guard let used = interface?.receive.takeUsed() else { return nil }
    let buffer = UInt32(memory.load8(places &+ 128 &+ UInt64(used.head))) & (Self.bufferCount &- 1)
    return (buffer, min(used.length, UInt32(truncatingIfNeeded: Self.bufferStride)))
  }

  /// Where a received frame lies, behind its header.
  func received(_ buffer: UInt32) -> UInt64 {
    receiveBuffers &+ UInt64(buffer) &* Self.bufferStride &+ UInt64(NetworkDevice.headerSize)
  }

  /// The buffer of a received frame is free again.
  mutating func giveBack(_ buffer: UInt32) { provide(buffer) }

  /// Takes a buffer for a frame to send; nil where none is free.
  mutating func takeBuffer() -> UInt32? {
    if freeTransmit == 0 { reclaim() }
    guard freeTransmit != 0 else { return nil }
    let buffer = UInt32(freeTransmit.trailingZeroBitCount)
    freeTransmit &= freeTransmit &- 1
    return buffer
  }

  mutating func release(_ buffer: UInt32) { freeTransmit |= 1 &<< UInt64(buffer & 63) }

  /// Where a buffer lies.
  func transmitBuffer(_ buffer: UInt32) -> UInt64 { transmitBuffers &+ UInt64(buffer) &* Self.bufferStride }

  /// Takes back the buffers that the interface has sent.
  mutating func reclaim() {
    while let used = interface?.transmit.takeUsed() {
      release(UInt32(memory.load8(places &+ UInt64(used.head))))
    }
  }

  /// Gives a frame to the interface; false where there is none, and the buffer stays the caller's.
  mutating func transmit(_ buffer: UInt32, at address: UInt64, length: UInt32) -> Bool {
    guard let free = interface?.transmit.free, free >= 2 else { return false }
    let (header, frame) = (memory.busAddress(of: headers), memory.busAddress(of: address))
    interface?.transmit.append(header, NetworkDevice.headerSize, isWritable: false)
    interface?.transmit.append(frame, length, isWritable: false)
    guard let head = interface?.transmit.submit() else { return false }
    memory.store8(places &+ UInt64(head), UInt8(truncatingIfNeeded: buffer))
    interface?.hasTransmitNews = true
    return true
  }

  /// Whether the interface was given something that it was not told of.
  var hasNews: Bool { interface?.hasReceiveNews == true || interface?.hasTransmitNews == true }

  func acknowledge(_ interrupts: UInt64) {
    if let interface, interface.interrupt & interrupts != 0 { _ = interface.transport.acknowledge() }
  }

  /// Tells the interface of what it was given; the caller has put a barrier before this.
  mutating func notify() {
    guard let interface else { return }
    if interface.hasReceiveNews, interface.receive.wantsNotification {
      interface.transport.notify(UInt32(NetworkDevice.receiveQueue))
    }
    if interface.hasTransmitNews, interface.transmit.wantsNotification {
      interface.transport.notify(UInt32(NetworkDevice.transmitQueue))
    }
    self.interface?.hasReceiveNews = false
    self.interface?.hasTransmitNews = false
  }
}
