// Which device is at which place: one switch for each thing that a transport asks of its device, and the list of the
// board's devices.

import Virtio

extension DeviceServer {
  /// What a client finds at a place.
  func offer(_ client: Int, _ place: Int) -> DeviceOffer {
    var offer: DeviceOffer
    switch place {
    case Place.block: offer = offerBlock(client)
    case Place.network: offer = offerNetwork(client)
    case Place.entropy: offer = offerEntropy(client)
    default: offer = .none
    }
    guard offer.device != 0 else { return .none }
    offer.features |= Feature.version1
    if isConfined(client) { offer.features |= Feature.accessPlatform }
    return offer
  }

  /// Whether a client shares less than all of its memory.
  private func isConfined(_ client: Int) -> Bool {
    clients[client & 7].page.sharedSize < clients[client & 7].description.memory
  }

  /// Writes a device's own configuration, from address 0x100 of the place's registers on.
  mutating func configure(_ client: Int, _ place: Int) {
    switch place {
    case Place.block: configureBlock(client)
    case Place.network: configureNetwork(client)
    default: break
    }
  }

  /// The driver has stored into the device's own configuration.
  mutating func storeConfiguration(_ client: Int, _ place: Int, offset: UInt32, value: UInt64) {
    switch place {
    default: break
    }
  }

  /// The device was reset: what it remembers of the client is to be forgotten.
  mutating func forget(_ client: Int, _ place: Int) {
    switch place {
    default: break
    }
  }

  /// Whether a device of the board may still write into the client's memory for a place.
  func isBusy(_ client: Int, _ place: Int) -> Bool {
    switch place {
    case Place.block: disk?.value.isBusy(client) == true
    default: false
    }
  }

  /// Serves a queue for a while. Answers whether there may be more to do at once; a doorbell or one of the board's devices
  /// makes it go on otherwise.
  mutating func serve(_ client: Int, _ place: Int, queue: Int) throws(RingFault) -> Bool {
    switch place {
    case Place.block: try serveBlock(client)
    case Place.network: try serveNetwork(client, queue: queue)
    case Place.entropy: try serveEntropy(client)
    default: false
    }
  }

  /// Acknowledges the interrupts of the board's devices: bit n for number 32 + n.
  func acknowledgeDevices(_ interrupts: UInt64) {
    if let disk, disk.value.interrupt & interrupts != 0 { _ = disk.value.transport.acknowledge() }
    if let network { network.value.acknowledge(interrupts) }
    if let entropy, entropy.value.interrupt & interrupts != 0 { _ = entropy.value.transport.acknowledge() }
  }

  /// What the board's devices have done since the last turn.
  mutating func pollDevices() {
    pollDisk()
    pollNetwork()
    pollEntropy()
  }

  /// Tells the board's devices what they were given in this turn.
  mutating func finishDevices() {
    finishDisk()
    finishNetwork()
  }

  /// Whether a device of the board has done more meanwhile.
  func devicesHaveMore() -> Bool {
    disk?.value.queue.hasUsed == true || network?.value.hasReceived == true
  }

  /// A second has passed.
  mutating func tick() {
    machine.setAlarm(at: machine.counter &+ machine.frequency)
    updateClock()
  }
}
