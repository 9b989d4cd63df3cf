// One turn of the server: everything that happened since the last one, a bounded amount of work for each client.

import Virtio

extension DeviceServer {
  /// Answers whether there is more to do at once.
  public mutating func turn(_ events: ServerEvents) -> Bool {
    if events.devices != 0 {
      acknowledgeDevices(events.devices)
      machine.end(devices: events.devices)
    }
    if events.isAlarm { tick() }
    var isBusy = false
    forEachClient { server, client in server.attend(client) }
    pollDevices()
    forEachClient { server, client in
      if server.clients[client & 7].doorbells != 0 { isBusy = server.serve(client) || isBusy }
    }
    finishDevices()
    forEachClient { server, client in server.sendSignal(client) }
    return isBusy || devicesHaveMore()
  }

  @inline(__always) private mutating func forEachClient(_ body: (inout Self, Int) -> Void) {
    var left = served
    while left != 0 {
      body(&self, left.trailingZeroBitCount)
      left &= left &- 1
    }
  }

  /// Takes a client's stores and doorbells.
  private mutating func attend(_ client: Int) {
    for processor in 0..<RegisterPage.processors {
      guard let store = clients[client & 7].page.waitingStore(processor), mayAnswer(client, store) else {
        continue
      }
      answer(client, store)
      clients[client & 7].page.finishStore(processor)
      clients[client & 7].signal.releases |= 1 &<< UInt32(processor)
    }
    clients[client & 7].isAlive =
      clients[client & 7].page.phase & ~MachinePhase.paused == MachinePhase.running
      && clients[client & 7].page.waitingStore(0)?.isPowerOn != true
    clients[client & 7].doorbells |= clients[client & 7].page.takeDoorbells()
  }

  /// A device is not reset, and a queue not taken away, while a device of the board may still write there. When it has, the
  /// next turn answers.
  private func mayAnswer(_ client: Int, _ store: WaitingStore) -> Bool {
    if store.isPowerOn {
      for place in 0..<Place.count where isBusy(client, place) { return false }
      return true
    }
    switch store.register {
    case TransportRegister.status where UInt32(truncatingIfNeeded: store.value) == 0,
      TransportRegister.queueReady:
      return !isBusy(client, store.place)
    default: return true
    }
  }

  private mutating func answer(_ client: Int, _ store: WaitingStore) {
    guard !store.isPowerOn else { return reset(client) }
    guard store.place < Place.count else { return }
    let place = store.place
    let event = clients[client & 7].kept.value.places[place & 7].store(
      UInt32(truncatingIfNeeded: store.value), at: store.register, offer: offer(client, place),
      memory: clients[client & 7].memory, registers: clients[client & 7].page.place(place))
    switch event {
    case .none: break
    case .reset: begin(client, place)
    case .ready: clients[client & 7].doorbells |= 0xFF &<< UInt64(place &* 8)
    case .configuration(let offset):
      storeConfiguration(client, place, offset: offset, value: store.value)
    }
  }

  /// The client has just started.
  private mutating func reset(_ client: Int) {
    let page = clients[client & 7].page
    clients[client & 7].memory = machine.memory(
      of: client, size: page.sharedSize, busStart: page.busAddress)
    clients[client & 7].doorbells = 0
    clients[client & 7].faults = 0
    _ = page.takeDoorbells()
    for place in 0..<Place.count {
      clients[client & 7].kept.value.places[place & 7].reset(
        offer(client, place), registers: page.place(place))
      begin(client, place)
    }
  }

  /// A device is as at power-on.
  private mutating func begin(_ client: Int, _ place: Int) {
    clients[client & 7].doorbells &= ~(0xFF &<< UInt64(place &* 8))
    forget(client, place)
    configure(client, place)
  }

  /// Serves what the client's doorbells are for; answers whether there is more.
  private mutating func serve(_ client: Int) -> Bool {
    guard clients[client & 7].isAlive else { return false }
    var bells = clients[client & 7].doorbells
    clients[client & 7].doorbells = 0
    var more: UInt64 = 0
    while bells != 0 {
      let bell = bells.trailingZeroBitCount
      bells &= bells &- 1
      if serve(client, bell: bell) { more |= 1 &<< UInt64(bell) }
    }
    // Serving one queue may have found work in another.
    clients[client & 7].doorbells |= more
    return clients[client & 7].doorbells != 0
  }

  private mutating func serve(_ client: Int, bell: Int) -> Bool {
    let place = bell &>> 3
    guard place < Place.count, isServing(client, place) else { return false }
    do {
      return try serve(client, place, queue: bell & 7)
    } catch {
      fail(client, place)
      return false
    }
  }

  /// A client broke the rules at a place: that device stops until it is reset.
  mutating func fail(_ client: Int, _ place: Int) {
    clients[client & 7].faults &+= 1
    clients[client & 7].kept.value.places[place & 7].fail(
      registers: clients[client & 7].page.place(place))
    clients[client & 7].signal.interrupts |= 1 &<< UInt32(place)
  }

  /// Whether a place's queues may be used.
  func isServing(_ client: Int, _ place: Int) -> Bool {
    clients[client & 7].isAlive && clients[client & 7].kept.value.places[place & 7].isLive
  }

  /// A device has used chains of a queue: at the end of the turn the driver gets an interrupt, if it wants one.
  mutating func raiseIfWanted(_ client: Int, _ place: Int, queue: Int) {
    // The driver sees what was used before it is asked whether it looks.
    machine.barrier()
    let memory = clients[client & 7].memory
    guard clients[client & 7].kept.value.places[place & 7].queues[queue & 7].wantsInterrupt(in: memory) else {
      return
    }
    clients[client & 7].page.place(place).or32(
      UInt64(TransportRegister.interruptStatus), InterruptReason.usedBuffer)
    clients[client & 7].signal.interrupts |= 1 &<< UInt32(place)
  }

  private mutating func sendSignal(_ client: Int) {
    guard !clients[client & 7].signal.isEmpty else { return }
    machine.signal(client, clients[client & 7].signal)
    clients[client & 7].signal = Signal()
  }
}
