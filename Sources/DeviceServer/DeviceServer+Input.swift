// Keys and touches on their way from the board's devices to the client in front.

import Virtio

extension DeviceServer {
  private static var keysBell: UInt64 { 1 << (Place.keys * 8) }
  private static var touchBell: UInt64 { 1 << (Place.touch * 8) }

  /// Takes what the board's devices report.
  mutating func pollInput() {
    for index in 0..<Personas<Machine>.driverLimit {
      // No more than one queue full at a time.
      for _ in 0..<32 {
        guard let event = personas.drivers[index]?.next() else { break }
        perform(personas.router.route(event))
      }
    }
  }

  mutating func notifyInput() {
    let machine = machine
    for index in 0..<Personas<Machine>.driverLimit { personas.drivers[index]?.notify(machine) }
  }

  var hasMoreInput: Bool {
    for index in 0..<Personas<Machine>.driverLimit where personas.drivers[index]?.hasMore == true { return true }
    return false
  }

  /// - Parameter interrupts: bit n for number 32 + n.
  func acknowledgeInput(_ interrupts: UInt64) {
    for index in 0..<Personas<Machine>.driverLimit {
      guard let driver = personas.drivers[index] else { continue }
      if interrupts &>> UInt64(driver.device.interrupt &- 32) & 1 != 0 { driver.acknowledge() }
    }
  }

  private mutating func perform(_ action: InputAction) {
    switch action {
    case .none: return
    case .next: bringNextToFront()
    case .key(let code, let isDown): sayToFront(.keys) { $0.key(code, isDown: isDown) }
    case .touch(let point): sayToFront(.touch) { $0.touch(point) }
    case .move(let point): sayToFront(.touch) { $0.move(point) }
    case .lift: sayToFront(.touch) { $0.key(KeyCode.touch, isDown: false) }
    }
  }

  /// Adds to what the client in front is told; a client without a driver is told nothing.
  private mutating func sayToFront(_ kind: InputKind, _ change: (inout InputLine) -> Void) {
    guard let front = personas.front else { return }
    let place = kind == .keys ? Place.keys : Place.touch
    guard clients[front & 7].kept.value.places[place & 7].isLive else { return }
    if kind == .keys {
      change(&personas.kept.value.keys[front & 7])
      clients[front & 7].doorbells |= Self.keysBell
    } else {
      change(&personas.kept.value.touches[front & 7])
      clients[front & 7].doorbells |= Self.touchBell
    }
  }

  /// Whatever a client believes to be held down is no longer.
  mutating func releaseInput(_ client: Int) {
    personas.kept.value.keys[client & 7].releaseAll(button: InputKind.keys.button)
    personas.kept.value.touches[client & 7].releaseAll(button: InputKind.touch.button)
    clients[client & 7].doorbells |= Self.keysBell | Self.touchBell
  }

  func offerInput(_ client: Int) -> DeviceOffer {
    guard personas.isMember(client) else { return .none }
    return DeviceOffer(device: DeviceKind.input, features: 0, queues: 2, queueSize: 64)
  }

  func configureInput(_ client: Int, _ place: Int) {
    inputConfiguration(client, place).reset()
  }

  func storeInputConfiguration(_ client: Int, _ place: Int, offset: UInt32, value: UInt64) {
    guard personas.isMember(client) else { return }
    inputConfiguration(client, place).store(UInt8(truncatingIfNeeded: value), at: offset)
  }

  private func inputConfiguration(_ client: Int, _ place: Int) -> InputConfiguration {
    InputConfiguration(clients[client & 7].page.place(place), place == Place.keys ? .keys : .touch)
  }

  /// The device was reset: nothing was said, and nothing is held.
  func forgetInput(_ client: Int, _ place: Int) {
    if place == Place.keys {
      personas.kept.value.keys[client & 7] = InputLine()
    } else {
      personas.kept.value.touches[client & 7] = InputLine()
    }
  }

  /// Queue 0 carries events, queue 1 what the driver says. Answers whether there is more to do at once.
  mutating func serveInput(_ client: Int, _ place: Int, queue: Int) throws(RingFault) -> Bool {
    let kept = clients[client & 7].kept
    let memory = clients[client & 7].memory
    let hasUsed: Bool
    var isBusy = false
    if queue == 0 {
      hasUsed = try sayInput(client, place)
    } else {
      let count = try kept.value.places[place & 7].queues[queue & 7].forget(limit: 64, in: memory)
      hasUsed = count != 0
      isBusy = count == 64
    }
    if hasUsed, interrupt(client, place, queue: queue) { raise(client, place) }
    return isBusy
  }

  private mutating func sayInput(_ client: Int, _ place: Int) throws(RingFault) -> Bool {
    let kept = clients[client & 7].kept
    let memory = clients[client & 7].memory
    if place == Place.keys {
      return try kept.value.places[place & 7].queues[0].say(
        &personas.kept.value.keys[client & 7], in: memory)
    }
    return try kept.value.places[place & 7].queues[0].say(
      &personas.kept.value.touches[client & 7], in: memory)
  }
}
