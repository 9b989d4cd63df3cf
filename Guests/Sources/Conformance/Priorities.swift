// Priority order, preemption, and more interrupts at once than a virtual interface holds.

import GuestMachine
import GuestSupport

private let none = ProcessorInterface.spurious
private var first: PrivateInterrupts { PrivateInterrupts(0) }

func checkPriorities() {
  prepareInterrupts()
  for interrupt in 0..<UInt64(4) { write8(first.priority(interrupt), UInt8(0xC0 - 0x20 * interrupt)) }
  checkNesting()
  checkGrouping()
  ProcessorInterface.priorityMask = 0xFF
  expect("priority mask keeps implemented bits", ProcessorInterface.priorityMask, UInt64(priorityMask()))
  forgetInterrupts()
}

private func checkNesting() {
  ProcessorInterface.send(0, targets: 1)
  expect("preemption low acknowledged", ProcessorInterface.acknowledge(), 0)
  expect("preemption running priority", ProcessorInterface.runningPriority, 0xC0)
  ProcessorInterface.send(0, targets: 1)
  expect("preemption not by itself", ProcessorInterface.acknowledge(), none)
  ProcessorInterface.send(2, targets: 1)
  check("preemption high signals", read_ISR_EL1() & 0x80 != 0)
  expect("preemption high acknowledged", ProcessorInterface.acknowledge(), 2)
  expect("preemption running priority rises", ProcessorInterface.runningPriority, 0x80)
  ProcessorInterface.send(1, targets: 1)
  expect("preemption not by a lower one", ProcessorInterface.acknowledge(), none)
  ProcessorInterface.end(2)
  expect("preemption running priority falls", ProcessorInterface.runningPriority, 0xC0)
  expect("preemption then by the middle one", ProcessorInterface.acknowledge(), 1)
  ProcessorInterface.end(1)
  ProcessorInterface.end(0)
  expect("preemption idle priority", ProcessorInterface.runningPriority, 0xFF)
  expect("preemption the second comes at last", ProcessorInterface.acknowledge(), 0)
  ProcessorInterface.end(0)
}

/// The binary point: interrupts of one group do not preempt each other.
private func checkGrouping() {
  ProcessorInterface.binaryPoint = 0
  let least = ProcessorInterface.binaryPoint
  check("grouping least binary point", least <= 3 && (least > 0 || InterruptController.isVersion2), least)
  ProcessorInterface.binaryPoint = 7
  expect("grouping binary point kept", ProcessorInterface.binaryPoint, 7)
  write8(first.priority(0), 0x40)
  write8(first.priority(1), 0x20)
  ProcessorInterface.send(0, targets: 1)
  expect("grouping first acknowledged", ProcessorInterface.acknowledge(), 0)
  ProcessorInterface.send(1, targets: 1)
  expect("grouping no preemption inside a group", ProcessorInterface.acknowledge(), none)
  ProcessorInterface.end(0)
  expect("grouping the second comes after the first", ProcessorInterface.acknowledge(), 1)
  ProcessorInterface.end(1)
  ProcessorInterface.binaryPoint = 0
}

/// Sixteen SGIs, a PPI and eight SPIs at once.
func checkCrowd() {
  prepareInterrupts()
  checkCrowdOrder()
  checkEqualPriorities()
  checkDeepNesting()
  checkRepeatedCrowd()
  checkManyActive()
  forgetInterrupts()
}

/// Eight shared interrupts active at the highest priority by software: none runs, so nothing is masked, and
/// they must not crowd a pending one out.
private func checkManyActive() {
  for interrupt in spare..<spare + 8 { write8(Distributor.priority(interrupt), 0) }
  write8(first.priority(1), 0xA0)
  write32(Distributor.setActive(1), 0xFF << 8)
  ProcessorInterface.send(1, targets: 1)
  expect("crowd of active ones lets a pending one come", ProcessorInterface.acknowledge(), 1)
  ProcessorInterface.end(1)
  expect("crowd of active ones stays active", read32(Distributor.setActive(1)) & 0xFF00, 0xFF00)
  write32(Distributor.clearActive(1), 0xFF << 8)
}

