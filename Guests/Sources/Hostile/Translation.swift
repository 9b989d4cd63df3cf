// Translation tables that lie in devices, nowhere or in themselves, and accesses through them.

import GuestMachine
import GuestSupport

extension Attacker {
  mutating func attackTranslation() {
    switch dice.below(4) {
    case 0: attackUpperHalf()
    case 1: attackRoot()
    default: attackBranch()
    }
    if dice.oneIn(8) { invalidate_translations() }
  }

  /// A table below the root: this CPU's own, with descriptors of all kinds in it, or one of them.
  private mutating func attackBranch() {
    let slot = takeSlot()
    let table = fillTable()
    write64(Window.entry(slot), dice.oneIn(2) ? table | 3 : descriptor())
    synchronize()
    let address = slot << 30 | dice.below(1 << 30)
    if dice.oneIn(4) { return note(attempt(code: address & ~3)) }
    execute([dice.pick(loads)], address)
  }

  /// Some nonsense in a table of this CPU's own; gives its address.
  private mutating func fillTable() -> UInt64 {
    let table = Battle.scratch(processor)
    for index in 0..<UInt64(4) { write64(table + 8 * dice.below(512), index == 0 ? dice.next() : descriptor()) }
    return table
  }

  /// A table or block descriptor whose address is a device, a hole, beyond memory, this very tree, or anything.
  private mutating func descriptor() -> UInt64 {
    let attributes = dice.next() & 0xFFF0_0000_0000_0FFF
    guard !dice.oneIn(8) else { return translation_table_address() | 3 }
    return dice.oneIn(6) ? dice.next() : tableAddress() | attributes | 3
  }

  private mutating func tableAddress() -> UInt64 {
    dice.pick([
      Distributor.base, ProcessorInterface.base, 0x080A_0000, Console.base, 0x090D_0000, 0x0400_0000,
      0x0B00_0000,
      Battle.memoryEnd, Battle.scratch(processor), 1 << 36, 1 << 47, 0x2000_0000,
    ])
  }

  /// TTBR1_EL1 with any table, and what TCR_EL1 says of the upper half; this guest itself lives in the lower one.
  private mutating func attackUpperHalf() {
    let control = read_TCR_EL1()
    // T1SZ, EPD1, IRGN1, ORGN1, SH1, TG1, TBI1, HPD1, HWU159…HWU162, TBID1
    let upper: UInt64 = 0x0017_8440_FFBF_0000
    let table = dice.oneIn(4) ? translation_table_address() : dice.oneIn(3) ? fillTable() : tableAddress()
    write_TTBR1_EL1(dice.oneIn(4) ? dice.next() : table | dice.below(256) << 48)
    write_TCR_EL1(control & ~upper | dice.next() & upper & ~(dice.oneIn(4) ? 0 : 1 << 23))
    invalidate_translations()
    for _ in 0..<4 { execute([dice.pick(loads)], ~0 << dice.below(48) | dice.next() & 0x7F_FFFF_FFFF) }
    write_TCR_EL1(control)
    write_TTBR1_EL1(0)
    invalidate_translations()
  }

  /// Another root for this CPU: the first sixteen entries keep this guest alive, all others are nonsense.
  private mutating func attackRoot() {
    let root = Battle.scratch(processor) + 0x1_0000
    for index in UInt64(0)..<512 {
      write64(root + 8 * index, index < 16 ? read64(Window.entry(index)) : 0)
    }
    for _ in 0..<16 { write64(root + 8 * (16 + dice.below(496)), dice.oneIn(4) ? root | 3 : descriptor()) }
    write_TTBR0_EL1(root | dice.below(256) << 48)
    invalidate_translations()
    for _ in 0..<8 { execute([dice.pick(loads)], (16 + dice.below(496)) << 30 | dice.below(1 << 30)) }
    write_TTBR0_EL1(translation_table_address())
    invalidate_translations()
  }
}
