// Registers of the distributor and of each CPU's own interrupts (ARM IHI 0069, chapter 12; ARM IHI 0048, chapter 4).

import GuestMachine
import GuestSupport

/// Shared interrupts without a device behind them.
let spare: UInt64 = 40
/// QEMU's GICv2 with several CPUs loses a PPI that is set pending by software.
var canSetPrivatePending: Bool {
  !InterruptController.isVersion2 || Report.underPocketvisor || Processors.count == 1
}
/// Bits of a priority byte that are implemented, as the CPU interface reports them.
func priorityMask() -> UInt32 {
  if InterruptController.isVersion2 {
    ProcessorInterface.priorityMask = 0xFF
    return UInt32(truncatingIfNeeded: ProcessorInterface.priorityMask)
  }
  let bits = UInt32(truncatingIfNeeded: read_ICC_CTLR_EL1() >> 8 & 7) + 1
  return 0xFF & ~(0xFF >> bits)
}

func checkDistributor() {
  let type = read32(Distributor.type)
  check("distributor has shared interrupts", type & 31 >= 1, UInt64(type))
  expect(
    "distributor identification", read32(Distributor.identification) >> 4 & 15,
    InterruptController.isVersion2 ? 2 : 3)
  expect("distributor control", read32(Distributor.control) & 0x7F, InterruptController.isVersion2 ? 1 : 0x52)
  // QEMU's GICv2 knows of no interrupt without a target that it is pending.
  for interrupt in spare..<spare + 2 { Distributor.route(interrupt, to: 0) }
  checkSetClear("distributor enable", Distributor.setEnable(1), Distributor.clearEnable(1))
  checkSetClear("distributor pending", Distributor.setPending(1), Distributor.clearPending(1))
  checkSetClear("distributor active", Distributor.setActive(1), Distributor.clearActive(1))
  checkPriorityBytes("distributor priority", Distributor.priority(spare))
  checkConfiguration()
  InterruptController.isVersion2 ? checkTargets() : checkRouting()
  checkReserved()
  checkBeyondLast()
  Distributor.initializeGroup()
  expect(
    "distributor group", read32(Distributor.group(1)), InterruptController.isVersion2 ? 0 : 0xFFFF_FFFF)
}

/// A pair of registers of which one sets and the other clears; zeros change nothing.
private func checkSetClear(_ name: StaticString, _ set: UInt64, _ clear: UInt64, bit: UInt32 = 1 << 8) {
  let next = bit << 1
  let both = bit | next
  write32(clear, both)
  let before = read32(set) & both
  write32(set, bit)
  write32(set, 0)
  let first = read32(set) & both
  write32(set, next)
  let second = read32(clear) & both
  write32(clear, bit)
  write32(clear, 0)
  let third = read32(set) & both
  write32(clear, next)
  let after = read32(clear) & both
  expect(name, before | after, 0)
  expect(name, first, bit)
  expect(name, second, both)
  expect(name, third, next)
}

/// Under Pocketvisor exactly the bits that the CPU interface reports are there; QEMU has all eight.
private func checkPriorityBytes(_ name: StaticString, _ address: UInt64) {
  let mask = Report.underPocketvisor ? priorityMask() : 0xFF
  write32(address, 0xFFFF_FFFF)
  expect(name, read32(address), mask &* 0x0101_0101)
  write8(address + 2, 0x40)
  expect(name, read32(address), mask | mask << 8 | 0x40 << 16 | mask << 24)
  expect(name, UInt64(read8(address + 2)), 0x40)
  write32(address, 0)
  expect(name, read32(address), 0)
}

private func checkConfiguration() {
  let address = Distributor.configuration(spare / 16)
  write32(address, 0)
  expect("distributor level configuration", read32(address), 0)
  write32(address, 0xFFFF_FFFF)
  expect("distributor edge configuration", read32(address), 0xAAAA_AAAA)
}

private func checkRouting() {
  let address = Distributor.route(spare)
  write64(address, 0)
  expect("distributor route to first CPU", read64(address), 0)
  write64(address, 1 << 31)
  // GICD_TYPER.No1N: whether "any CPU" is a choice.
  if read32(Distributor.type) & 1 << 25 == 0 {
    expect("distributor route to any CPU", read64(address) & 1 << 31, 1 << 31)
  }
  write32(address, 0)
  write32(address + 4, 0)
  expect("distributor route by halves", read64(address), 0)
}

