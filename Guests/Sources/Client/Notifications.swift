// Two clients: one sets notifications, bit by bit, and the other sleeps until it has them all.

import GuestMachine
import GuestSupport

/// As many notifications as wanted, from bit 0 up.
private func bits(_ count: UInt64) -> UInt64 { count < 64 ? 1 << count - 1 : ~0 }

private func message(_ function: UInt64, from sender: UInt64, to receiver: UInt64, _ bits: UInt64)
  -> FrameworkMessage
{
  var message = FrameworkMessage(function, sender << 16 | receiver, 0, bits & 0xFFFF_FFFF)
  message.registers[4] = bits >> 32
  return message
}

/// Takes the notifications of one sender and prints each lot.
func listen(to sender: UInt64, count: UInt64) {
  let feature = Client.call(FrameworkMessage(FrameworkFunction.features, 1))
  guard feature.isSuccess, feature.registers[2] == 8 else { Client.fail("notification interrupt", feature) }
  let wanted = bits(count)
  let bound = Client.call(message(FrameworkFunction.bind, from: sender, to: Client.identifier, wanted))
  guard bound.isSuccess else { Client.fail("bind", bound) }
  Console.write("client: listening\n")
  var received: UInt64 = 0
  while received != wanted {
    wait_for_interrupt()
    takeInterrupts()
    received |= takeNotifications()
  }
  let unbound = Client.call(message(FrameworkFunction.unbind, from: sender, to: Client.identifier, wanted))
  guard unbound.isSuccess else { Client.fail("unbind", unbound) }
  report(count, " notifications\n")
}

private func takeNotifications() -> UInt64 {
  let answer = Client.call(FrameworkMessage(FrameworkFunction.get, Client.identifier, 2))
  guard answer.isSuccess else { Client.fail("notifications", answer) }
  let bits = answer.registers[4] & 0xFFFF_FFFF | answer.registers[5] << 32
  guard bits != 0 else { return 0 }
  Console.write("client: notified ")
  Console.write(hex: bits)
  Console.write("\n")
  return bits
}

/// Sets one bit after the other. The receiver may not be ready yet, which looks as if it did not want them.
func notify(_ receiver: UInt64, count: UInt64) {
  var patience = Patience(tries: 200)
  for bit in 0..<min(count, 64) {
    let notification = message(FrameworkFunction.set, from: Client.identifier, to: receiver, 1 << bit)
    var answer = Client.call(notification)
    while answer.error == FrameworkError.denied, patience.wait() { answer = Client.call(notification) }
    if answer.error == FrameworkError.denied {
      Console.write("client: refused\n")
      Client.end()
    }
    guard answer.isSuccess else { Client.fail("set", answer) }
  }
  report(count, " notifications\n")
}
