// A client's entropy device (virtio 5.4).

import Virtio

extension DeviceServer {
  /// Bytes that one request gets at most.
  private static var entropyLimit: UInt32 { 64 }

  /// Starts the board's source.
  mutating func startEntropy() {
    guard let device = board.device(DeviceKind.entropy, of: machine) else { return }
    do {
      entropy = try EntropySource(
        DriverTransport(machine.registers(at: device.address)), interrupt: device.event, arena: &arena
      ).flatMap { arena.take(of: $0) }
      machine.enable(interrupt: device.interrupt)
    } catch {
      report("entropy", error)
    }
  }

  func offerEntropy(_ client: Int) -> DeviceOffer {
    guard entropy != nil, clients[client & 7].description.hasEntropy else { return .none }
    return DeviceOffer(device: DeviceKind.entropy, features: 0, queues: 1, queueSize: 8)
  }

  /// Fills a client's buffers from the pool; one that is empty makes it wait.
  mutating func serveEntropy(_ client: Int) throws(RingFault) -> Bool {
    guard let entropy else { return false }
    let memory = clients[client & 7].memory
    while clients[client & 7].kept.value.places[Place.entropy].queues[0].hasAvailable(in: memory) {
      guard entropy.value.count != 0 else {
        entropy.value.waiting |= 1 &<< UInt32(client)
        machine.barrier()
        entropy.value.ask()
        return false
      }
      let chain = try clients[client & 7].kept.value.places[Place.entropy].queues[0].take(from: memory)
      guard let chain else { return false }
      var cursor = ChainCursor(chain, in: memory)
      let bytes = min(entropy.value.count, Self.entropyLimit)
      let written = try cursor.write(bytes, from: self.memory.own, at: entropy.value.next)
      entropy.value.consume(bytes)
      clients[client & 7].kept.value.places[Place.entropy].queues[0].complete(
        chain.head, length: written, in: memory)
      raiseIfWanted(client, Place.entropy, queue: 0)
    }
    return false
  }

  /// Takes what the board's source gave, and lets those go on that wait for it.
  mutating func pollEntropy() {
    guard let entropy, entropy.value.refill() else { return }
    let waiting = entropy.value.waiting
    entropy.value.waiting = 0
    for client in 0..<8 where waiting &>> UInt32(client) & 1 != 0 {
      clients[client].doorbells |= 1 &<< UInt64(Place.entropy &* 8)
    }
  }
}
