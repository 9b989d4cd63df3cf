// Registers of the distributor and of the redistributors (ARM IHI 0069, chapter 12).

import GuestMachine
import GuestSupport

/// Shared interrupts without a device behind them.
let spare: UInt64 = 40
/// Bits of a priority byte that are implemented, as the CPU interface reports them.
func priorityMask() -> UInt32 {
  let bits = UInt32(truncatingIfNeeded: read_ICC_CTLR_EL1() >> 8 & 7) + 1
  return 0xFF & ~(0xFF >> bits)
}

func checkDistributor() {
  let type = read32(Distributor.type)
  check("distributor has shared interrupts", type & 31 >= 1, UInt64(type))
  expect("distributor identification is GICv3", read32(Distributor.identification) >> 4 & 15, 3)
  expect("distributor control", read32(Distributor.control) & 0x7F, 0x52)
  checkSetClear("distributor enable", Distributor.setEnable(1), Distributor.clearEnable(1))
  checkSetClear("distributor pending", Distributor.setPending(1), Distributor.clearPending(1))
  checkSetClear("distributor active", Distributor.setActive(1), Distributor.clearActive(1))
  checkPriorityBytes("distributor priority", Distributor.priority(spare))
  checkConfiguration()
  checkRouting()
  checkReserved()
  write32(Distributor.group(1), 0xFFFF_FFFF)
  expect("distributor group", read32(Distributor.group(1)), 0xFFFF_FFFF)
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

/// With affinity routing, the private interrupts' words here, targets and SGI register are reserved.
private func checkReserved() {
  write32(Distributor.setEnable(0), 0xFFFF_FFFF)
  expect("distributor private enables are reserved", read32(Distributor.setEnable(0)), 0)
  write32(Distributor.priority(0), 0xFFFF_FFFF)
  expect("distributor private priorities are reserved", read32(Distributor.priority(0)), 0)
  write32(Distributor.base + 0x820, 0x0101_0101)
  expect("distributor targets are reserved", read32(Distributor.base + 0x820), 0)
  write32(Distributor.base + 0xF00, 0x0200_0001)
  expect("distributor reserved register reads as zero", read32(Distributor.base + 0x50), 0)
  let lines = UInt64(read32(Distributor.type) & 31) + 1
  guard lines < 32, Report.underPocketvisor else { return }
  write32(Distributor.setEnable(lines), 0xFFFF_FFFF)
  expect("distributor interrupts beyond the last", read32(Distributor.setEnable(lines)), 0)
}

func checkRedistributor() {
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
  checkSetClear("redistributor enable of SGIs", first.setEnable, first.clearEnable)
  checkSetClear("redistributor enable of PPIs", first.setEnable, first.clearEnable, bit: 1 << 20)
  checkSetClear("redistributor pending of SGIs", first.setPending, first.clearPending)
  checkSetClear("redistributor pending of PPIs", first.setPending, first.clearPending, bit: 1 << 20)
  checkSetClear("redistributor active", first.setActive, first.clearActive)
  checkPriorityBytes("redistributor priority", first.priority(8))
  expect("redistributor SGIs are edges", read32(first.configuration(0)), 0xAAAA_AAAA)
  first.initialize()
}
