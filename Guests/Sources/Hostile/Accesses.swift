// Loads, stores and fetches all over the address space, through a mapping of this CPU's own.

import GuestMachine
import GuestSupport

/// The upper half of the translation table, shared out between the CPUs: 32 GiB each.
enum Window {
  static let count: UInt64 = 32
  static func first(_ processor: Int) -> UInt64 { 256 + count * UInt64(processor) }
  static func entry(_ slot: UInt64) -> UInt64 { translation_table_address() + 8 * slot }
}

/// Ways to ask for memory: x0 is the address, x1… are data.
let loads: InlineArray<36, UInt32> = [
  0x3940_0001, 0x7940_0001, 0xB940_0001, 0xF940_0001,  // ldrb, ldrh, ldr w, ldr x
  0x3980_0001, 0x79C0_0001, 0xB980_0001, 0xF940_001F,  // ldrsb, ldrsh, ldrsw, ldr xzr
  0xA940_0801, 0x2940_0801, 0xA840_0801, 0x6940_0801,  // ldp x, ldp w, ldnp, ldpsw
  0xF840_8401, 0xF840_8C01, 0xA8C1_0801, 0xF85F_D001,  // ldr post- and pre-indexed, ldp post-indexed, ldur
  0x085F_7C01, 0xC85F_7C01, 0x885F_FC01, 0xC8DF_FC01,  // ldxrb, ldxr, ldaxr, ldar
  0xC87F_0801, 0xF8BF_C001, 0xF840_0801, 0x3D40_0000,  // ldxp, ldapr, ldtr, ldr b
  0x3DC0_0000, 0xAD40_0400, 0x4C40_7000, 0x4C40_0000,  // ldr q, ldp q, ld1, ld4
  0x4D40_CC00, 0xF980_0000, 0xD508_7800, 0xD508_7840,  // ld1r, prfm, at s1e1r, at s1e0r
  0xD508_7820, 0xF820_0401, 0xF863_6801, 0xD960_0001,  // at s1e1w, ldraa, ldr with an index, ldg
]
let stores: InlineArray<36, UInt32> = [
  0x3900_0001, 0x7900_0001, 0xB900_0001, 0xF900_0001,  // strb, strh, str w, str x
  0xB900_001F, 0xF900_001F, 0xA900_0801, 0x2900_0801,  // str wzr, str xzr, stp x, stp w
  0xA800_0801, 0xF800_8401, 0xF800_8C01, 0xA9BF_0801,  // stnp, str post- and pre-indexed, stp pre-indexed
  0xF81F_D001, 0xC802_7C01, 0x8802_FC01, 0xC89F_FC01,  // stur, stxr, stlxr, stlr
  0xC823_0801, 0xF800_0801, 0x3D00_0000, 0x3D80_0000,  // stxp, sttr, str b, str q
  0xAD00_0400, 0x4C00_7000, 0x4C00_0000, 0xF821_0002,  // stp q, st1, st4, ldadd
  0x3821_0002, 0xF821_8002, 0xC8A1_7C02, 0x4822_7C04,  // ldaddb, swp, cas, casp
  0xF861_301F, 0xB8E1_4002, 0xD50B_7420, 0xD508_7620,  // stsetl, ldsmaxal, dc zva, dc ivac
  0xD50B_7A20, 0xD50B_7B20, 0xD50B_7E20, 0xD50B_7520,  // dc cvac, dc cvau, dc civac, ic ivau
]

extension Attacker {
  mutating func access() {
    let isStore = dice.oneIn(2)
    let address = physicalAddress(isStore: isStore)
    guard isStore, address >= Distributor.base, address < Console.base else { return access(address, isStore) }
    exclusively { $0.access(address, isStore) }
  }

  private mutating func access(_ address: UInt64, _ isStore: Bool) {
    let isNormal = dice.oneIn(2)
    let target = map(address, attributes: isNormal ? 0x705 : 0x401)
    if !isStore, dice.oneIn(8), !isMemory(address) { return note(attempt(code: target)) }
    let instruction = dice.pick(isStore ? stores : loads)
    note(
      attempt(
        code: CodeBuffer.make([instruction]),
        [
          target, dice.value(), dice.value(), dice.below(64), dice.value(), dice.value(), 0, 0,
        ]))
  }

