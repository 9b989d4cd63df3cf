// What no VM may do, and what answers it. All of it is over at once: nothing here may block.

import GuestMachine
import GuestSupport

/// Nobody's identifier.
private let nobody: UInt64 = 0x7777

func checkMisuse(of service: UInt64) {
  checkRequests(service)
  checkTurns(service)
  checkNotifications(service)
  checkDiscovery()
  checkPayloads(VaultService(identifier: service))
  Console.write("client: misuse answered\n")
}

/// A call that must come back with an error.
private func expect(
  _ error: Int32, _ what: StaticString, _ function: UInt64, _ first: UInt64 = 0, _ second: UInt64 = 0,
  _ third: UInt64 = 0
) {
  let answer = Client.call(FrameworkMessage(function, first, second, third))
  guard answer.error == error else { Client.fail(what, answer) }
}

private func checkRequests(_ service: UInt64) {
  checkRequests(service, by: FrameworkFunction.request)
  checkRequests(service, by: FrameworkFunction.request64)
}

private func checkRequests(_ service: UInt64, by function: UInt64) {
  let (own, error) = (Client.identifier, FrameworkError.invalidParameters)
  expect(error, "request of another", function, nobody << 16 | service)
  expect(error, "request of the hypervisor", function, service)
  expect(error, "request to oneself", function, own << 16 | own)
  expect(error, "request to nobody", function, own << 16 | nobody)
  expect(error, "request to the hypervisor", function, own << 16)
  expect(error, "request with flags", function, own << 16 | service, 1)
}

/// Calls that somebody else's come before.
private func checkTurns(_ service: UInt64) {
  let (own, error) = (Client.identifier, FrameworkError.denied)
  expect(error, "response to nothing", FrameworkFunction.response, own << 16 | service)
  expect(error, "64-bit response to nothing", FrameworkFunction.response64, own << 16 | service)
  startTimer(microseconds: 1_000)
  repeat {
    let answer = Client.call(FrameworkMessage(FrameworkFunction.wait))
    guard answer.function == FrameworkFunction.interrupt else { Client.fail("wait for nobody", answer) }
    takeInterrupts()
  } while read_CNTV_CTL_EL0() != 0
}

private func checkNotifications(_ service: UInt64) {
  let (own, invalid) = (Client.identifier, FrameworkError.invalidParameters)
  expect(FrameworkError.denied, "set of what is not bound", FrameworkFunction.set, own << 16 | service, 0, 1)
  expect(invalid, "set for another", FrameworkFunction.set, nobody << 16 | service, 0, 1)
  expect(invalid, "set to nobody", FrameworkFunction.set, own << 16 | nobody, 0, 1)
  expect(invalid, "bind for another", FrameworkFunction.bind, own << 16 | service, 0, 1)
  expect(invalid, "bind of nobody", FrameworkFunction.bind, nobody << 16 | own, 0, 1)
  expect(invalid, "unbind for another", FrameworkFunction.unbind, own << 16 | service, 0, 1)
  expect(invalid, "get for another", FrameworkFunction.get, service, 2)
  let answer = Client.call(FrameworkMessage(FrameworkFunction.get, own, 2))
  guard answer.isSuccess, answer.registers[4] | answer.registers[5] == 0 else { Client.fail("get", answer) }
}

private func checkDiscovery() {
  let (invalid, notSupported) = (FrameworkError.invalidParameters, FrameworkError.notSupported)
  expect(notSupported, "version with bit 31", FrameworkFunction.version, 1 << 31)
  expect(notSupported, "feature of an unknown function", FrameworkFunction.features, 0x8400_008F)
  expect(notSupported, "unknown feature", FrameworkFunction.features, 2)
  expect(notSupported, "FFA_RUN", FrameworkFunction.run, 1 << 16)
  expect(notSupported, "unknown function", 0x8400_008F)
  expect(notSupported, "unknown 64-bit function", 0xC400_0060)
  expect(invalid, "partition past the last", FrameworkFunction.partitions, 0, 0, 0xFFFF)
  expect(invalid, "partition by another UUID", FrameworkFunction.partitions, 1)
}

/// What the vault itself must refuse, with every edge of its window.
private func checkPayloads(_ vault: VaultService) {
  let size: UInt64 = 2 << 20
  let unknown: InlineArray<4, UInt64> = [0, 4, 1 << 32 | 1, ~0]
  for index in 0..<4 where vault.status([unknown[index], 0, 0, 0, 0]) != ~0 {
    Client.fail("unknown operation", unknown[index])
  }
  let offsets: InlineArray<6, UInt64> = [size, size - 31, ~0, ~0 - 30, 1 << 63, 0 &- size]
  for index in 0..<6 {
    let offset = offsets[index]
    guard vault.status([2, offset, 32, 0, 0]) == ~1 else { Client.fail("bytes outside of the window", offset) }
    guard vault.status([3, 0, 0, 0, offset]) == ~1 else { Client.fail("MAC outside of the window", offset) }
  }
  let lengths: InlineArray<5, UInt64> = [0, 4_097, size, 1 << 63, ~0]
  for index in 0..<5 where vault.status([2, 1, lengths[index], 0, 0]) != ~1 {
    Client.fail("length", lengths[index])
  }
}
