// FF-A 1.2 (ARM DEN 0077): what it answers where no partner is needed.

import GuestMachine
import GuestSupport

extension FrameworkMessage {
  /// Calls and gives the answer.
  fileprivate static func answer(
    _ function: UInt64, _ first: UInt64 = 0, _ second: UInt64 = 0, _ third: UInt64 = 0
  ) -> FrameworkMessage {
    var message = FrameworkMessage(function, first, second, third)
    message.call()
    return message
  }
}

/// Nobody has this identifier.
private let nobody: UInt64 = 0x77
private let invalid = FrameworkError.invalidParameters
private let denied = FrameworkError.denied

/// An error is due; where something else comes, its function number is printed above its w2.
private func expectError(
  _ name: StaticString, _ code: Int32, _ function: UInt64, _ first: UInt64 = 0, _ third: UInt64 = 0
) {
  let answer = FrameworkMessage.answer(function, first, 0, third)
  check(
    name, answer.function == FrameworkFunction.error && answer.error == code,
    answer.function << 32 | answer.registers[2] & 0xFFFF_FFFF)
}

private func expectSuccess(_ name: StaticString, _ answer: FrameworkMessage, _ wanted: UInt64) {
  check(name, answer.isSuccess, answer.function << 32 | answer.registers[2] & 0xFFFF_FFFF)
  expect(name, answer.registers[2], wanted)
}

func checkFramework() {
  let version = FrameworkMessage.answer(FrameworkFunction.version, 0x1_0002).function
  expect("framework version 1.2", version, 0x1_0002)
  guard version == 0x1_0002 else { return }
  let older = FrameworkMessage.answer(FrameworkFunction.version, 0x1_0000).function
  expect("framework version for an older caller", older, 0x1_0002)
  let malformed = FrameworkMessage.answer(FrameworkFunction.version, 1 << 31).function
  expect("framework version malformed", malformed, 0xFFFF_FFFF)
  let identifier = FrameworkMessage.answer(FrameworkFunction.identifier)
  check(
    "framework identifier", identifier.isSuccess && identifier.registers[2] - 1 < 8, identifier.registers[2])
  checkFrameworkFeatures()
  checkPartitions(own: identifier.registers[2])
  checkMissingFunctions()
  checkRequests(own: identifier.registers[2])
  checkListening(own: identifier.registers[2])
  checkNotifications(own: identifier.registers[2])
  check("framework calls keep x8 and up", guest_preserves(FrameworkFunction.identifier) <= 4)
  var secure = FrameworkMessage(FrameworkFunction.version, 0x1_0002)
  check("framework by SMC", secure.callSecurely() && secure.function == 0x1_0002, secure.function)
}

private let present: InlineArray<13, UInt64> = [
  FrameworkFunction.version, FrameworkFunction.features, FrameworkFunction.identifier, FrameworkFunction.wait,
  FrameworkFunction.request, FrameworkFunction.request64, FrameworkFunction.response,
  FrameworkFunction.response64, FrameworkFunction.bind, FrameworkFunction.unbind, FrameworkFunction.set,
  FrameworkFunction.get, FrameworkFunction.partitions,
]

private func isPresent(_ function: UInt64) -> Bool {
  for index in 0..<13 where present[index] == function { return true }
  return false
}

private func checkFrameworkFeatures() {
  var missing: UInt64 = 0
  for index in 0..<13 where !FrameworkMessage.answer(FrameworkFunction.features, present[index]).isSuccess {
    missing |= 1 << UInt64(index)
  }
  expect("framework functions reported", missing, 0)
  expectSuccess(
    "framework notification interrupt", FrameworkMessage.answer(FrameworkFunction.features, 1), 8)
  expectError("framework unknown feature", FrameworkError.notSupported, FrameworkFunction.features, 2)
  expectError(
    "framework unknown function's feature", FrameworkError.notSupported, FrameworkFunction.features, 0x8400_0065
  )
}

/// Every number of the framework that is not in the table.
private func checkMissingFunctions() {
  var wrong: UInt64 = 0
  for function in UInt64(0x8400_0060)..<0x8400_0090 {
    if !isRefused(function) { wrong = function }
    if !isRefused(function | 1 << 30) { wrong = function | 1 << 30 }
  }
  expect("framework unknown functions", wrong, 0)
}

/// Or present.
private func isRefused(_ function: UInt64) -> Bool {
  isPresent(function) || FrameworkMessage.answer(function).error == FrameworkError.notSupported
}

