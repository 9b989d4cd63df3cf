// Attacks from EL0, in AArch64 and AArch32: whatever instructions, in memory that EL0 may only read and execute.
// An exception or the timer ends each.

import GuestMachine
import GuestSupport

enum UserLevel {
  /// The GiB in which EL0 sees the image: below 4 GiB, so that AArch32 reaches it too.
  private static let slot: UInt64 = 3

  /// Maps the image's GiB a second time.
  static func prepare() {
    // Block, AF, inner shareable, EL0 and EL1 may read, attribute 1 (normal).
    write64(Window.entry(slot), image_address() & ~0x3FFF_FFFF | 0x7C5)
    invalidate_translations()
  }

  /// An address of the image, as EL0 sees it.
  static func address(_ address: UInt64) -> UInt64 { slot << 30 | address & 0x3FFF_FFFF }

  static var hasAArch32: Bool { read_ID_AA64PFR0_EL1() & 15 == 2 }
}

/// What ends a program of each instruction set: SVC.
private enum Leave {
  static let wide: UInt32 = 0xD400_0001
  static let arm: UInt32 = 0xEF00_0000
  static let thumb: UInt32 = 0xDF00_DF00
}

extension Attacker {
  mutating func attackFromUserLevel() {
    restore()
    armTimer()
    let control = read_SCTLR_EL1()
    // UCI, nTWE, nTWI, UCT, DZE, SED, ITD, CP15BEN: what EL0 may do. It may not mask the timer's interrupt.
    let permissions: UInt64 = 0x0405_C1A0
    write_SCTLR_EL1(control & ~permissions | dice.next() & permissions)
    switch dice.below(UserLevel.hasAArch32 ? 4 : 2) {
    case 0, 1: runUser(wideProgram(), end: Leave.wide, state: 0)
    case 2: runUser(armProgram(), end: Leave.arm, state: 0x10)
    default: runUser(thumbProgram(), end: Leave.thumb, state: 0x30)
    }
    write_SCTLR_EL1(control)
  }

  /// - Parameter state: the mode, for SPSR_EL1; the flags above it are any.
  private mutating func runUser(_ program: InlineArray<8, UInt32>, end: UInt32, state: UInt64) {
    let address = UserLevel.address(CodeBuffer.make(program, end: end))
    let flags = dice.next() & 0xF000_0000 | (state != 0 ? dice.next() & 0x0001_0200 : 0)
    note(attempt(guest_enter_user, address, state | flags, dice.value(), dice.value()))
  }

  /// Anything, system instructions, accesses.
  private mutating func wideProgram() -> InlineArray<8, UInt32> {
    program {
      switch $0.below(5) {
      case 0: $0.word()
      case 1: 0xD500_0000 | $0.word() & 0x3F_FFFF
      case 2: 0xD500_0000 | $0.word() & 0x20_FFFF | 0x1B_0000  // registers of EL0
      case 3: $0.pick(loads)
      default: $0.pick([0xD400_0002, 0xD400_0003, 0xD503_207F, 0xD503_205F, 0xD500_401F | $0.word() & 0xFE0])
      }
    }
  }

  /// Anything, coprocessors, HVC, SMC, WFI, WFE.
  private mutating func armProgram() -> InlineArray<8, UInt32> {
    program {
      switch $0.below(5) {
      case 0: $0.word()
      case 1: 0xEE00_0F10 | $0.word() & 0x00FF_00EF | $0.word() & 0xF000  // mrc, mcr of p15
      case 2: 0xEE00_0E10 | $0.word() & 0x00FF_F0EF  // of p14
      case 3: 0xEC40_0F00 | $0.word() & 0x001F_F0FF  // mrrc, mcrr
      default: $0.pick([0xE140_0070, 0xE160_0070, 0xE320_F003, 0xE320_F002, 0xE10F_0000, 0xEEF1_0A10])
      }
    }
  }

  /// The same in pairs of half-words.
  private mutating func thumbProgram() -> InlineArray<8, UInt32> {
    program {
      switch $0.below(4) {
      case 0: $0.word()
      case 1: 0x0F10_EE00 | $0.word() & 0xF0EF_00FF
      case 2: 0x0E10_EE00 | $0.word() & 0xF0EF_00FF
      default: $0.pick([0x8000_F7E0, 0x8000_F7F0, 0xBF30_BF30, 0xBF20_BF20])
      }
    }
  }

  private mutating func program(_ instruction: (inout Dice) -> UInt32) -> InlineArray<8, UInt32> {
    var program = InlineArray<8, UInt32>(repeating: 0)
    for index in 0..<8 { program[index] = instruction(&dice) }
    return program
  }
}
