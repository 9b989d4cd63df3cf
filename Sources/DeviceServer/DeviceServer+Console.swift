// A client's console device (virtio 5.3): port 0 is its console, port 1 where the vault is asked.

import Virtio

extension DeviceServer {
  /// Chains that one queue is served at once.
  private static var chainLimit: Int { 32 }
  /// Bytes of one chain that are kept; no driver prints so many at once.
  private static var outputLimit: UInt64 { 0x1_0000 }

  /// Finds what was kept of the consoles.
  mutating func startConsoles() {
    if !isKept { memory.kept.clear(KeptPlace.control, count: KeptPlace.end &- KeptPlace.control) }
    consoles = Consoles(kept: memory.kept, arena: &arena).flatMap { arena.take(of: $0) }
    if consoles == nil { report("no memory for consoles") }
  }

  private func hasVaultPort(_ client: Int) -> Bool { clients[client & 7].description.vault != nil }

  func offerConsole(_ client: Int) -> DeviceOffer {
    guard consoles != nil, clients[client & 7].description.hasConsole else { return .none }
    let hasPorts = hasVaultPort(client)
    return DeviceOffer(
      device: DeviceKind.console, features: hasPorts ? ConsoleDevice.portsFeature : 0,
      queues: hasPorts ? 6 : 2, queueSize: ConsoleDevice.queueSize)
  }

  func configureConsole(_ client: Int) {
    let registers = clients[client & 7].page.place(Place.console)
    let ports: UInt32 = hasVaultPort(client) ? 2 : 1
    registers.store32(UInt64(TransportRegister.configuration &+ ConsoleDevice.portLimit), ports)
  }

  /// The client's driver begins anew: what was typed for the last one is gone.
  mutating func forgetConsole(_ client: Int) {
    guard let consoles else { return }
    consoles.value.kept.value.clients[client & 7].events = 0
    consoles.value.clients[client & 7].taken = consoles.value.clients[client & 7].typed
    forgetPayment(client)
  }

  mutating func serveConsole(_ client: Int, queue: Int) throws(RingFault) -> Bool {
    switch queue {
    case ConsoleDevice.receive: try feedConsole(client)
    case ConsoleDevice.transmit: try takeOutput(client)
    case ConsoleDevice.receiveEvents: try sendPortEvents(client)
    case ConsoleDevice.transmitEvents: try takePortEvents(client)
    default: try servePayments(client)
    }
  }

  /// Answers first: behind them the next request may be taken.
  private mutating func servePayments(_ client: Int) throws(RingFault) -> Bool {
    try deliverAnswer(client)
    return try takeRequests(client)
  }

  /// The next chain of one of the console's queues.
  func takeConsoleChain(_ client: Int, _ queue: Int) throws(RingFault) -> DescriptorChain? {
    try clients[client & 7].kept.value.places[Place.console].queues[queue & 7].take(
      from: clients[client & 7].memory)
  }

  /// Hands it back.
  mutating func completeConsoleChain(_ client: Int, _ queue: Int, _ head: UInt16, length: UInt32) {
    clients[client & 7].kept.value.places[Place.console].queues[queue & 7].complete(
      head, length: length, in: clients[client & 7].memory)
    raiseIfWanted(client, Place.console, queue: queue)
  }

  // MARK: Port 0

  /// What the client printed goes into its log; whoever watches reads it there.
  private mutating func takeOutput(_ client: Int) throws(RingFault) -> Bool {
    for _ in 0..<Self.chainLimit {
      guard var chain = try takeConsoleChain(client, ConsoleDevice.transmit) else { return false }
      try keepOutput(client, &chain)
      completeConsoleChain(client, ConsoleDevice.transmit, chain.head, length: 0)
    }
    return true
  }

  private func keepOutput(_ client: Int, _ chain: inout DescriptorChain) throws(RingFault) {
    guard let consoles else { return }
    let memory = clients[client & 7].memory
    var left = Self.outputLimit
    while left != 0, let segment = try chain.segment(in: memory), !segment.isWritable {
      let count = min(UInt64(segment.length), left)
      let position = consoles.value.kept.value.clients[client & 7].printed
      consoles.value.clients[client & 7].log.store(
        count, from: memory, at: segment.address, position: position)
      consoles.value.kept.value.clients[client & 7].printed = position &+ count
      left &-= count
    }
  }

