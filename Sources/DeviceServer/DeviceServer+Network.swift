// A client's network device: a port of the switch.

import Virtio

/// Where a frame comes from.
private struct FrameSource {
  /// The client; nil: the board's interface.
  var client: Int?
  /// Clients that it may go to.
  var reach: UInt32
  /// Whether it may go to the board's interface.
  var reachesHost: Bool
}

extension DeviceServer {
  private static var networkQueueSize: UInt32 { 256 }
  /// Frames that are taken from a client, and from the board's interface, in a turn.
  private static var networkTurn: Int { 32 }

  /// Makes the switch, and starts the board's interface if there is one.
  mutating func startNetwork() {
    guard let made = NetworkSwitch<Machine.Registers>(arena: &arena), let network = arena.take(of: made)
    else { return report("no memory for the network") }
    self.network = network
    guard let device = board.device(DeviceKind.network, of: machine) else { return }
    do {
      try network.value.start(
        DriverTransport(machine.registers(at: device.address)), interrupt: device.event, arena: &arena)
      machine.enable(interrupt: device.interrupt)
    } catch {
      report("network", error)
    }
  }

  func offerNetwork(_ client: Int) -> DeviceOffer {
    guard network != nil, clients[client & 7].description.hasNetwork else { return .none }
    return DeviceOffer(
      device: DeviceKind.network, features: NetworkDevice.hardwareAddressFeature, queues: 2,
      queueSize: Self.networkQueueSize)
  }

  func configureNetwork(_ client: Int) {
    guard clients[client & 7].description.hasNetwork else { return }
    let address = clients[client & 7].description.hardwareAddress
    let registers = clients[client & 7].page.place(Place.network)
    for index in UInt64(0)..<6 {
      registers.store8(
        UInt64(TransportRegister.configuration) &+ index,
        UInt8(truncatingIfNeeded: address &>> (index &* 8)))
    }
  }

  /// Takes frames that a client sends. Its other queue is used when frames come to it.
  mutating func serveNetwork(_ client: Int, queue: Int) throws(RingFault) -> Bool {
    guard let network, queue == NetworkDevice.transmitQueue else { return false }
    let memory = clients[client & 7].memory
    for _ in 0..<Self.networkTurn {
      guard let buffer = network.value.takeBuffer() else {
        wait(client, network)
        return false
      }
      let chain: DescriptorChain?
      do {
        chain = try clients[client & 7].kept.value.places[Place.network].queues[queue & 7].take(from: memory)
        guard let chain else {
          network.value.release(buffer)
          return false
        }
        try send(client, chain, buffer, network)
      } catch {
        network.value.release(buffer)
        throw error
      }
    }
    return true
  }

  /// No buffer is free: the interface interrupts when it has sent one.
  private func wait(_ client: Int, _ network: Resident<NetworkSwitch<Machine.Registers>>) {
    network.value.waiting |= 1 &<< UInt32(client)
    network.value.interface?.transmit.setInterrupting(true)
  }

  /// Copies a frame, hands its chain back, and passes the frame on.
  private mutating func send(
    _ client: Int, _ chain: DescriptorChain, _ buffer: UInt32,
    _ network: Resident<NetworkSwitch<Machine.Registers>>
  ) throws(RingFault) {
    let memory = clients[client & 7].memory
    var cursor = ChainCursor(chain, in: memory)
    let base = network.value.transmitBuffer(buffer)
    guard try cursor.read(NetworkDevice.headerSize, to: self.memory.own, at: base) == NetworkDevice.headerSize
    else { throw .content }
    // At the same place within 8 bytes as the client has it: then the copy moves words.
    let address = try base &+ ((cursor.current()?.address ?? 0) & 7)
    let length = try cursor.read(NetworkDevice.frameLimit, to: self.memory.own, at: address)
    let isWhole = try cursor.current() == nil
    clients[client & 7].kept.value.places[Place.network].queues[NetworkDevice.transmitQueue].complete(
      chain.head, length: 0, in: memory)
    network.value.senders |= 1 &<< UInt32(client)
    guard isWhole, length >= NetworkDevice.frameMinimum, isSource(client, address) else {
      network.value.counters[client & 7].dropped &+= 1
      return network.value.release(buffer)
    }
    network.value.counters[client & 7].sent &+= 1
    forward(client, address, length, buffer, network)
  }

  /// Whether a frame's source address is the client's own.
  private func isSource(_ client: Int, _ frame: UInt64) -> Bool {
    hardwareAddress(frame &+ 6) == clients[client & 7].description.hardwareAddress
  }

  /// The six bytes at an address in the server's memory.
  private func hardwareAddress(_ address: UInt64) -> UInt64 {
    var number: UInt64 = 0
    for index in UInt64(0)..<6 { number |= UInt64(memory.own.load8(address &+ index)) &<< (index &* 8) }
    return number
  }

