// A second CPU: start, end, start again, and interrupts between the two.

import GuestMachine
import GuestSupport

private enum Word {
  static let ready: UInt64 = 20
  static let received: UInt64 = 21
  static let entries: UInt64 = 22
}

func checkProcessors() {
  expect("CPU off at first", PowerInterface.call(PowerFunction.affinityInfo64, 1), 1)
  checkStart()
  checkRestarts()
  checkSharedInterrupts()
  checkCrossInterrupts()
  if InterruptController.isVersion2 { checkBanks() }
  checkVectorsTogether()
}

private func partnerIsOff() -> Bool { PowerInterface.call(PowerFunction.affinityInfo64, 1) == 1 }

/// The state in which a CPU starts.
private func checkStart() {
  let state = processor_state(1)
  Shared.write(Word.ready, 0)
  let answer = PowerInterface.startProcessor(1, argument: 0x600D) {
    Shared.write(Word.received, read_MPIDR_EL1())
    Shared.write(Word.ready, $0)
    while Shared.read(Word.ready) != 1 { hint_yield() }
    PowerInterface.call(PowerFunction.off)
    Shared.write(Word.ready, 2)
  }
  expect("CPU starts", answer, 0)
  check("CPU runs with its argument", eventually { Shared.read(Word.ready) == 0x600D })
  expect("CPU identity", Shared.read(Word.received) & 0xFF_80FF_FFFF, 0x8000_0001)
  expect("CPU entry level", state.pointee.entry_level, 4)
  expect("CPU entry stack pointer", state.pointee.entry_stack, 1)
  expect("CPU entry masks", state.pointee.entry_mask, 0x3C0)
  expect("CPU entry MMU and caches off", state.pointee.entry_control & 0x1005, 0)
  expect("CPU on", PowerInterface.call(PowerFunction.affinityInfo64, 1), 0)
  expect(
    "CPU already on", PowerInterface.call(PowerFunction.on64, 1, secondary_entry(), 0), PowerError.alreadyOn)
  Shared.write(Word.ready, 1)
  check("CPU goes off", eventually { partnerIsOff() })
  expect("CPU off does not return", Shared.read(Word.ready), 1)
}

private func checkRestarts() {
  var failures: UInt64 = 0
  Shared.write(Word.entries, 0)
  for round in 1...UInt64(20) {
    let answer = PowerInterface.startProcessor(1) { _ in
      Shared.write(Word.entries, Shared.read(Word.entries) + 1)
      PowerInterface.call(PowerFunction.off)
    }
    // QEMU with a thread for each CPU still answers OFF shortly after CPU_ON: the entry comes first.
    let entered = eventually { Shared.read(Word.entries) == round }
    if answer != 0 || !entered || !eventually({ partnerIsOff() }) { failures += 1 }
  }
  expect("CPU starts again and again", failures, 0)
  expect("CPU ran each time", Shared.read(Word.entries), 20)
}

/// The partner waits in WFI for one interrupt and notes its number.
private func startReceiver() -> Bool {
  Shared.write(Word.ready, 0)
  Shared.write(Word.received, 0)
  let answer = PowerInterface.startProcessor(1) { _ in
    initializeProcessorInterrupts(1)
    write32(PrivateInterrupts(1).clearPending, 0xFFFF)
    write32(PrivateInterrupts(1).setEnable, 0xFFFF)
    if InterruptController.isVersion2 { takeSoftwareInterrupts() }
    Shared.write(Word.ready, 1)
    var interrupt = ProcessorInterface.spurious
    while interrupt == ProcessorInterface.spurious {  // WFI may end without an interrupt
      wait_for_interrupt()
      interrupt = ProcessorInterface.acknowledge()
    }
    ProcessorInterface.end(interrupt)
    Shared.write(Word.received, interrupt + 1)
    PowerInterface.call(PowerFunction.off)
  }
  return answer == 0 && eventually { Shared.read(Word.ready) == 1 }
}

/// Waits for the receiver's number, and for its end.
private func expectReceived(_ name: StaticString, _ interrupt: UInt64) {
  check(name, eventually { Shared.read(Word.received) == interrupt + 1 }, Shared.read(Word.received))
  check("CPU off after its interrupt", eventually { partnerIsOff() })
}

private func checkCrossInterrupts() {
  prepareInterrupts()
  check("SGI receiver ready", startReceiver())
  ProcessorInterface.send(5, targets: 2)
  expectReceived("SGI to the other", 5)
  expect("SGI to the other not to oneself", ProcessorInterface.acknowledge(), ProcessorInterface.spurious)
  check("SGI receiver ready", startReceiver())
  ProcessorInterface.sendToOthers(6)
  expectReceived("SGI to all but oneself", 6)
  expect("SGI to all but oneself not to oneself", ProcessorInterface.acknowledge(), ProcessorInterface.spurious)
  check("SGI receiver ready", startReceiver())
  ProcessorInterface.send(7, targets: 3)
  expectReceived("SGI to both, the other", 7)
  expect("SGI to both, oneself", ProcessorInterface.acknowledge(), 7)
  ProcessorInterface.end(7)
  if !InterruptController.isVersion2 {
    check("SGI receiver ready", startReceiver())
    write32(PrivateInterrupts(1).setPending, 1 << 9)
    expectReceived("SGI set pending by the other's redistributor", 9)
  }
  forgetInterrupts()
}

private func checkSharedInterrupts() {
  prepareInterrupts()
  check("SPI receiver ready", startReceiver())
  Distributor.route(spare, to: 1)
  if !InterruptController.isVersion2 {
    expect("SPI route kept", read64(Distributor.route(spare)), 1)
  }
  write32(Distributor.setPending(1), 1 << 8)
  expectReceived("SPI to the other", spare)
  expect("SPI to the other not to oneself", ProcessorInterface.acknowledge(), ProcessorInterface.spurious)
  expect("SPI to the other is over", read32(Distributor.setActive(1)) & 1 << 8, 0)
  if !InterruptController.isVersion2 || Report.underPocketvisor { checkRerouting() }
  forgetInterrupts()
}

/// QEMU's GICv2 leaves an interrupt with the CPU it was for when it became pending.
private func checkRerouting() {
  check("SPI receiver ready", startReceiver())
  Distributor.route(spare + 1, to: 0)
  write32(Distributor.clearEnable(1), 1 << 9)
  write32(Distributor.setPending(1), 1 << 9)
  Distributor.route(spare + 1, to: 1)
  write32(Distributor.setEnable(1), 1 << 9)
  expectReceived("SPI routed anew while pending", spare + 1)
}
