// A direct request from its sending to its response.

import GuestMachine
import GuestSupport

/// Five words for a service.
struct Request {
  let service: UInt64
  let payload: InlineArray<5, UInt64>

  /// The response's x3…x7.
  func response() -> InlineArray<5, UInt64> {
    let answer = deliver()
    if answer.error == FrameworkError.denied {
      Console.write("client: refused\n")
      Client.end()
    }
    guard answer.function == FrameworkFunction.response64 else { Client.fail("request", answer) }
    guard answer.sender == service, answer.receiver == Client.identifier else {
      Client.fail("response of another", answer.registers[1])
    }
    return InlineArray { answer.registers[3 + $0] }
  }

  /// Sends it, again and again where the service serves another client just now.
  private func deliver() -> FrameworkMessage {
    var patience = Patience()
    while true {
      let answer = Client.call(message)
      takeInterrupts()  // those that waited with it
      guard answer.error == FrameworkError.busy, patience.wait() else { return answer }
    }
  }

  private var message: FrameworkMessage {
    var message = FrameworkMessage(FrameworkFunction.request64, Client.identifier << 16 | service)
    for index in 0..<5 { message.registers[3 + index] = payload[index] }
    return message
  }
}