  /// Passes on a frame that a client sent.
  private mutating func forward(
    _ client: Int, _ frame: UInt64, _ length: UInt32, _ buffer: UInt32,
    _ network: Resident<NetworkSwitch<Machine.Registers>>
  ) {
    let description = clients[client & 7].description
    var peers: UInt32 = 0
    for peer in 0..<8 where peer != client && clients[peer].description.reach &>> UInt32(client) & 1 != 0 {
      peers |= 1 &<< UInt32(peer)
    }
    let isForeign = distribute(frame, length, among: peers & description.reach, network)
    guard isForeign, description.reachesHost, network.value.transmit(buffer, at: frame, length: length) else {
      return network.value.release(buffer)
    }
  }

  /// Delivers a frame to those among `peers` that it is for; answers whether it may be for others too.
  private mutating func distribute(
    _ frame: UInt64, _ length: UInt32, among peers: UInt32,
    _ network: Resident<NetworkSwitch<Machine.Registers>>
  ) -> Bool {
    let destination = hardwareAddress(frame)
    let isGroup = destination & 1 != 0
    var isForeign = true
    for client in 0..<8 where clients[client].description.hasNetwork {
      let isMatch = clients[client].description.hardwareAddress == destination
      if isMatch { isForeign = false }
      guard isMatch || isGroup, peers &>> UInt32(client) & 1 != 0 else { continue }
      deliver(client, frame, length, network)
    }
    return isForeign
  }

  /// Puts a frame into a client's next buffer; without one it is lost.
  private mutating func deliver(
    _ client: Int, _ frame: UInt64, _ length: UInt32,
    _ network: Resident<NetworkSwitch<Machine.Registers>>
  ) {
    guard isServing(client, Place.network) else { return }
    do {
      let isDelivered = try put(client, frame, length, network.value.clientHeader)
      if isDelivered {
        network.value.counters[client & 7].received &+= 1
        network.value.receivers |= 1 &<< UInt32(client)
      } else {
        network.value.counters[client & 7].dropped &+= 1
      }
    } catch {
      fail(client, Place.network)
    }
  }

  private mutating func put(
    _ client: Int, _ frame: UInt64, _ length: UInt32, _ header: UInt64
  ) throws(RingFault) -> Bool {
    let memory = clients[client & 7].memory
    let place = NetworkDevice.receiveQueue
    let chain = try clients[client & 7].kept.value.places[Place.network].queues[place].take(from: memory)
    guard let chain else { return false }
    var cursor = ChainCursor(chain, in: memory)
    let size = NetworkDevice.headerSize &+ length
    var written = try cursor.write(NetworkDevice.headerSize, from: self.memory.own, at: header)
    written &+= try cursor.write(length, from: self.memory.own, at: frame)
    // Too short a buffer comes back empty.
    clients[client & 7].kept.value.places[Place.network].queues[place].complete(
      chain.head, length: written == size ? size : 0, in: memory)
    return written == size
  }

  /// Takes frames that came to the board's interface.
  mutating func pollNetwork() {
    guard let network else { return }
    var peers: UInt32 = 0
    for client in 0..<8 where clients[client].description.reachesHost { peers |= 1 &<< UInt32(client) }
    for _ in 0..<Self.networkTurn {
      guard let (buffer, length) = network.value.takeReceived() else { break }
      if length >= NetworkDevice.headerSize &+ NetworkDevice.frameMinimum {
        _ = distribute(
          network.value.received(buffer), length &- NetworkDevice.headerSize, among: peers, network)
      }
      network.value.giveBack(buffer)
    }
    if network.value.waiting != 0 { retry(network) }
  }

  /// Serves those again that waited for a buffer.
  private mutating func retry(_ network: Resident<NetworkSwitch<Machine.Registers>>) {
    network.value.interface?.transmit.setInterrupting(false)
    let waiting = network.value.waiting
    network.value.waiting = 0
    for client in 0..<8 where waiting &>> UInt32(client) & 1 != 0 {
      clients[client].doorbells |= 1 &<< UInt64(Place.network &* 8 &+ NetworkDevice.transmitQueue)
    }
  }

  /// Notifies and interrupts for everything that was done in this turn.
  mutating func finishNetwork() {
    guard let network else { return }
    if network.value.hasNews {
      machine.barrier()
      network.value.notify()
    }
    let (receivers, senders) = (network.value.receivers, network.value.senders)
    network.value.receivers = 0
    network.value.senders = 0
    for client in 0..<8 where (receivers | senders) &>> UInt32(client) & 1 != 0 {
      if receivers &>> UInt32(client) & 1 != 0 {
        raiseIfWanted(client, Place.network, queue: NetworkDevice.receiveQueue)
      }
      if senders &>> UInt32(client) & 1 != 0 {
        raiseIfWanted(client, Place.network, queue: NetworkDevice.transmitQueue)
      }
    }
  }
}
