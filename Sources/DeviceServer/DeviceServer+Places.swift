// Which device is at which place: one switch for each thing that a transport asks of its device.

import Virtio

extension DeviceServer {
  /// What a client finds at a place.
  func offer(_ client: Int, _ place: Int) -> DeviceOffer {
    var offer: DeviceOffer
    switch place {
    case Place.keys, Place.touch: offer = offerInput(client)
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
    case Place.keys, Place.touch: configureInput(client, place)
    default: break
    }
  }

  /// The driver has stored into the device's own configuration.
  mutating func storeConfiguration(_ client: Int, _ place: Int, offset: UInt32, value: UInt64) {
    switch place {
    case Place.keys, Place.touch: storeInputConfiguration(client, place, offset: offset, value: value)
    default: break
    }
  }

  /// The device was reset: what it remembers of the client is to be forgotten. No chain is in flight.
  mutating func forget(_ client: Int, _ place: Int) {
    switch place {
    case Place.keys, Place.touch: forgetInput(client, place)
    default: break
    }
  }

  /// Serves a queue for a while. Answers whether there may be more to do at once; a doorbell or one of the board's devices
  /// makes it go on otherwise.
  mutating func serve(_ client: Int, _ place: Int, queue: Int) throws(RingFault) -> Bool {
    switch place {
    case Place.keys, Place.touch: return try serveInput(client, place, queue: queue)
    default: return false
    }
  }

  /// The board's devices: what they have done since the last turn.
  mutating func pollDevices() { pollInput() }

  /// Tells the board's devices what they were given in this turn.
  mutating func notifyDevices() { notifyInput() }

  /// Whether a device of the board has done more meanwhile.
  func devicesHaveMore() -> Bool { hasMoreInput }

  /// Acknowledges the interrupts of the board's devices: bit n for number 32 + n.
  mutating func acknowledgeDevices(_ interrupts: UInt64) { acknowledgeInput(interrupts) }

  /// A second has passed.
  mutating func tick() {}
}