/// A byte for each interrupt, a bit for each CPU that is there; with one CPU they may read as zero.
private func checkTargets() {
  let address = Distributor.target(spare)
  let processors = UInt32(Processors.count)
  expect("distributor CPUs", read32(Distributor.type) >> 5 & 7, processors - 1)
  for processor in 0..<(processors > 1 ? processors : 0) {
    write8(address + 1, 1 << UInt8(processor))
    expect("distributor target byte kept", UInt64(read8(address + 1)), 1 << UInt64(processor))
  }
  write32(address, 0x0101_0101)
  expect("distributor target word kept", read32(address), processors > 1 ? 0x0101_0101 : 0)
  checkAbsentTargets(address + 2)
  let own = Distributor.target(8)
  write32(own, 0)
  expect("distributor private targets name this CPU", read32(own), processors > 1 ? 0x0101_0101 : 0)
}

/// QEMU keeps the bits of CPUs that are not there.
private func checkAbsentTargets(_ address: UInt64) {
  guard Report.underPocketvisor else { return }
  write8(address, 0xFF)
  let all = UInt64(read8(address))
  check("distributor targets of CPUs that are there", all < 1 << UInt64(Processors.count), all)
}

/// What is kept for others: with affinity routing the private interrupts' words here, targets and SGI register.
private func checkReserved() {
  if !InterruptController.isVersion2 {
    write32(Distributor.setEnable(0), 0xFFFF_FFFF)
    expect("distributor private enables are reserved", read32(Distributor.setEnable(0)), 0)
    write32(Distributor.priority(0), 0xFFFF_FFFF)
    expect("distributor private priorities are reserved", read32(Distributor.priority(0)), 0)
    write32(Distributor.target(32), 0x0101_0101)
    expect("distributor targets are reserved", read32(Distributor.target(32)), 0)
    write32(Distributor.softwareInterrupt, 0x0200_0001)
  }
  expect("distributor reserved register reads as zero", read32(Distributor.base + 0x50), 0)
}

private func checkBeyondLast() {
  let lines = UInt64(read32(Distributor.type) & 31) + 1
  guard lines < 32, Report.underPocketvisor else { return }
  write32(Distributor.setEnable(lines), 0xFFFF_FFFF)
  expect("distributor interrupts beyond the last", read32(Distributor.setEnable(lines)), 0)
}

/// A GICv3's frames for each CPU.
func checkRedistributors() {
  let last = Processors.count - 1
  for processor in 0...last {
    let redistributor = Redistributor(processor)
    let type = read64(redistributor.type)
    expect("redistributor affinity", type >> 32, UInt64(processor))
    expect("redistributor number", type >> 8 & 0xFFFF, UInt64(processor))
    expect("redistributor last", type >> 4 & 1, processor == last ? 1 : 0)
    expect(
      "redistributor type by halves",
      UInt64(read32(redistributor.type + 4)) << 32 | UInt64(read32(redistributor.type)), type)
  }
  let first = Redistributor(0)
  expect("redistributor identification is GICv3", read32(first.base + 0xFFE8) >> 4 & 15, 3)
  expect("redistributor awake", read32(first.waker) & 6, 0)
}

/// SGIs and PPIs of the CPU that runs this.
func checkPrivateInterrupts() {
  let first = PrivateInterrupts(0)
  if InterruptController.isVersion2 {
    write32(first.clearEnable, 0xFFFF)
    let enables = read32(first.setEnable) & 0xFFFF
    expect(
      "interface identification is GICv2",
      read32(ProcessorInterface.base + ProcessorInterface.Register.identification) >> 16 & 15, 2)
    check("private enables of SGIs are free or fixed", enables == 0 || enables == 0xFFFF, UInt64(enables))
  } else {
    checkSetClear("private enable of SGIs", first.setEnable, first.clearEnable)
    checkSetClear("private pending of SGIs", first.setPending, first.clearPending)
  }
  checkSetClear("private enable of PPIs", first.setEnable, first.clearEnable, bit: 1 << 20)
  if canSetPrivatePending {
    checkSetClear("private pending of PPIs", first.setPending, first.clearPending, bit: 1 << 20)
  }
  checkSetClear("private active", first.setActive, first.clearActive)
  checkPriorityBytes("private priority", first.priority(8))
  expect("private SGIs are edges", read32(first.configuration(0)), 0xAAAA_AAAA)
  first.initialize()
}