/// The priority of the `rank`-th of 24 interrupts; SGIs and SPIs take turns.
private func giveRank(_ interrupt: UInt64, _ rank: UInt64) {
  let address = interrupt < 32 ? first.priority(interrupt) : Distributor.priority(interrupt)
  write8(address, UInt8(8 + 8 * rank))
}

/// The interrupt of a rank: 0, 2, 4… are SGIs downwards from 15 until eight are used, 1, 3, 5… SPIs.
private func ranked(_ rank: UInt64) -> UInt64 {
  guard rank < 16 else { return 23 - rank }
  return rank % 2 == 0 ? 15 - rank / 2 : spare + rank / 2
}

private func raiseCrowd() {
  for rank in 0..<UInt64(24) { giveRank(ranked(rank), rank) }
  write32(Distributor.setPending(1), 0xFF << 8)
  for interrupt in 0..<UInt64(16) { ProcessorInterface.send(interrupt, targets: 1) }
}

private func checkCrowdOrder() {
  raiseCrowd()
  var misplaced: UInt64 = 0
  for rank in 0..<UInt64(24) {
    let interrupt = ProcessorInterface.acknowledge()
    if interrupt != ranked(rank) { misplaced |= 1 << rank }
    ProcessorInterface.end(interrupt)
  }
  expect("crowd comes by priority", misplaced, 0)
  expect("crowd is over", ProcessorInterface.acknowledge(), none)
}

/// Equal priorities: each comes once, in whatever order.
private func checkEqualPriorities() {
  for interrupt in 0..<UInt64(16) { write8(first.priority(interrupt), 0x80) }
  for interrupt in 0..<UInt64(16) { ProcessorInterface.send(interrupt, targets: 1) }
  var seen: UInt64 = 0
  while case let interrupt = ProcessorInterface.acknowledge(), interrupt < 16 {
    seen ^= 1 << interrupt
    ProcessorInterface.end(interrupt)
  }
  expect("crowd of one priority each comes once", seen, 0xFFFF)
}

/// Twelve handlers deep: more active interrupts than list registers.
private func checkDeepNesting() {
  var wrong: UInt64 = 0
  for interrupt in 0..<UInt64(12) { write8(first.priority(interrupt), UInt8(0xE0 - 0x10 * interrupt)) }
  for interrupt in 0..<UInt64(12) {
    ProcessorInterface.send(interrupt, targets: 1)
    if ProcessorInterface.acknowledge() != interrupt { wrong |= 1 << interrupt }
  }
  expect("nesting all acknowledged", wrong, 0)
  expect("nesting all active", read32(first.setActive) & 0xFFF, 0xFFF)
  for interrupt in (0..<UInt64(12)).reversed() {
    if ProcessorInterface.runningPriority != 0xE0 - 0x10 * interrupt { wrong |= 1 << interrupt }
    ProcessorInterface.end(interrupt)
  }
  expect("nesting priorities on the way back", wrong, 0)
  expect("nesting none active", read32(first.setActive) & 0xFFF, 0)
  expect("nesting none pending", ProcessorInterface.acknowledge(), none)
}

/// A crowd that is raised again while it is served: nothing is lost.
private func checkRepeatedCrowd() {
  var served: UInt64 = 0
  for _ in 0..<20 {
    raiseCrowd()
    for _ in 0..<UInt64(5) {
      let interrupt = ProcessorInterface.acknowledge()
      if interrupt < 1020 { served += 1 }
      ProcessorInterface.end(interrupt)
    }
    raiseCrowd()
    while case let interrupt = ProcessorInterface.acknowledge(), interrupt < 1020 {
      served += 1
      ProcessorInterface.end(interrupt)
    }
  }
  expect("crowd raised again", served, 20 * 29)
}
