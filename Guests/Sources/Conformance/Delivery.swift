// From pending to handled. Interrupts stay masked: the acknowledge register tells what would be taken.

import GuestMachine
import GuestSupport

private let none = ProcessorInterface.spurious
private var first: PrivateInterrupts { PrivateInterrupts(0) }

/// SGIs 0…15, PPI 20 and the spare shared interrupts 40…47: enabled, edges, at priority 0xA0.
func prepareInterrupts() {
  Distributor.enable()
  initializeProcessorInterrupts(0)
  write32(first.setEnable, 0xFFFF | 1 << 20)
  Distributor.initializeGroup()
  write32(Distributor.configuration(spare / 16), 0xAAAA_AAAA)
  for interrupt in spare..<spare + 8 {
    write8(Distributor.priority(interrupt), 0xA0)
    Distributor.route(interrupt, to: 0)
  }
  write32(Distributor.setEnable(1), 0xFF << 8)
}

/// Undoes `prepareInterrupts`, whatever state a failed check left.
func forgetInterrupts() {
  ProcessorInterface.initialize()
  for interrupt in 0..<UInt64(64) where interrupt < 21 || interrupt >= spare {
    ProcessorInterface.end(interrupt)
  }
  if InterruptController.isVersion2 { takeSoftwareInterrupts() }
  for offset in stride(from: UInt64(0x180), through: 0x380, by: 0x100) {  // enables, pending, active
    write32(first.base + offset, 0xFFFF_FFFF)
    write32(Distributor.base + offset + 4, 0xFFFF_FFFF)
  }
}

/// A pending SGI of a GICv2 goes only by being handled, on the CPU that has it.
func takeSoftwareInterrupts() {
  write32(PrivateInterrupts(0).setEnable, 0xFFFF)
  for _ in 0..<64 {
    let interrupt = ProcessorInterface.acknowledge()
    if interrupt < 1020 { ProcessorInterface.end(interrupt) }
  }
}

/// Acknowledges, which must give `wanted`, and ends it.
private func expectInterrupt(_ name: StaticString, _ wanted: UInt64) {
  let interrupt = ProcessorInterface.acknowledge()
  expect(name, interrupt, wanted)
  if interrupt < 1020 { ProcessorInterface.end(interrupt) }
}

func checkDelivery() {
  prepareInterrupts()
  expectInterrupt("delivery nothing pending", none)
  checkSources()
  checkGates()
  checkActiveState()
  checkSeparateDeactivation()
  checkHandler()
  checkWaiting()
  forgetInterrupts()
}

private func checkSources() {
  ProcessorInterface.send(3, targets: 1)
  check("delivery SGI signals", read_ISR_EL1() & 0x80 != 0)
  expect("delivery SGI is highest pending", ProcessorInterface.highestPending, 3)
  expect("delivery SGI is pending", read32(first.setPending) & 8, 8)
  expectInterrupt("delivery SGI to self", 3)
  expectInterrupt("delivery SGI comes once", none)
  if canSetPrivatePending {
    write32(first.setPending, 1 << 20)
    expectInterrupt("delivery PPI set pending", 20)
  }
  write32(Distributor.setPending(1), 1 << 8)
  expectInterrupt("delivery SPI set pending", spare)
  expect("delivery SPI no longer pending", read32(Distributor.setPending(1)) & 1 << 8, 0)
  write32(Distributor.setPending(1), 1 << 8)
  write32(Distributor.clearPending(1), 1 << 8)
  expectInterrupt("delivery cleared SPI does not come", none)
  ProcessorInterface.sendToOthers(6)
  expectInterrupt("delivery SGI to all but self does not come", none)
  ProcessorInterface.send(7, targets: InterruptController.isVersion2 ? 1 << 7 : 1 << 15)
  expectInterrupt("delivery SGI to nobody does not come", none)
  InterruptController.isVersion2 ? checkOldSoftwareInterrupts() : checkNewSoftwareInterrupts()
}

/// GICv2: SGIs are made by GICD_SGIR alone, and carry their sender.
private func checkOldSoftwareInterrupts() {
  write32(first.setPending, 1 << 4)
  expectInterrupt("delivery SGI is not set pending", none)
  write32(Distributor.softwareInterrupt, 2 << 24 | 5)
  write32(first.clearPending, 1 << 5)
  expectInterrupt("delivery SGI to self by filter, not cleared", 5)
  expect("delivery SGI sender", Senders.sender(5), 0)
}

/// GICv3: SGIs are set pending and cleared like others, and ask for a group.
private func checkNewSoftwareInterrupts() {
  write32(first.setPending, 1 << 4)
  expectInterrupt("delivery SGI set pending", 4)
  ProcessorInterface.send(5, targets: 1)
  write32(first.clearPending, 1 << 5)
  expectInterrupt("delivery cleared SGI does not come", none)
  write32(first.group, ~(1 << 8))
  ProcessorInterface.send(8, targets: 1)
  expect("delivery SGI of another group is not pending", read32(first.setPending) & 1 << 8, 0)
  write32(first.group, 0xFFFF_FFFF)
}

