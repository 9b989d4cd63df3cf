// What a GICv2 keeps for each CPU at one and the same address, and the senders of SGIs (ARM IHI 0048).

import GuestMachine
import GuestSupport

private enum Word {
  static let done: UInt64 = 30
  static let targets: UInt64 = 31
  static let enables: UInt64 = 32
  static let priority: UInt64 = 33
  static let mask: UInt64 = 34
}

private let banked: UInt64 = 15

func checkBanks() {
  prepareInterrupts()
  let own = PrivateInterrupts(0)
  write8(own.priority(banked), 0x40)
  ProcessorInterface.priorityMask = 0xF0
  check("bank partner ends", runPartner(lookAtBank))
  expect("bank targets of this CPU", read32(Distributor.target(0)), 0x0101_0101)
  expect("bank targets of the other", Shared.read(Word.targets), 0x0202_0202)
  expect("bank enables of the other at first", Shared.read(Word.enables) >> 20 & 1, 0)
  expect("bank enables of this CPU stay", read32(own.setEnable) >> 20 & 1, 1)
  expect("bank priority of this CPU stays", UInt64(read8(own.priority(banked))), 0x40)
  expect("bank priority of the other", Shared.read(Word.priority), 0x80)
  expect("bank priority mask of this CPU stays", ProcessorInterface.priorityMask, 0xF0)
  expect("bank priority mask of the other", Shared.read(Word.mask), 0x80)
  checkSenders()
  forgetInterrupts()
}

/// Runs code on the second CPU, which ends by going off.
private func runPartner(_ body: @convention(c) (UInt64) -> Void) -> Bool {
  Shared.write(Word.done, 0)
  let answer = PowerInterface.startProcessor(1, body)
  return answer == 0 && eventually { Shared.read(Word.done) == 1 }
    && eventually { PowerInterface.call(PowerFunction.affinityInfo64, 1) == 1 }
}

private func lookAtBank(_: UInt64) {
  let own = PrivateInterrupts(1)
  initializeProcessorInterrupts(1)
  Shared.write(Word.targets, UInt64(read32(Distributor.target(0))))
  Shared.write(Word.enables, UInt64(read32(own.setEnable)))
  write8(own.priority(banked), 0x80)
  Shared.write(Word.priority, UInt64(read8(own.priority(banked))))
  ProcessorInterface.priorityMask = 0x80
  Shared.write(Word.mask, ProcessorInterface.priorityMask)
  leave()
}

private func leave() {
  Shared.write(Word.done, 1)
  PowerInterface.call(PowerFunction.off)
}

/// An SGI of the other CPU names it. Sent by both it comes twice on hardware, which keeps a bit for each
/// sender; a hypervisor may keep the last one.
private func checkSenders() {
  prepareInterrupts()
  check("sender partner ends", runPartner(sendToFirst))
  expect("sender's SGI comes", ProcessorInterface.acknowledge(), 4)
  expect("sender is the other", Senders.sender(4), 1)
  ProcessorInterface.end(4)
  expect("sender's SGI comes once", ProcessorInterface.acknowledge(), ProcessorInterface.spurious)
  check("sender partner ends", runPartner(sendToFirst))
  ProcessorInterface.send(4, targets: 1)
  expect("senders' SGI comes", ProcessorInterface.acknowledge(), 4)
  check("sender is one of two", Senders.sender(4) < 2, Senders.sender(4))
  ProcessorInterface.end(4)
  let second = ProcessorInterface.acknowledge()
  check("senders' SGI comes at most twice", second == 4 || second == ProcessorInterface.spurious, second)
  if second == 4 { ProcessorInterface.end(4) }
  expect("senders' SGI is over", ProcessorInterface.acknowledge(), ProcessorInterface.spurious)
}

private func sendToFirst(_: UInt64) {
  ProcessorInterface.send(4, targets: 1)
  leave()
}