  /// What was typed goes to the client, as far as it has buffers.
  private mutating func feedConsole(_ client: Int) throws(RingFault) -> Bool {
    guard let consoles else { return false }
    for _ in 0..<Self.chainLimit {
      let state = consoles.value.clients[client & 7]
      guard state.typed != state.taken, let chain = try takeConsoleChain(client, ConsoleDevice.receive) else {
        return false
      }
      var cursor = ChainCursor(chain, in: clients[client & 7].memory)
      let taken = try state.input.write(state.typed &- state.taken, at: state.taken, to: &cursor)
      consoles.value.clients[client & 7].taken = state.taken &+ taken
      completeConsoleChain(client, ConsoleDevice.receive, cursor.head, length: cursor.written)
    }
    return true
  }

  // MARK: Events of ports

  /// What the driver says about ports.
  private mutating func takePortEvents(_ client: Int) throws(RingFault) -> Bool {
    guard let consoles else { return false }
    for _ in 0..<Self.chainLimit {
      guard let chain = try takeConsoleChain(client, ConsoleDevice.transmitEvents) else {
        return try sendPortEvents(client)
      }
      var cursor = ChainCursor(chain, in: clients[client & 7].memory)
      let event = consoles.value.event
      if try cursor.read(PortEvent.size, to: event, at: 0) == PortEvent.size {
        answerPortEvent(client, port: event.load32(0), event: event.load16(4), value: event.load16(6))
      }
      completeConsoleChain(client, ConsoleDevice.transmitEvents, cursor.head, length: 0)
    }
    return true
  }

  private func answerPortEvent(_ client: Int, port: UInt32, event: UInt16, value: UInt16) {
    guard value == 1, let consoles else { return }
    var events: UInt32 = 0
    switch event {
    case PortEvent.deviceReady: events = 1 &<< PortEvent.add | 1 &<< (8 + PortEvent.add)
    case PortEvent.ready where port == 0: events = 1 &<< PortEvent.console | 1 &<< PortEvent.open
    case PortEvent.ready where port == 1: events = 1 &<< (8 + PortEvent.name) | 1 &<< (8 + PortEvent.open)
    default: break
    }
    consoles.value.kept.value.clients[client & 7].events |= events
  }

  /// Tells the driver what it is yet to be told, as far as it has buffers.
  private mutating func sendPortEvents(_ client: Int) throws(RingFault) -> Bool {
    guard let consoles else { return false }
    while true {
      let events = consoles.value.kept.value.clients[client & 7].events & 0xFFFF
      guard events != 0, let chain = try takeConsoleChain(client, ConsoleDevice.receiveEvents) else {
        return false
      }
      let first = events.trailingZeroBitCount
      consoles.value.kept.value.clients[client & 7].events = events & (events &- 1)
      var cursor = ChainCursor(chain, in: clients[client & 7].memory)
      let count = writeEvent(UInt32(first) &>> 3, UInt16(first & 7), to: consoles.value.event)
      _ = try cursor.write(count, from: consoles.value.event, at: 0)
      completeConsoleChain(client, ConsoleDevice.receiveEvents, cursor.head, length: cursor.written)
    }
  }

  /// Puts an event together; answers its bytes.
  private func writeEvent(_ port: UInt32, _ event: UInt16, to memory: MemoryView) -> UInt32 {
    memory.store32(0, port)
    memory.store16(4, event)
    memory.store16(6, 1)
    guard event == PortEvent.name else { return PortEvent.size }
    let name: StaticString = "vault"
    for index in 0..<name.utf8CodeUnitCount {
      // In bounds by the loop's range.
      memory.store8(UInt64(PortEvent.size) &+ UInt64(index), unsafe name.utf8Start[index])
    }
    return PortEvent.size &+ UInt32(name.utf8CodeUnitCount)
  }
}
