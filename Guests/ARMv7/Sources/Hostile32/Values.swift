// What is thrown at the hypervisor: addresses, numbers, instructions.

import GuestMachine
import GuestSupport

extension Dice {
  mutating func pick<let count: Int>(_ values: InlineArray<count, UInt32>) -> UInt32 {
    values[Int(below(UInt32(count)))]
  }

  /// Numbers that programs get wrong: small, all ones, single bits, addresses, anything.
  mutating func value() -> UInt32 {
    switch below(8) {
    case 0: return below(64)
    case 1: return ~0
    case 2: return 1 &<< below(32)
    case 3: return ~below(4096)
    case 4, 5: return address()
    default: return word()
    }
  }

  /// Where it hurts.
  mutating func address() -> UInt32 {
    let place = below(16)
    return place < 3 ? cacheAddress() : address(place)
  }

  /// The translator and its tables, the status window, the cache; or something else that the kernel cannot write.
  mutating func cacheAddress() -> UInt32 {
    guard !Battle.sparesCache else { return 0xFE00_0000 &+ below(0x6000) }
    switch below(8) {
    case 0, 1: return 0xFE00_0000 &+ below(0x26) &<< 12 &+ offset()
    case 2: return 0xFE10_0000 &+ below(256) &<< 12 &+ offset()
    // The first pages are in use.
    case 3, 4, 5: return 0xFE20_0000 &+ below(64) &<< 12 &+ offset()
    default: return 0xFE20_0000 &+ below(512) &<< 12 &+ offset()
    }
  }

  private mutating func offset() -> UInt32 { oneIn(2) ? below(1024) &* 4 : word() & 0xFFF }

  private mutating func address(_ place: UInt32) -> UInt32 {
    switch place {
    case 3: return deviceAddress()
    case 4: return Battle.memoryEnd &- 64 &+ below(128)
    case 5: return Battle.data &+ below(Battle.dataBytes)
    case 6, 7: return Battle.userData &+ below(Battle.dataBytes)
    case 8: return Battle.userCode &+ below(Battle.codeBytes)
    case 9: return 0xFE40_0000 &+ below(1024) &<< 12 &+ offset()
    case 10: return 0xFFF0_0000 &+ below(256) &<< 12 &+ offset()
    // Around the ends of the hypervisor's megabytes, and of the address space.
    case 11: return Battle.sparesCache ? 0xFFF0_0000 &- 64 &+ below(128) : boundary() &- 64 &+ below(128)
    case 12: return 0 &- below(64)
    case 13: return below(64)
    case 14: return Battle.edgeMemory &+ below(0x6000)
    default: return word()
    }
  }

  private mutating func boundary() -> UInt32 {
    pick([
      0xFE00_0000, 0xFE10_0000, 0xFE20_0000, 0xFE40_0000, 0xFE80_0000, 0xFFF0_0000, 0xFFFF_0000, 0x4000_0000,
    ])
  }

  /// Registers of the devices, and holes beside them. Characters would flood the console.
  mutating func deviceAddress() -> UInt32 {
    switch below(8) {
    case 0, 1: return 0x0800_0000 &+ below(0x1000)
    case 2: return 0x0801_0000 &+ below(0x2000)
    case 3: return 0x0900_0000 &+ 20 &+ below(0xFE8)
    case 4: return 0x0904_0000 &+ below(0x1000)
    case 5: return 0x0800_0000 &+ below(0x4) &<< 16 &+ below(0x1_0000)
    case 6: return 0x0900_1000 &+ below(0xF) &<< 16 &+ below(0xF000)
    default: return word() & 0x0FFF_FFFF | 0x0A00_0000
    }
  }

  /// An A32 instruction word: anything, or something of a kind that is rare among all.
  mutating func anyA32() -> UInt32 {
    let condition: UInt32 = oneIn(4) ? word() & 0xF000_0000 : 0xE000_0000
    switch below(12) {
    case 0: return word()
    case 1: return 0xF000_0000 | word() & 0x0FFF_FFFF
    case 2: return condition | 0x0100_0000 | word() & 0x0FF0_00FF | word() & 0xFF00  // miscellaneous
    case 3: return condition | 0x0600_0010 | word() & 0x01FF_FFEF  // media
    case 4: return condition | 0x0E00_0010 | word() & 0x00FF_FFEF  // coprocessors
    case 5: return condition | 0x0C00_0000 | word() & 0x03FF_FFFF
    case 6: return condition | multiple()
    case 7: return condition | 0x0000_0090 | word() & 0x01FF_FF6F  // multiplications, short transfers
    case 8: return condition | 0x0400_0000 | word() & 0x03FF_FFFF  // transfers of a word or a byte
    case 9: return 0xE7F0_00F0 | word() & 0xF_FF0F  // UDF
    case 10: return 0xE120_0070 | word() & 0xF_FF0F  // BKPT
    default: return condition | word() & 0x03FF_FFFF  // data processing
    }
  }

  /// LDM or STM without its condition.
  mutating func multiple() -> UInt32 { 0x0800_0000 | word() & 0x01FF_FFFF }

  /// A T32 instruction: the halfwords of a long one, or a short one on top and anything.
  mutating func anyT32() -> UInt32 {
    switch below(10) {
    case 0: return word()
    case 1: return 0xE800_0000 | word() & 0x1FFF_FFFF
    case 2: return 0xE800_0000 | word() & 0x01FF_FFFF  // LDM, STM, SRS, RFE, LDRD, LDREX, TBB
    case 3: return 0xF380_8000 | word() & 0x007F_2FFF  // miscellaneous control
    case 4: return 0xF800_0000 | word() & 0x01FF_FFFF  // loads and stores
    case 5: return 0xEC00_0000 | word() & 0x13FF_FFFF  // coprocessors
    case 6: return 0xB000_0000 | word() & 0x0FFF_FFFF  // miscellaneous, with IT, CPS, SETEND, BKPT, CBZ
    case 7: return 0xDE00_0000 | word() & 0x01FF_FFFF  // UDF.N, SVC.N
    case 8: return 0xC000_0000 | word() & 0x0FFF_FFFF  // LDM, STM
    default: return 0x4400_0000 | word() & 0x03FF_FFFF  // high registers, BX
    }
  }

  /// Registers with what hurts in them.
  mutating func registers() {
    for index in 0..<15 { Battle.state[index] = oneIn(3) ? value() : address() }
  }
}