/// Whatever holds an interrupt back: enables, groups, masks.
private func checkGates() {
  write32(Distributor.clearEnable(1), 1 << 8)
  write32(Distributor.setPending(1), 1 << 8)
  expectInterrupt("delivery disabled SPI waits", none)
  expect("delivery disabled SPI stays pending", read32(Distributor.setPending(1)) & 1 << 8, 1 << 8)
  write32(Distributor.setEnable(1), 1 << 8)
  expectInterrupt("delivery enabled SPI comes", spare)

  ProcessorInterface.send(1, targets: 1)
  Distributor.disable()
  expectInterrupt("delivery distributor off", none)
  Distributor.enable()
  ProcessorInterface.disable()
  expectInterrupt("delivery CPU interface off", none)
  ProcessorInterface.enable()
  ProcessorInterface.priorityMask = 0xA0
  check("delivery masked by priority does not signal", read_ISR_EL1() & 0x80 == 0)
  expectInterrupt("delivery masked by priority", none)
  ProcessorInterface.priorityMask = 0xA8
  expectInterrupt("delivery all gates open", 1)
  ProcessorInterface.priorityMask = 0xFF
}

private func checkActiveState() {
  write32(Distributor.setPending(1), 1 << 8)
  expect("active SPI acknowledged", ProcessorInterface.acknowledge(), spare)
  expect("active SPI is active", read32(Distributor.setActive(1)) & 1 << 8, 1 << 8)
  write32(Distributor.setPending(1), 1 << 8)
  expectInterrupt("active SPI does not come again", none)
  expect("active SPI is pending too", read32(Distributor.setPending(1)) & 1 << 8, 1 << 8)
  ProcessorInterface.end(spare)
  expect("active SPI ended", read32(Distributor.setActive(1)) & 1 << 8, 0)
  expectInterrupt("active SPI comes after its end", spare)

  ProcessorInterface.send(2, targets: 1)
  expect("active SGI acknowledged", ProcessorInterface.acknowledge(), 2)
  expect("active SGI is active", read32(first.setActive) & 4, 4)
  ProcessorInterface.end(2)
  expect("active SGI ended", read32(first.setActive) & 4, 0)

  write32(Distributor.setActive(1), 1 << 9)
  write32(Distributor.setPending(1), 1 << 9)
  expectInterrupt("active by software holds back", none)
  write32(Distributor.clearActive(1), 1 << 9)
  expectInterrupt("active cleared by software", spare + 1)
}

/// EOImode 1: the end drops the priority, another register deactivates.
private func checkSeparateDeactivation() {
  ProcessorInterface.separatesDeactivation = true
  check("deactivation mode", ProcessorInterface.separatesDeactivation)
  write32(Distributor.setPending(1), 1 << 8)
  expect("deactivation acknowledged", ProcessorInterface.acknowledge(), spare)
  expect("deactivation running priority", ProcessorInterface.runningPriority, 0xA0)
  ProcessorInterface.end(spare)
  expect("deactivation priority dropped", ProcessorInterface.runningPriority, 0xFF)
  expect("deactivation still active", read32(Distributor.setActive(1)) & 1 << 8, 1 << 8)
  ProcessorInterface.send(2, targets: 1)
  expect("deactivation another comes meanwhile", ProcessorInterface.acknowledge(), 2)
  ProcessorInterface.end(2)
  ProcessorInterface.deactivate(2)
  ProcessorInterface.deactivate(spare)
  expect("deactivation done", read32(Distributor.setActive(1)) & 1 << 8, 0)
  expect("deactivation of SGI done", read32(first.setActive) & 4, 0)
  ProcessorInterface.separatesDeactivation = false
}

/// One interrupt through the vectors.
private func checkHandler() {
  Shared.write(1, 0)
  processor_state(0).pointee.interrupt = {
    let interrupt = ProcessorInterface.acknowledge()
    Shared.write(1, Shared.read(1) + (interrupt == 9 ? 1 : 100))
    if interrupt < 1020 { ProcessorInterface.end(interrupt) }
  }
  for _ in 0..<100 {
    ProcessorInterface.send(9, targets: 1)
    unmask_interrupts()
    mask_interrupts()
  }
  expect("delivery through the vectors", Shared.read(1), 100)
  processor_state(0).pointee.interrupt = nil
}

/// WFI ends for an interrupt that PSTATE masks.
private func checkWaiting() {
  ProcessorInterface.send(1, targets: 1)
  wait_for_interrupt()
  expectInterrupt("waiting ends for a pending SGI", 1)
  write32(Distributor.setPending(1), 1 << 8)
  wait_for_interrupt()
  expectInterrupt("waiting ends for a pending SPI", spare)
}
