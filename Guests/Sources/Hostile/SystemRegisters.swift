// Every encoding of the system instruction space: registers, hints, barriers, maintenance, debug.

import GuestMachine
import GuestSupport

extension Attacker {
  /// A session without the MMU, so that nonsense in the translation registers does not cut off this guest
  /// from its own code. What would is put back by the instructions that follow each attack.
  mutating func attackSystemRegisters() {
    guest_translation_off()
    for turn in UInt64(0)..<8 {
      // All encodings, read and written, in an order without a pattern: the factor is odd.
      let place = (8 * session + turn) &* 0x9E37_79B1 & 0x1_FFFF
      attackOneRegister(UInt32(place & 0xFFFF), isRead: place >> 16 == 0)
      attackOneRegister(registerEncoding(), isRead: dice.oneIn(2))
    }
    guest_translation_on()
  }

  private mutating func attackOneRegister(_ encoding: UInt32, isRead: Bool) {
    if isWait(encoding) { restore() }
    armTimer()
    guard isRead || mayWrite(encoding) else { return }
    let register: UInt32 = dice.oneIn(4) ? 31 : 1
    let instruction = CodeBuffer.systemRegister(encoding, reading: isRead, register: register)
    let value = value(for: encoding)
    // MSR SPSel, #1; MSR TPIDR_EL1, x2; MSR VBAR_EL1, x3; ISB
    execute(
      [instruction, 0xD500_41BF, 0xD518_D082, 0xD518_C003, 0xD503_3FDF], 0, value,
      read_TPIDR_EL1(), read_VBAR_EL1())
    repair()
  }

  private enum Encoding {
    static let control = CodeBuffer.encoding(3, 0, 1, 0, 0)
    static let binaryPoint0 = CodeBuffer.encoding(3, 0, 12, 8, 3)
    static let binaryPoint1 = CodeBuffer.encoding(3, 0, 12, 12, 3)
    static let frequency = CodeBuffer.encoding(3, 3, 14, 0, 0)
  }

  /// Where this machine has registers.
  private mutating func registerEncoding() -> UInt32 {
    switch dice.below(6) {
    case 0: return CodeBuffer.encoding(3, 0, 12, 8 + dice.word() % 8, dice.word() % 8)  // GIC CPU interface
    case 1: return CodeBuffer.encoding(3, 0, 0, dice.word() % 16, dice.word() % 8)  // identification
    case 2: return CodeBuffer.encoding(3, 3, 14, dice.word() % 16, dice.word() % 8)  // timers
    case 3: return CodeBuffer.encoding(2, 0, dice.word() % 16, dice.word() % 16, dice.word() % 8)  // debug
    case 4: return CodeBuffer.encoding(3, dice.word() % 8, dice.word() % 16, dice.word() % 16, dice.word() % 8)
    default:
      return CodeBuffer.encoding(1, dice.word() % 8, 7 + dice.word() % 2, dice.word() % 16, dice.word() % 8)
    }
  }

  /// Without a hypervisor, EL1 is the highest level and may set the clock's frequency.
  private func mayWrite(_ encoding: UInt32) -> Bool { Battle.isGuest || encoding != Encoding.frequency }

  /// Anything, but: SCTLR_EL1 keeps the MMU off and the byte order; and QEMU 7.2 dies of an assertion when a
  /// binary point is written with more than its three bits (hardware ignores the others).
  private mutating func value(for encoding: UInt32) -> UInt64 {
    switch encoding {
    case Encoding.control: return dice.next() & ~0x0200_0001
    case Encoding.binaryPoint0, Encoding.binaryPoint1: return dice.below(8)
    default: return dice.value()
    }
  }

  /// WFI, WFE and, with a timeout, WFIT and WFET.
  private func isWait(_ encoding: UInt32) -> Bool {
    encoding & ~1 == CodeBuffer.encoding(0, 3, 2, 0, 2) || encoding & ~1 == CodeBuffer.encoding(0, 3, 1, 0, 0)
  }

  private func repair() {
    write_CPACR_EL1(3 << 20)
    write_SCTLR_EL1(0x30D0_0980 | 0x1004)
    write_CNTKCTL_EL1(0)
    mask_interrupts()
  }
}
