// The interrupt controller and the console at every offset and width; exceptions; waits.

import GuestMachine
import GuestSupport

private let loadWidths: InlineArray<4, Routine> = [guest_load8, guest_load16, guest_load32, guest_load64]
private let storeWidths: InlineArray<4, Routine> = [guest_store8, guest_store16, guest_store32, guest_store64]

extension Attacker {
  private mutating func accessDevice(_ address: UInt64, _ value: UInt64) {
    let width = Int(dice.below(4))
    let aligned = dice.oneIn(8) ? address : address & ~7 &+ UInt64(1 << width) &* dice.below(UInt64(8 >> width))
    note(attempt(dice.oneIn(3) ? loadWidths[width] : storeWidths[width], aligned, value))
  }

  mutating func attackInterruptController() {
    let frames = 0x2_0000 * UInt64(Battle.processors)
    switch dice.below(6) {
    case 0, 1: accessDevice(Distributor.base + dice.below(0x1000), dice.value())
    case 2: accessDevice(Distributor.base + 0x6000 + dice.below(0x2000), dice.value())
    case 3: accessDevice(Distributor.base + dice.below(0x1_0000), dice.value())
    case 4: accessDevice(0x080A_0000 + dice.below(frames), dice.value())
    default:
      let processor = dice.below(UInt64(Battle.processors))
      accessDevice(Redistributor(Int(processor)).private + dice.below(0x1000), dice.value())
    }
    if dice.oneIn(4) { execute([0xD503_43FF, 0xD503_201F, 0xD503_43DF]) }  // interrupts in, nop, out
  }

  mutating func attackConsole() {
    let offset = dice.below(64) == 0 ? 0 : 4 + dice.below(0xFFC)
    if offset == 0 { return note(attempt(guest_store32, Console.base, 0x2E)) }
    accessDevice(Console.base + max(offset, 8), dice.value())
  }

  /// Exceptions of this guest's own making.
  mutating func raise() {
    let number = dice.word() & 0xFFFF
    switch dice.below(8) {
    case 0: execute([0xD420_0000 | number << 5])  // brk
    case 1: execute([0xD440_0000 | number << 5])  // hlt
    case 2: execute([0xD400_0001 | number << 5])  // svc
    case 3: execute([number])  // udf
    case 4: execute([0xD4A0_0001 | number << 5 | dice.word() % 3])  // dcps1…3
    case 5: execute([0xD61F_0000], image_address() + 2)  // br to an unaligned address
    case 6:  // eret into any state, and back to this level's stack from where that is possible
      execute([0xD518_4000, 0x1000_0061, 0xD518_4021, 0xD69F_03E0, 0xD500_41BF], dice.value())
    default: execute([0xD503_309F | number & 0xF00 | (number & 3) % 3 << 5])  // a barrier of any kind
    }
  }

  /// Timers, interrupts to everybody, waits, interrupts let in.
  mutating func disturb() {
    switch dice.below(6) {
    case 0: execute([0xD518_CBA1], 0, dice.next() & 0xFF_0F00_0003 | dice.below(2) << 40)  // ICC_SGI1R_EL1
    case 1: execute([0xD51B_E341, 0xD51B_E322], 0, dice.value(), dice.below(4))  // CNTV_CVAL_EL0, CNTV_CTL_EL0
    case 2: execute([0xD51B_E241, 0xD51B_E222], 0, dice.value(), dice.below(4))  // CNTP_CVAL_EL0, CNTP_CTL_EL0
    case 3: execute([0xD503_43FF, 0xD503_201F, 0xD503_43DF])  // interrupts in, nop, out
    default:
      restore()
      armTimer()
      execute([dice.oneIn(2) ? 0xD503_207F : 0xD503_205F])  // wfi, wfe
    }
  }
}
