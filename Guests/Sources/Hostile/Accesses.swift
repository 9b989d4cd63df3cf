// Loads, stores and fetches all over the address space, through a mapping of this CPU's own.

import GuestMachine
import GuestSupport

/// The upper half of the translation table, shared out between the CPUs: a GiB each.
enum Window {
  static func first(_ processor: Int) -> UInt64 { 256 + 128 * UInt64(processor) }
  static func entry(_ slot: UInt64) -> UInt64 { translation_table_address() + 8 * slot }
}

/// Ways to ask for memory: x0 is the address, x1 and x2 are data.
private let loads: InlineArray<22, UInt32> = [
  0x3940_0001, 0x7940_0001, 0xB940_0001, 0xF940_0001,  // ldrb, ldrh, ldr w, ldr x
  0x3980_0001, 0x79C0_0001, 0xB980_0001, 0xF940_001F,  // ldrsb, ldrsh, ldrsw, ldr xzr
  0xA940_0801, 0x2940_0801, 0xF840_8401, 0xF840_8C01,  // ldp x, ldp w, post- and pre-indexed
  0xC85F_7C01, 0xC8DF_FC01, 0xC87F_0801, 0xF840_0801,  // ldxr, ldar, ldxp, ldtr
  0x3DC0_0000, 0xAD40_0400, 0x4C40_7000, 0xF980_0000,  // ldr q, ldp q, ld1, prfm
  0xD50B_7E20, 0xD508_7800,  // dc civac, at s1e1r
]
private let stores: InlineArray<22, UInt32> = [
  0x3900_0001, 0x7900_0001, 0xB900_0001, 0xF900_0001,  // strb, strh, str w, str x
  0xB900_001F, 0xF900_001F, 0xA900_0801, 0x2900_0801,  // str wzr, str xzr, stp x, stp w
  0xF800_8401, 0xF800_8C01, 0xC802_7C01, 0xC89F_FC01,  // post- and pre-indexed, stxr, stlr
  0xF821_0002, 0xF821_8002, 0xC8A1_7C02, 0x3821_0002,  // ldadd, swp, cas, ldaddb
  0x3D80_0000, 0xAD00_0400, 0x4C00_7000, 0xD50B_7420,  // str q, stp q, st1, dc zva
  0xD508_7620, 0xF800_0801,  // dc ivac, sttr
]

extension Attacker {
  mutating func access() {
    let isStore = dice.oneIn(2)
    let address = physicalAddress(isStore: isStore)
    let isNormal = dice.oneIn(2)
    let target = map(address, attributes: isNormal ? 0x705 : 0x401)
    if !isStore, dice.oneIn(8), !isMemory(address) { return note(attempt(code: target)) }
    let instruction = isStore ? stores[Int(dice.below(22))] : loads[Int(dice.below(22))]
    execute([instruction], target, dice.value(), dice.value())
  }

  private func isMemory(_ address: UInt64) -> Bool {
    address >= Battle.memoryBase && address < Battle.memoryEnd
  }

  /// Where it hurts: device frames, the edges of memory, holes, anything. Stores spare this guest's image.
  private mutating func physicalAddress(isStore: Bool) -> UInt64 {
    switch dice.below(Battle.isGuest ? 12 : 7) {
    case 0: return Distributor.base + dice.below(0x1_0000)
    case 1: return 0x080A_0000 + dice.below(0x2_0000 * UInt64(Battle.processors))
    case 2: return Console.base + consoleOffset()
    case 3: return Battle.scratch(processor) + dice.below(0x1F_0000)
    case 4: return 0x0B00_0000 + dice.below(0x10_0000)
    case 5: return Battle.memoryEnd + dice.below(0x1000)
    case 6: return dice.next() & 0xFFFF_FFFF_FFFF | 1 << 44
    case 7: return 0x0800_0000 + dice.below(0x300_0000)
    case 8: return dice.below(0x4000_0000)
    case 9: return Battle.memoryEnd + dice.below(1 << 32)
    case 10:
      return isStore ? Battle.memoryEnd : Battle.memoryBase + dice.below(Battle.memoryEnd - Battle.memoryBase)
    default: return spared(dice.next() & 0xFFFF_FFFF_FFFF, isStore)
    }
  }

  private func spared(_ address: UInt64, _ isStore: Bool) -> UInt64 {
    isStore && isMemory(address) ? address | 1 << 40 : address
  }

  /// Characters would flood the console: its data register is left to `attackConsole`.
  private mutating func consoleOffset() -> UInt64 { 4 + dice.below(0xFFC) }

  /// Maps the GiB around an address and gives its virtual address.
  private mutating func map(_ address: UInt64, attributes: UInt64) -> UInt64 {
    let slot = takeSlot()
    write64(Window.entry(slot), address & 0xFFFF_C000_0000 | attributes)
    synchronize()
    return slot << 30 | address & 0x3FFF_FFFF
  }

  /// An unused entry of the translation table; when all were used, they are forgotten together.
  mutating func takeSlot() -> UInt64 {
    if nextSlot == Window.first(processor) + 128 {
      nextSlot = Window.first(processor)
      for slot in nextSlot..<nextSlot + 128 { write64(Window.entry(slot), 0) }
      invalidate_translations()
    }
    defer { nextSlot += 1 }
    return nextSlot
  }
}

// MARK: Translation tables

extension Attacker {
  /// Tables that lie in devices or nowhere, descriptors of all kinds, and an access through them.
  mutating func attackTranslation() {
    let slot = takeSlot()
    let table = Battle.scratch(processor)
    for index in 0..<UInt64(4) { write64(table + 8 * dice.below(512), index == 0 ? dice.next() : descriptor()) }
    write64(Window.entry(slot), dice.oneIn(2) ? table | 3 : descriptor())
    synchronize()
    let address = slot << 30 | dice.below(1 << 30)
    switch dice.below(4) {
    case 0: note(attempt(code: address & ~3))
    case 1: execute([0xD508_7800], address)  // at s1e1r, x0
    default: execute([loads[Int(dice.below(22))]], address)
    }
    if dice.oneIn(8) { invalidate_translations() }
  }

  /// A table or block descriptor whose address is a device, a hole, beyond memory, or anything.
  private mutating func descriptor() -> UInt64 {
    let attributes = dice.next() & 0xFFF0_0000_0000_0FFF
    switch dice.below(6) {
    case 0: return 0x0800_0000 | attributes | 3
    case 1: return 0x0900_0000 | attributes | 3
    case 2: return 0x080A_0000 | attributes | 3
    case 3: return Battle.memoryEnd | attributes | 3
    case 4: return Battle.scratch(processor) | attributes | 3
    default: return dice.next()
    }
  }
}
