// Translation tables that lie in devices, nowhere or in themselves, and accesses through them; interrupts.

import GuestMachine
import GuestSupport

extension Attacker {
  /// This guest's own megabytes and nonsense in all others, and both tables in use.
  mutating func attackTables() {
    copyTable()
    for _ in 0..<64 { writeDescriptor() }
    for _ in 0..<256 { write32(Battle.tables &+ 0x4000 &+ dice.below(256) &* 4, pageDescriptor()) }
    useTables()
    for _ in 0..<6 {
      let isUser = dice.oneIn(2)
      var program = Program(at: Battle.code)
      // LDR, STR, BX, LDM, STM, STRH and maintenance.
      program.add(
        dice.pick([
          0xE590_1000, 0xE580_1000, 0xE12F_FF10, 0xE890_00FE, 0xE8A0_00FE, 0xE1C0_10B0, 0xEE08_0F37,
          0xEE07_0F18,
        ]))
      program.end()
      dice.registers()
      Battle.state[0] = dice.below(4096) &<< 20 | dice.word() & 0xF_FFFF
      if dice.oneIn(3) { Battle.state[0] = nonsense() }
      Battle.run(
        isUser ? Battle.userCode : Battle.code, status: (isUser ? Mode.user : Mode.supervisor) | flags())
      useTables()
    }
    write_table_control(0)
    write_table0(TranslationTable.first.address)
    write_context(0)
    invalidate_translations(0)
  }

  private func copyTable() {
    for megabyte in 0..<4096 as Range<UInt32> {
      write32(Battle.tables &+ 4 &* megabyte, read32(TranslationTable.first.address &+ 4 &* megabyte))
    }
  }

  /// Tables with this guest's own megabytes in them.
  private mutating func useTables() {
    let attributes = dice.word() & 0x7F
    write_table1(Battle.tables | attributes)
    write_context(dice.word())
    // TTBR0 has the lower half, or all; this guest is in the second quarter.
    write_table0(Battle.tables | attributes)
    write_table_control(dice.below(2))
    write_domains(dice.oneIn(2) ? dice.word() | 3 : 0x5555_5555)
    if dice.oneIn(2) { invalidate_translations(0) }
  }

  /// The entry of a megabyte that is not this guest's own.
  private mutating func writeDescriptor() {
    let megabyte = dice.oneIn(4) ? nonsense() &>> 20 : dice.below(4096)
    let isOwn = megabyte & ~15 == 0x400 || megabyte & ~31 == 0x080 || megabyte & ~1 == 0x008
    guard !isOwn else { return }
    write32(Battle.tables &+ 4 &* megabyte, descriptor())
  }

  /// Megabytes where something of the hypervisor's is.
  private mutating func nonsense() -> UInt32 {
    dice.pick([0xFE00_0000, 0xFE10_0000, 0xFE20_0000, 0xFE40_0000, 0xFFF0_0000, 0xFDF0_0000, 0, 0x1000_0000])
      &+ dice.below(16) &<< 16
  }

  /// A section or a table: of a device, a hole, beyond memory, these tables, or anything.
  private mutating func descriptor() -> UInt32 {
    switch dice.below(5) {
    case 0: return dice.word()
    case 1: return (Battle.tables &+ 0x4000) | dice.below(16) &<< 5 | 1
    case 2: return tableAddress() & ~0x3FF | dice.word() & 0x3FC | 1
    case 3: return tableAddress() & 0xFFF0_0000 | dice.word() & 0xF_FFFC | 2
    default: return Battle.tables | 1
    }
  }

  private mutating func pageDescriptor() -> UInt32 {
    let page = dice.oneIn(2) ? tableAddress() : Battle.data &+ dice.below(16) &<< 12
    return dice.oneIn(4) ? dice.word() : page & ~4095 | dice.word() & 0xFFF
  }

  private mutating func tableAddress() -> UInt32 {
    dice.pick([
      0x0800_0000, 0x0801_0000, 0x0900_0000, 0x0904_0000, Battle.memoryEnd, Battle.memoryEnd &- 4096,
      Battle.tables,
      Battle.tables &+ 0x4000, 0x6000_0000, 0xFFF0_0000, 0xFE40_0000, 0x1000_0000, 0x0000_0000, 0xFFFF_F000,
    ])
  }

  // MARK: Interrupts

  /// Interrupts of all kinds at once, while User mode or the kernel goes in circles.
  mutating func storm() {
    for bank in stride(from: Distributor.base, to: Distributor.base &+ 12, by: 4) {
      write32(bank &+ 0x100, dice.word())
      write32(bank &+ 0x200, dice.word())
      if dice.oneIn(4) { write32(bank &+ 0x300, dice.word()) }
    }
    for _ in 0..<8 { write32(Distributor.base &+ 0x400 &+ dice.below(24) &* 4, dice.word()) }
    for _ in 0..<dice.below(4) { write32(Distributor.base &+ 0xF00, dice.word()) }
    // What ends it comes through.
    write32(Distributor.base &+ 0x384, ~0)
    Distributor.enable(42)
    write32(0x0904_0020, dice.below(64))
    write32(0x0904_0028, dice.word() | 0xA0)
    for _ in 0..<4 {
      var program = Program(at: Battle.code | (dice.oneIn(2) ? 1 : 0))
      // WFI, WFE, SEV, YIELD, or a circle.
      for _ in 0..<dice.below(3) {
        program.isT32 ? program.half(0xBF00 | dice.below(5) &<< 4) : program.add(0xE320_F000 | dice.below(5))
      }
      program.isT32 ? program.half(0xE7FE) : program.add(0xEAFF_FFFE)
      program.end()
      dice.registers()
      let isUser = dice.oneIn(2)
      let start = isUser ? program.start &- Battle.code &+ Battle.userCode : program.start
      Battle.run(start, status: isUser ? Mode.user : Mode.supervisor)
    }
    // Is not ended.
    _ = ProcessorInterface.acknowledge()
  }
}
