// What the vault is for: message authentication codes that only it can make.

import Authentication
import GuestMachine
import GuestSupport

/// The operations of the vault, for one client.
struct VaultService {
  static let amount: UInt64 = 1_299
  static let payee: UInt64 = 0x7A79_7865_7665_6469
  let identifier: UInt64

  private func ask(_ payload: InlineArray<5, UInt64>) -> InlineArray<5, UInt64> {
    Request(service: identifier, payload: payload).response()
  }

  private func code(_ what: StaticString, _ payload: InlineArray<5, UInt64>) -> Digest {
    let answer = ask(payload)
    guard answer[0] == 0 else { Client.fail(what, answer[0]) }
    return Digest(words: InlineArray { answer[1 + $0] })
  }

  /// The code of a payment.
  func authenticate(nonce: UInt64) -> Digest {
    code("authentication", [1, Self.amount, Self.payee, nonce, 0])
  }

  /// The code of bytes in the window.
  func authenticateWindow(offset: UInt64, length: UInt64) -> Digest {
    code("authentication of the window", [2, offset, length, 0, 0])
  }

  /// What the vault says about the code of a payment that stands in the window: 0, or 1 for a wrong one.
  func verify(nonce: UInt64, offset: UInt64) -> UInt64 { ask([3, Self.amount, Self.payee, nonce, offset])[0] }

  /// What the vault answers to a request that it must refuse.
  func status(_ payload: InlineArray<5, UInt64>) -> UInt64 { ask(payload)[0] }
}

/// Has payments authenticated, the first with all checks; `showsCodes` prints it for who knows the key.
func pay(_ service: UInt64, count: UInt64, showsCodes: Bool) {
  let vault = VaultService(identifier: service)
  let first = vault.authenticate(nonce: 1)
  if showsCodes { show(first) }
  checkCodes(vault, first)
  if let window = SharedWindow.first(writable: true) { checkWindow(vault, window, first) }
  Console.write("client: paid, MAC ok\n")
  for nonce in 1..<max(count, 1) where vault.authenticate(nonce: nonce + 1).matches(first) {
    Client.fail("same MAC for nonce", nonce + 1)
  }
  if !vault.authenticate(nonce: 1).matches(first) { Client.fail("another MAC in the end") }
  report(count, " payments\n")
  if tickCount > 0 { report(tickCount, " ticks\n") }
}

func report(_ number: UInt64, _ what: StaticString) {
  Console.write("client: ")
  Console.write(decimal: number)
  Console.write(what)
}

private func show(_ code: Digest) {
  Console.write("client: MAC")
  for index in 0..<4 {
    Console.write(" ")
    Console.write(hex: code.words[index])
  }
  Console.write("\n")
}

private func checkCodes(_ vault: VaultService, _ first: Digest) {
  if vault.authenticate(nonce: 2).matches(first) { Client.fail("same MAC for another nonce") }
  if Digest(words: InlineArray(repeating: 0)).matches(first) { Client.fail("empty MAC") }
}

/// The operations that need a window; each client has a place of its own there.
private func checkWindow(_ vault: VaultService, _ window: SharedWindow, _ code: Digest) {
  let place = Client.identifier << 16
  for index in 0..<UInt64(32) {
    window.write(UInt8(truncatingIfNeeded: code.words[Int(index >> 3)] >> (index & 7 * 8)), at: place + index)
  }
  guard vault.verify(nonce: 1, offset: place) == 0 else { Client.fail("right MAC refused") }
  guard vault.verify(nonce: 2, offset: place) == 1 else { Client.fail("MAC of another payment accepted") }
  window.write(window.byte(at: place + 31) ^ 0x80, at: place + 31)
  guard vault.verify(nonce: 1, offset: place) == 1 else { Client.fail("wrong MAC accepted") }

  let bytes = vault.authenticateWindow(offset: place, length: 4096)
  if !vault.authenticateWindow(offset: place, length: 4096).matches(bytes) {
    Client.fail("window MAC unsteady")
  }
  window.write(window.byte(at: place + 4095) ^ 1, at: place + 4095)
  if vault.authenticateWindow(offset: place, length: 4096).matches(bytes) {
    Client.fail("same MAC for other bytes")
  }
}
