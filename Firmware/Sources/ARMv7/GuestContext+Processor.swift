// Of the guest's processor, what is neither coprocessor 15 nor memory.

import ARMv7Assembly
import Hypervisor
import SoftwareVirtualization
import Translator

extension ContextReference {
  /// Code is about to be translated from a page: stores to it are to be noticed.
  func protect(_ page: UInt32, _ bytes: UInt32) {
    let walk = GuestWalk(memory: memory, regime: regime, map: value.memory)
    guard let found = try? walk.translate(Access(address: page, isFetch: true)) else { return }
    shadows.protect(found.physical, at: page, bytes: bytes)
    value.codePages[Int(bitPattern: UInt(page &>> 17 & 31))] |= 1 &<< (page &>> 12 & 31)
  }

  /// Whether code may have been translated from a page.
  func mayHoldCode(_ page: UInt32) -> Bool {
    value.codePages[Int(bitPattern: UInt(page &>> 17 & 31))] &>> (page &>> 12 & 31) & 1 != 0
  }

  /// VMRS and VMSR of the registers that only a kernel has.
  /// - Returns: whether that was it.
  func answerFloatingPoint(isUser: Bool) -> Bool { false }
}

/// This CPU's own registers, without what is not there for a guest.
struct OwnIdentification: Identification {
  func identification(_ index: UInt32) -> UInt32 {
    switch index {
    case 0x00: read_midr()
    case 0x01: read_ctr()
    // ARM and Thumb-2 but no ThumbEE; no Security Extensions, no generic timer.
    case 0x10: read_id_pfr0() & 0xFF
    case 0x11: read_id_pfr1() & 0xF
    case 0x14: read_id_mmfr0()
    case 0x15: read_id_mmfr1()
    case 0x16: read_id_mmfr2()
    case 0x17: read_id_mmfr3()
    case 0x20: read_id_isar0()
    case 0x21: read_id_isar1()
    case 0x22: read_id_isar2()
    case 0x23: read_id_isar3()
    case 0x24: read_id_isar4()
    // TLBTR: one TLB; no debug, no performance counters.
    default: 0
    }
  }

  func cacheLevels() -> UInt32 { read_clidr() }

  func cacheSize(_ selection: UInt32) -> UInt32 {
    write_csselr(selection & 15)
    instruction_barrier()
    return read_ccsidr()
  }
}