  private func isMemory(_ address: UInt64) -> Bool {
    address >= Battle.memoryBase && address < Battle.memoryEnd
  }

  /// Where it hurts: device frames, the edges of memory, holes, anything. Stores spare this guest's image.
  private mutating func physicalAddress(isStore: Bool) -> UInt64 {
    let address = dice.below(Battle.isGuest ? 3 : 1) == 0 ? boardAddress() : anyAddress()
    let isOwn = address >= Battle.scratch(processor) && address < Battle.scratch(processor + 1)
    return isStore && !isOwn ? spared(address) : address
  }

  /// Where a real board has nothing that could be set off, either.
  private mutating func boardAddress() -> UInt64 {
    switch dice.below(7) {
    case 0: return Distributor.base + dice.below(0x1_0000)
    case 1: return interfaceAddress()
    case 2: return Console.base + consoleOffset()
    case 3: return Battle.scratch(processor) + 256 + dice.below(Battle.scratchSize - 512)
    case 4: return 0x0B00_0000 + dice.below(0x10_0000)
    case 5: return Battle.memoryEnd + dice.below(0x1000)
    default: return dice.next() & 0xFFFF_FFFF_FFFF | 1 << 44
    }
  }

  private mutating func anyAddress() -> UInt64 {
    switch dice.below(10) {
    case 0: return 0x0800_0000 + dice.below(0x300_0000)
    case 1: return dice.below(0x4000_0000)
    case 2: return Battle.memoryEnd + dice.below(1 << 32)
    case 3: return Battle.memoryBase + dice.below(Battle.memoryEnd - Battle.memoryBase)
    case 4: return 0x090C_0000 + dice.below(0x2_0000)  // watchdog
    case 5: return 0x2000_0000 + dice.below(0x120_0000)  // shared windows
    case 6: return 0x0400_0000 &- 64 + dice.below(0x1080)  // the page in the place of the flash
    case 7: return Battle.memoryEnd - dice.below(64)
    case 8: return (1 &<< (12 + dice.below(36))) &- 32 &+ dice.below(64)
    default: return dice.next() & 0xFFFF_FFFF_FFFF
    }
  }

  /// The frames of a GICv3's CPUs; a GICv2's CPU interface and what lies behind it.
  private mutating func interfaceAddress() -> UInt64 {
    guard InterruptController.isVersion2 else {
      return 0x080A_0000 + dice.below(0x2_0000 * UInt64(Battle.processors))
    }
    return ProcessorInterface.base + dice.below(0x5_0000)
  }

  /// Stores keep away from this guest's own memory, and from what would let the watchdog end it.
  private func spared(_ address: UInt64) -> UInt64 {
    let isWatchdog = address >= 0x090C_FFC0 && address < 0x090D_0060 && !Battle.mayExpire
    let isKept = isWatchdog || isMemory(address) || isMemory(address + 64) || Battle.isFatal(address)
    return isKept ? address | 1 << 40 : address
  }

  /// Characters would flood the console: its data register is left to `attackConsole`.
  private mutating func consoleOffset() -> UInt64 { 20 + dice.below(0xFE8) }

  /// Maps the GiB around an address and gives its virtual address.
  private mutating func map(_ address: UInt64, attributes: UInt64) -> UInt64 {
    let slot = takeSlot()
    write64(Window.entry(slot), address & 0xFFFF_C000_0000 | attributes)
    synchronize()
    return slot << 30 | address & 0x3FFF_FFFF
  }

  /// An unused entry of the translation table; when all were used, they are forgotten together.
  mutating func takeSlot() -> UInt64 {
    let first = Window.first(processor)
    if nextSlot == first + Window.count {
      nextSlot = first
      for slot in nextSlot..<nextSlot + Window.count { write64(Window.entry(slot), 0) }
      invalidate_translations()
    }
    defer { nextSlot += 1 }
    return nextSlot
  }
}
