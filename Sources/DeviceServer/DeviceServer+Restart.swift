// What a server does about clients that run already: one before it has stopped, and the hypervisor has started it again.

import Virtio

extension DeviceServer {
  /// Goes on with what the last server kept. A client whose devices make no sense any more has to reset them.
  mutating func resume() {
    let header = memory.kept.part(at: KeptPlace.header, size: 16, start: 0)
    let isKept = header.load64(0) == KeptPlace.magic
    for client in 0..<8 where served &>> UInt32(client) & 1 != 0 && isRunning(client) {
      resume(client, isKept: isKept)
    }
    header.store64(0, KeptPlace.magic)
  }

  private func isRunning(_ client: Int) -> Bool {
    clients[client].page.phase & ~MachinePhase.paused == MachinePhase.running
      && clients[client].page.waitingStore(0)?.isPowerOn != true
  }

  private mutating func resume(_ client: Int, isKept: Bool) {
    let page = clients[client & 7].page
    let memory = machine.memory(of: client, size: page.sharedSize, busStart: page.busAddress)
    clients[client & 7].memory = memory
    for place in 0..<Place.count {
      let offer = offer(client, place)
      guard offer.device != 0 else { continue }
      let isSound =
        isKept
        && clients[client & 7].kept.value.places[place & 7].resume(
          offer, memory: memory, registers: page.place(place))
      if !isSound { breakDown(client, place, offer) }
      // Whatever the last server was about to do or to tell.
      clients[client & 7].doorbells |= 0xFF &<< UInt64(place &* 8)
      page.place(place).or32(UInt64(TransportRegister.interruptStatus), InterruptReason.usedBuffer)
      clients[client & 7].signal.interrupts |= 1 &<< UInt32(place)
    }
  }

  /// What was kept of a device is lost: its driver is told to reset it.
  private mutating func breakDown(_ client: Int, _ place: Int, _ offer: DeviceOffer) {
    let registers = clients[client & 7].page.place(place)
    clients[client & 7].kept.value.places[place & 7].reset(offer, registers: registers)
    configure(client, place)
    clients[client & 7].kept.value.places[place & 7].fail(registers: registers)
    registers.or32(UInt64(TransportRegister.interruptStatus), InterruptReason.configurationChange)
  }
}
