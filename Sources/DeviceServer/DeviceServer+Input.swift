// Keys and touches on their way from the board's devices to the client in front.

import Virtio

extension DeviceServer {
  /// The queues of events of both devices.
  private static var inputBells: UInt64 { 1 << (Place.keys * 8) | 1 << (Place.touch * 8) }

  /// Takes what the board's devices report, from each at most what its queue holds.
  mutating func pollInput() {
    guard let personas else { return }
    for index in 0..<Personas<Machine>.driverLimit {
      guard let driver = personas.value.drivers[index] else { continue }
      for _ in 0..<InputDriver<Machine>.queueSize {
        guard let event = driver.value.next() else { break }
        perform(personas.value.router.route(event), personas)
      }
    }
  }

  func finishInput() {
    guard let personas else { return }
    for index in 0..<Personas<Machine>.driverLimit { personas.value.drivers[index]?.value.notify(machine) }
  }

  var hasMoreInput: Bool {
    guard let personas else { return false }
    for index in 0..<Personas<Machine>.driverLimit {
      guard let driver = personas.value.drivers[index] else { continue }
      if driver.value.hasMore { return true }
    }
    return false
  }

  /// - Parameter interrupts: bit n for number 32 + n.
  func acknowledgeInput(_ interrupts: UInt64) {
    guard let personas else { return }
    for index in 0..<Personas<Machine>.driverLimit {
      personas.value.drivers[index]?.value.acknowledge(interrupts)
    }
  }

  private mutating func perform(_ action: InputAction, _ personas: Resident<Personas<Machine>>) {
    let front = personas.value.front
    let isTold = isServing(front, action.isKey ? Place.keys : Place.touch)
    switch action {
    case .none: return
    case .next: return bringNextToFront()
    case _ where !isTold: return
    case .key(let code, let isDown):
      personas.value.kept.value.keys[front & 7].key(code, isDown: isDown)
    case .touch(let point): personas.value.kept.value.touches[front & 7].touch(point)
    case .move(let point): personas.value.kept.value.touches[front & 7].move(point)
    case .lift: personas.value.kept.value.touches[front & 7].key(KeyCode.touch, isDown: false)
    }
    clients[front & 7].doorbells |= Self.inputBells
  }

  /// Whatever a client believes to be held down is no longer.
  mutating func releaseInput(_ client: Int) {
    guard let kept = personas?.value.kept else { return }
    kept.value.keys[client & 7].releaseAll(button: InputKind.keys.button)
    kept.value.touches[client & 7].releaseAll(button: InputKind.touch.button)
    clients[client & 7].doorbells |= Self.inputBells
  }

  func offerInput(_ client: Int) -> DeviceOffer {
    guard let personas, personas.value.isMember(client) else { return .none }
    return DeviceOffer(device: DeviceKind.input, features: 0, queues: 2, queueSize: 64)
  }

  func configureInput(_ client: Int, _ place: Int) {
    guard offerInput(client) != .none else { return }
    inputConfiguration(client, place).reset()
  }

  func storeInputConfiguration(_ client: Int, _ place: Int, offset: UInt32, value: UInt64) {
    guard offerInput(client) != .none else { return }
    inputConfiguration(client, place).store(UInt8(truncatingIfNeeded: value), at: offset)
  }

  private func inputConfiguration(_ client: Int, _ place: Int) -> InputConfiguration {
    InputConfiguration(clients[client & 7].page.place(place), place == Place.keys ? .keys : .touch)
  }

  /// The device was reset: nothing was said, and nothing is held.
  func forgetInput(_ client: Int, _ place: Int) {
    guard let kept = personas?.value.kept else { return }
    if place == Place.keys {
      kept.value.keys[client & 7] = InputLine()
    } else {
      kept.value.touches[client & 7] = InputLine()
    }
  }

  /// Queue 0 carries events, queue 1 what the driver says. Answers whether there is more to do at once.
  mutating func serveInput(_ client: Int, _ place: Int, queue: Int) throws(RingFault) -> Bool {
    guard queue == 0 else { return try forgetLamps(client, place) }
    guard let kept = personas?.value.kept else { return false }
    let transports = clients[client & 7].kept
    let memory = clients[client & 7].memory
    let hasSaid =
      place == Place.keys
      ? try transports.value.places[Place.keys].queues[0].say(&kept.value.keys[client & 7], in: memory)
      : try transports.value.places[Place.touch].queues[0].say(&kept.value.touches[client & 7], in: memory)
    if hasSaid { raiseIfWanted(client, place, queue: 0) }
    return false
  }

  private mutating func forgetLamps(_ client: Int, _ place: Int) throws(RingFault) -> Bool {
    let limit = 64
    let transports = clients[client & 7].kept
    let count = try transports.value.places[place & 7].queues[1].forget(
      limit: limit, in: clients[client & 7].memory)
    if count != 0 { raiseIfWanted(client, place, queue: 1) }
    return count == limit
  }
}
