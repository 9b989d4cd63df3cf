// The PL011 (ARM DDI 0183): registers, and both interrupts. Interrupt 33.

import GuestMachine
import GuestSupport

private let uart: UInt64 = 33
private let flags = Console.base + 0x18
private let integerDivisor = Console.base + 0x24
private let lineControl = Console.base + 0x2C
private let control = Console.base + 0x30
private let level = Console.base + 0x34
private let mask = Console.base + 0x38
private let raw = Console.base + 0x3C
private let masked = Console.base + 0x40
private let clear = Console.base + 0x44
private let transmit: UInt32 = 1 << 5
private let receive: UInt32 = 1 << 4 | 1 << 6

func checkConsole(input: Bool) {
  checkRegisters()
  checkTransmit()
  if input { checkReceive() }
}

private func checkRegisters() {
  let expected: InlineArray<8, UInt32> = [0x11, 0x10, 0x14, 0, 0x0D, 0xF0, 0x05, 0xB1]
  var wrong: UInt64 = 0
  for index in 0..<8 where read32(Console.base + 0xFE0 + 4 * UInt64(index)) & 0xFF != expected[index] & 0xFF {
    if index != 2 { wrong |= 1 << UInt64(index) }  // the revision is free
  }
  expect("console identification", wrong, 0)
  check("console sends everything", eventually { read32(flags) & 0xA8 == 0x80 }, UInt64(read32(flags)))
  expect("console receives nothing", read32(flags) & 0x50, 0x10)
  write32(integerDivisor, 13)
  expect("console divisor kept", read32(integerDivisor), 13)
  write32(lineControl, 0x70)
  expect("console line control kept", read32(lineControl), 0x70)
  write32(control, 0x301)
  expect("console control kept", read32(control), 0x301)
  write32(level, 0x12)
  expect("console levels kept", read32(level), 0x12)
}

private func isPending() -> Bool { read32(Distributor.setPending(1)) & 2 != 0 }

private func prepare() {
  Distributor.initializeGroup()
  write32(Distributor.configuration(uart / 16), 0)
  write8(Distributor.priority(uart), 0xA0)
  Distributor.route(uart, to: 0)
  write32(Distributor.setEnable(1), 2)
}

/// What was seen while the transmit interrupt was on: nothing may be printed then, as that raises it.
private struct TransmitObservation {
  var shown: UInt32 = 0
  var pending = false
  var acknowledged: UInt64 = 0
  var cleared: UInt32 = 0
  var pendingAfter = false
  var next: UInt64 = 0
}

private func checkTransmit() {
  prepare()
  write32(mask, 0)
  write32(clear, 0x7FF)
  expect("console nothing raised after clearing", raisedAfterClearing(), 0)
  Console.write("#\n")
  check("console transmit raised", eventually { read32(raw) & transmit != 0 })
  expect("console transmit masked", read32(masked), 0)
  check("console transmit masked is not pending", !isPending())
  let seen = observeTransmit()
  expect("console transmit shown", seen.shown, transmit)
  check("console transmit pending", seen.pending)
  expect("console transmit interrupt", seen.acknowledged, uart)
  expect("console transmit cleared", seen.cleared, 0)
  check("console cleared is not pending", !seen.pendingAfter)
  expect("console cleared does not come", seen.next, ProcessorInterface.spurious)
  checkTransmitLevel()
}

private func raisedAfterClearing() -> UInt32 {
  _ = eventually { read32(flags) & 0x80 != 0 }
  write32(clear, 0x7FF)
  return read32(raw) & transmit
}

/// Unmasks the interrupt, takes it, clears it in the device, ends it.
private func observeTransmit() -> TransmitObservation {
  var seen = TransmitObservation()
  _ = eventually { read32(flags) & 0x80 != 0 && read32(raw) & transmit != 0 }
  write32(mask, transmit)
  seen.shown = read32(masked)
  seen.pending = eventually { isPending() }
  seen.acknowledged = ProcessorInterface.acknowledge()
  write32(clear, transmit)
  seen.cleared = read32(raw) & transmit
  ProcessorInterface.end(uart)
  seen.pendingAfter = isPending()
  seen.next = ProcessorInterface.acknowledge()
  write32(mask, 0)
  return seen
}

/// Not cleared, it comes again; masked, it goes.
private func checkTransmitLevel() {
  write32(mask, transmit)
  write32(Console.base, 0x23)
  write32(Console.base, 0x0A)
  let raised = eventually { ProcessorInterface.highestPending == uart }
  let acknowledged = ProcessorInterface.acknowledge()
  ProcessorInterface.end(uart)
  let again = ProcessorInterface.acknowledge()
  write32(mask, 0)
  ProcessorInterface.end(uart)
  let afterMask = ProcessorInterface.acknowledge()
  let stillRaised = read32(raw) & transmit
  check("console transmit raised again", raised)
  expect("console transmit again", acknowledged, uart)
  expect("console transmit comes while raised", again, uart)
  expect("console masked does not come", afterMask, ProcessorInterface.spurious)
  expect("console masked stays raised", stillRaised, transmit)
}

/// Somebody types `x` when told to.
private func checkReceive() {
  write32(clear, 0x7FF)
  Console.write("conformance: type x\n")
  write32(mask, receive)
  let came = eventually(within: 5_000) { ProcessorInterface.highestPending == uart }
  let acknowledged = ProcessorInterface.acknowledge()
  let shown = read32(masked) & receive
  let filled = read32(flags) & 0x10
  let character = read32(Console.base)
  let emptied = read32(flags) & 0x10
  let gone = read32(masked) & receive
  ProcessorInterface.end(uart)
  let after = ProcessorInterface.acknowledge()
  write32(mask, 0)
  check("console receive interrupt", came)
  expect("console receive acknowledged", acknowledged, uart)
  check("console receive shown", shown != 0)
  expect("console has received", filled, 0)
  expect("console character", character, 0x78)
  expect("console is empty again", emptied, 0x10)
  expect("console receive gone", gone, 0)
  expect("console receive does not come again", after, ProcessorInterface.spurious)
}
