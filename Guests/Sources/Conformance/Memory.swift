// The memory map: what is there, what is not, and every way of asking for a device register.

import GuestMachine
import GuestSupport

/// Nothing lies here, neither on the board nor in the guest's view of it.
private let hole: UInt64 = 0x0B00_0000

func checkMemory() {
  checkAborts()
  checkHighMemory()
  checkWalkAbort()
  checkTransferRegisters()
  checkTransferWidths()
  guard Report.underPocketvisor else { return }
  checkAbort("memory load pair from a device aborts", attempt(guest_load_pair, Console.base + 0x18))
  checkAbort(
    "memory load with writeback from a device aborts", attempt(guest_load_writeback, Console.base + 0x18))
  checkAbort("memory store pair to a device aborts", attempt(guest_store_pair, Console.base + 0x38))
  checkAbort(
    "memory store with writeback to a device aborts", attempt(guest_store_writeback, Console.base + 0x38))
}

private func checkAbort(_ name: StaticString, _ result: AttemptResult) {
  check(name, result.isExternalAbort, result.syndrome)
}

private func checkAborts() {
  checkAbort("memory load from a hole aborts", attempt(guest_load32, hole))
  let address = processor_state(0).pointee.fault_address
  expect("memory fault address", address, hole)
  check("memory abort of a load is no write", processor_state(0).pointee.syndrome & 64 == 0)
  checkAbort("memory store to a hole aborts", attempt(guest_store32, hole + 4))
  check("memory abort of a store is a write", processor_state(0).pointee.syndrome & 64 != 0)
  expect("memory abort is of 32-bit instructions", processor_state(0).pointee.syndrome >> 25 & 1, 1)
  checkAbort("memory byte load from a hole aborts", attempt(guest_load8, hole + 1))
  checkAbort("memory 64-bit store to a hole aborts", attempt(guest_store64, hole + 8))
  checkAbort("memory pair from a hole aborts", attempt(guest_load_pair, hole))
  // The first GiB is mapped execute-never; 13 GiB is beyond every guest's memory.
  let fetch = attempt(code: 13 << 30)
  check(
    "memory fetch from a hole aborts", fetch.exceptionClass == 0x21 && fetch.faultStatus == 0x10, fetch.syndrome
  )
}

/// Addresses beyond the RAM, and beyond the 36 bits of a guest, through a mapping of their own.
private func checkHighMemory() {
  checkAbort("memory load beyond RAM aborts", attempt(guest_load64, 15 << 30))
  let slot: UInt64 = 300
  write64(translation_table_address() + 8 * slot, 1 << 42 | 0x401)
  invalidate_translations()
  let result = attempt(guest_load64, slot << 30)
  check(
    "memory load beyond the address space aborts",
    result.exceptionClass == 0x25 && (result.faultStatus == 0x10 || result.faultStatus & 0x3C == 0),
    result.syndrome)
  write64(translation_table_address() + 8 * slot, 0)
  invalidate_translations()
}

/// A translation table where there is no memory: an external abort on the walk.
private func checkWalkAbort() {
  let slot: UInt64 = 301
  write64(translation_table_address() + 8 * slot, hole | 3)
  invalidate_translations()
  let result = attempt(guest_load64, slot << 30)
  check(
    "memory walk through a hole aborts",
    result.exceptionClass == 0x25 && result.faultStatus & 0x30 == 0x10, result.syndrome)
  write64(translation_table_address() + 8 * slot, 0)
  invalidate_translations()
}

/// The value of a device register arrives in whichever register the instruction names, and comes from it.
private func checkTransferRegisters() {
  let expected = UInt64(read32(Distributor.type))
  var wrong: UInt64 = 0
  for number in UInt32(0)..<31 {
    let spare: UInt32 = number == 17 ? 16 : 17
    let answer: UInt32 = number == 1 ? 2 : 1
    let code = CodeBuffer.make([
      move(to: spare, from: number), 0xB940_0000 | number, move(to: answer, from: number),
      move(to: number, from: spare),
    ])
    let result = attempt(code: code, Distributor.type)
    if result.faulted || result.registers[Int(answer)] != expected { wrong |= 1 << UInt64(number) }
  }
  expect("memory device load into each register", wrong, 0)
  let discarded = attempt(code: CodeBuffer.make([0xB940_001F]), Distributor.type)  // ldr wzr, [x0]
  check("memory device load into the zero register", !discarded.faulted, discarded.syndrome)
  write32(Distributor.priority(40), 0xF0F0_F0F0)
  let zero = attempt(code: CodeBuffer.make([0xB900_001F]), Distributor.priority(40))  // str wzr, [x0]
  check("memory device store from the zero register", !zero.faulted && read32(Distributor.priority(40)) == 0)
}

/// `mov xTo, xFrom`.
private func move(to: UInt32, from: UInt32) -> UInt32 { 0xAA00_03E0 | from << 16 | to }

private func checkTransferWidths() {
  write32(Distributor.priority(40), 0xF0F0_F0F0)
  func load(_ instruction: UInt32) -> UInt64 {
    attempt(code: CodeBuffer.make([instruction]), Distributor.priority(40), ~0).registers[1]
  }
  let byte = UInt64(read8(Distributor.priority(40)))
  expect("memory ldrb clears the rest", load(0x3940_0001), byte)
  expect("memory ldrsb to 32 bits", load(0x39C0_0001), 0xFFFF_FF00 | byte)
  expect("memory ldrsb to 64 bits", load(0x3980_0001), ~0xFF | byte)
  let word = UInt64(read32(Distributor.priority(40)))
  expect("memory ldr clears the upper half", load(0xB940_0001), word)
  expect("memory ldrsw", load(0xB980_0001), 0xFFFF_FFFF_0000_0000 | word)
  write32(Distributor.priority(40), 0)
}
