// Asks the vault to authenticate payments, and tries what a client must not do. Two of them notify each other.
// Guests/README.md has the boot arguments.

import GuestMachine
import GuestSupport

func runClient() {
  let arguments = BootArguments()
  Client.begin(arguments)
  let service = Client.find(PartitionName(after: "service=") ?? PartitionName("vault"))
  let count = arguments.number("count") ?? 1
  if arguments.has("mode", "listen") { listen(to: service, count: count) }
  if arguments.has("mode", "notify") { notify(service, count: count) }
  if arguments.contains("misuse") { checkMisuse(of: service) }
  if !arguments.contains("mode") { pay(service, count: count, showsCodes: arguments.contains("show")) }
  Client.end()
}

/// What all parts of this guest need to know.
enum Client {
  /// The own FF-A identifier.
  nonisolated(unsafe) private(set) static var identifier: UInt64 = 0
  nonisolated(unsafe) private static var callsSecurely = false
  nonisolated(unsafe) private static var powersOff = false

  /// Prepares the interrupts and asks who this is.
  static func begin(_ arguments: BootArguments) {
    powersOff = arguments.contains("off")
    callsSecurely = arguments.contains("smc")
    prepareInterrupts(tick: arguments.number("tick"))
    let version = call(FrameworkMessage(FrameworkFunction.version, 0x1_0002))
    if version.error != 0 { fail("no FF-A") }
    guard version.function == 0x1_0002 else { fail("FF-A version", version.function) }
    let answer = call(FrameworkMessage(FrameworkFunction.identifier))
    guard answer.isSuccess else { fail("ID", answer) }
    identifier = answer.registers[2]
  }

  /// The identifier of the VM with this name.
  static func find(_ name: PartitionName) -> UInt64 {
    var index: UInt64 = 0
    var last: UInt64 = 0
    repeat {
      let answer = call(FrameworkMessage(FrameworkFunction.partitions, 0, 0, index))
      guard answer.isSuccess else { fail("partition", answer) }
      if PartitionName(answer.registers[4], answer.registers[5]) == name { return answer.registers[3] & 0xFFFF }
      last = answer.registers[2] & 0xFFFF
      index += 1
    } while index <= last
    fail("no such service")
  }

  static func call(_ message: FrameworkMessage) -> FrameworkMessage {
    var answer = message
    if !callsSecurely {
      answer.call()
    } else if !answer.callSecurely() {
      fail("no SMC")
    }
    return answer
  }

  /// The end, as the boot arguments want it.
  static func end() -> Never {
    if powersOff { PowerInterface.systemOff() }
    while true { sleep(microseconds: 1_000_000) }
  }

  /// Something went as it must not.
  static func fail(_ what: StaticString, _ detail: UInt64 = 0) -> Never {
    Console.write("client: FAIL ")
    Console.write(what)
    if detail != 0 {
      Console.write(" ")
      Console.write(hex: detail)
    }
    Console.write("\n")
    end()
  }

  /// The same because of an answer: what it is, or its error code.
  static func fail(_ what: StaticString, _ answer: FrameworkMessage) -> Never {
    fail(what, answer.error == 0 ? answer.function : UInt64(UInt32(bitPattern: answer.error)))
  }
}
