// Carrying requests between the clients' ports `vault` and the vault. The server waits for nobody: a request is laid into
// the mailbox, and the answer is looked for in later turns (Decisions/0018).

import Payments
import Virtio

/// The shared windows, one behind the other.
enum SharedWindows {
  /// Bytes of each.
  static let size: UInt64 = 0x20_0000
}

extension DeviceServer {
  /// Requests that one port is served at once.
  private static var requestLimit: Int { 8 }

  /// The vault of a client, if it has one and may use it.
  private func vault(of client: Int) -> Int? {
    let description = clients[client & 7].description
    return description.mayPay ? description.vault : nil
  }

  /// The window that a vault and this server share.
  private func mailbox(of vault: Int) -> PaymentMailbox {
    let window = UInt64(clients[vault & 7].description.mailbox)
    let address = window &* SharedWindows.size
    return PaymentMailbox(
      window == 0 ? .empty : memory.windows.part(at: address, size: SharedWindows.size, start: 0))
  }

  private func isUp(_ vault: Int) -> Bool {
    clients[vault & 7].page.phase & ~MachinePhase.paused == MachinePhase.running
  }

  /// Lets the vaults wake the server, and settles what a server before this one has asked: whether that was answered, this
  /// one cannot know.
  mutating func startVaults() {
    for client in 0..<8 where clients[client].description.mailbox != 0 {
      machine.acceptNotifications(from: client)
    }
    guard let consoles else { return }
    for client in 0..<8 where consoles.value.kept.value.clients[client].isAsking != 0 {
      consoles.value.clients[client].vault.refuse(.noAnswer)
      settle(client, consoles)
    }
  }

  // MARK: Requests

  /// Takes lines from the port, as long as each is answered at once.
  mutating func takeRequests(_ client: Int) throws(RingFault) -> Bool {
    guard let consoles else { return false }
    for _ in 0..<Self.requestLimit {
      guard consoles.value.clients[client & 7].vault.isIdle else { return false }
      if consoles.value.clients[client & 7].vault.line() == nil {
        guard let chain = try takeConsoleChain(client, ConsoleDevice.transmitVault) else { return false }
        var cursor = ChainCursor(chain, in: clients[client & 7].memory)
        if try !consoles.value.clients[client & 7].vault.take(&cursor) {
          consoles.value.clients[client & 7].vault.refuse(.malformed)
        }
        completeConsoleChain(client, ConsoleDevice.transmitVault, cursor.head, length: 0)
      }
      if consoles.value.clients[client & 7].vault.isIdle { handleLine(client, consoles) }
      try deliverAnswer(client)
    }
    return true
  }

  private mutating func handleLine(_ client: Int, _ consoles: Resident<Consoles>) {
    guard let line = consoles.value.clients[client & 7].vault.line() else { return }
    let request = PaymentRequest(line)
    consoles.value.clients[client & 7].vault.dropLine()
    if let reason = ask(client, request, consoles) {
      consoles.value.clients[client & 7].vault.refuse(reason)
    }
  }

  /// Lays a request before the vault; answers why not.
  private mutating func ask(
    _ client: Int, _ request: PaymentRequest?, _ consoles: Resident<Consoles>
  ) -> PaymentRefusal? {
    guard let vault = vault(of: client) else { return .notAllowed }
    guard let request else { return .malformed }
    let mailbox = mailbox(of: vault)
    guard mailbox.isThere, isUp(vault) else { return .vaultAway }
    machine.clearNotifications()
    consoles.value.clients[client & 7].vault.begin(mailbox.ask(client, request))
    consoles.value.kept.value.clients[client & 7].isAsking = 1
    clients[vault & 7].signal.interrupts |= 1 &<< UInt32(PaymentMailbox.virtioPlace)
    return nil
  }

  /// The program that asked is gone. An answer that still comes has another number than the next request.
  mutating func forgetPayment(_ client: Int) {
    consoles?.value.clients[client & 7].vault.reset()
    consoles?.value.kept.value.clients[client & 7].isAsking = 0
  }

  // MARK: Answers

  /// Looks for answers.
  mutating func pollVault() {
    guard let consoles else { return }
    for client in 0..<8 where consoles.value.clients[client].vault.isAsking {
      guard let vault = vault(of: client) else { continue }
      machine.clearNotifications()
      let number = consoles.value.clients[client].vault.number
      switch mailbox(of: vault).answer(to: client, number: number) {
      case .paid(let code): consoles.value.clients[client].vault.pay(code)
      case .refused: consoles.value.clients[client].vault.refuse(.refusedByVault)
      case nil where !isUp(vault): consoles.value.clients[client].vault.refuse(.vaultAway)
      case nil: continue
      }
      settle(client, consoles)
    }
  }

  /// A second has passed: a vault that does not answer is not waited for.
  mutating func ageRequests() {
    guard let consoles else { return }
    for client in 0..<8 where consoles.value.clients[client].vault.wait() {
      consoles.value.clients[client].vault.refuse(.noAnswer)
      settle(client, consoles)
    }
  }

  /// The program gets its answer in the client's turn.
  private mutating func settle(_ client: Int, _ consoles: Resident<Consoles>) {
    consoles.value.kept.value.clients[client & 7].isAsking = 0
    clients[client & 7].doorbells |= 1 &<< UInt64(Place.console &* 8 &+ ConsoleDevice.receiveVault)
  }

  /// Gives the program its answer, as far as it has buffers.
  mutating func deliverAnswer(_ client: Int) throws(RingFault) {
    guard let consoles else { return }
    while consoles.value.clients[client & 7].vault.answerCount != 0 {
      guard let chain = try takeConsoleChain(client, ConsoleDevice.receiveVault) else { return }
      var cursor = ChainCursor(chain, in: clients[client & 7].memory)
      try consoles.value.clients[client & 7].vault.deliver(&cursor)
      completeConsoleChain(client, ConsoleDevice.receiveVault, cursor.head, length: cursor.written)
    }
  }
}
