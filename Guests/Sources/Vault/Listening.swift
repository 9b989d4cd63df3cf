// Holds a key that nobody else has, and authenticates payments with it for the VMs that may ask: by FF-A direct requests, or
// through the device server's mailbox. Guests/README.md describes both.

import Authentication
import GuestMachine
import GuestSupport

func runVault() {
  guard let key = takeKey() else { stop("no key") }
  var vault = Vault(authentication: key)
  let mailbox = Mailbox()
  Console.write("vault: ready\n")
  var message = FrameworkMessage(0)
  while true {
    listen(&message, mailbox, &vault)
    message = vault.answer(message)
    message.call()
  }
}

/// Takes the key out of the device tree; it stays nowhere as it is. Zeros are no key: it was taken before.
private func takeKey() -> MessageAuthentication? {
  guard let place = BoardTree.value("pocketvisor,key\0"), place.upperBound &- place.lowerBound == 32 else {
    return nil
  }
  var key = InlineArray<32, UInt8>(repeating: 0)
  var union: UInt8 = 0
  for index in 0..<32 {
    let address = place.lowerBound &+ UInt64(index)
    key[index] = read8(address)
    union |= key[index]
    write8(address, 0)
  }
  return union == 0 ? nil : MessageAuthentication(key: key)
}

/// Waits until `message`, what the last call answered, is a request. It is none where the client was stopped before its
/// response, nor where an interrupt came: the device server's, that there is something in the mailbox.
private func listen(_ message: inout FrameworkMessage, _ mailbox: Mailbox?, _ vault: inout Vault) {
  while !message.isRequest {
    mailbox?.serve(&vault)
    message = FrameworkMessage(FrameworkFunction.wait)
    message.call()
    if message.error != 0 { stop("no FF-A") }
  }
}

private func stop(_ reason: StaticString) -> Never {
  Console.write("vault: FAIL ")
  Console.write(reason)
  Console.write("\n")
  PowerInterface.systemOff()
}