/// One descriptor for each call; this guest's own among them.
private func checkPartitions(own: UInt64) {
  let first = FrameworkMessage.answer(FrameworkFunction.partitions)
  check("framework partitions", first.isSuccess, first.function)
  let last = first.registers[2] & 0xFFFF
  check("framework number of partitions", last < 8 && own - 1 <= last, last)
  let descriptor = FrameworkMessage.answer(FrameworkFunction.partitions, 0, 0, own - 1).registers
  expect("framework partition's size and place", descriptor[2] >> 16, 24 << 32 | own - 1)
  expect("framework partition's identifier", descriptor[3] & 0xFFFF, own)
  expect("framework partition's CPUs", descriptor[3] >> 16 & 0xFFFF, UInt64(Processors.count))
  expect("framework partition takes no request of its own", descriptor[3] >> 32, 0)
  check("framework partition's name", descriptor[4] & 0xFF != 0)
  expectError("framework partition past the last", invalid, FrameworkFunction.partitions, 0, last + 1)
  expectError("framework partition by a name", invalid, FrameworkFunction.partitions, 1)
}

private func checkRequests(own: UInt64) {
  let sender = own << 16
  let forms: InlineArray<2, UInt64> = [FrameworkFunction.request, FrameworkFunction.request64]
  for index in 0..<2 {
    expectError("framework request of another sender", invalid, forms[index], (own + 1) << 16 | own)
    expectError("framework request to oneself", invalid, forms[index], sender | own)
    expectError("framework request to nobody", invalid, forms[index], sender | nobody)
    expectError("framework request to the hypervisor", invalid, forms[index], sender)
  }
  expectError("framework response to oneself", invalid, FrameworkFunction.response, sender | own)
  expectError("framework response to nobody", invalid, FrameworkFunction.response64, sender | nobody)
  expectError("framework run", FrameworkError.notSupported, FrameworkFunction.run, sender)
}

/// The first CPU listens until an interrupt comes; others may not.
private func checkListening(own: UInt64) {
  prepareInterrupts()
  ProcessorInterface.send(1, targets: 1)
  let answer = FrameworkMessage.answer(FrameworkFunction.wait)
  expect("framework listening ends for an interrupt", answer.function, FrameworkFunction.interrupt)
  expect("framework listening ended by", ProcessorInterface.acknowledge(), 1)
  ProcessorInterface.end(1)
  write32(PrivateInterrupts(0).setEnable, 1 << 27)
  write_CNTV_CVAL_EL0(read_CNTVCT_EL0() + 5_000)
  write_CNTV_CTL_EL0(1)
  let later = FrameworkMessage.answer(FrameworkFunction.wait)
  expect("framework listening ends for the timer", later.function, FrameworkFunction.interrupt)
  expect("framework listening ended by the timer", ProcessorInterface.acknowledge(), 27)
  write_CNTV_CTL_EL0(0)
  ProcessorInterface.end(27)
  forgetInterrupts()
  if Processors.count > 1 { checkListeningElsewhere() }
}

private func checkListeningElsewhere() {
  Shared.write(40, 0)
  let start = PowerInterface.startProcessor(1) { _ in
    let answer = FrameworkMessage.answer(FrameworkFunction.wait)
    Shared.write(40, answer.error == FrameworkError.denied ? 1 : 2)
    PowerInterface.call(PowerFunction.off)
  }
  expect("framework second CPU starts", start, 0)
  _ = eventually { Shared.read(40) != 0 }
  expect("framework second CPU may not listen", Shared.read(40), 1)
  check(
    "framework second CPU off", eventually { PowerInterface.call(PowerFunction.affinityInfo64, 1) == 1 })
}

private func checkNotifications(own: UInt64) {
  let bind = FrameworkFunction.bind
  expectError("framework notifications from oneself", invalid, bind, own << 16 | own, 1)
  expectError("framework notifications from nobody", invalid, bind, nobody << 16 | own, 1)
  expectError("framework notifications to another", invalid, bind, own << 16 | nobody, 1)
  expectError(
    "framework notifications unbound of nobody", invalid, FrameworkFunction.unbind, nobody << 16 | own)
  expectError("framework notification to oneself", invalid, FrameworkFunction.set, own << 16 | own, 1)
  expectError("framework notification to nobody", invalid, FrameworkFunction.set, own << 16 | nobody, 1)
  expectError("framework notification of another sender", invalid, FrameworkFunction.set, nobody << 16 | own, 1)
  expectError("framework notifications of another", invalid, FrameworkFunction.get, nobody)
  let pending = FrameworkMessage.answer(FrameworkFunction.get, own)
  expectSuccess("framework notifications", pending, 0)
  expect("framework no notification", pending.registers[4] | pending.registers[5], 0)
}
