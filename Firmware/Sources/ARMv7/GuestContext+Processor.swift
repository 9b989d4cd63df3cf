// Of the guest's processor, what is neither coprocessor 15 nor memory.

import ARMv7Assembly
import Hypervisor
import SoftwareVirtualization
import Translator

extension ContextReference {
  /// Code is about to be translated from a page: stores to it are to be noticed.
  func protect(_ page: UInt32, _ bytes: UInt32) {
    guard let found = try? walk.translate(Access(address: page, isFetch: true)) else { return }
    shadows.protect(found.physical, at: page, bytes: bytes)
    value.codePages[Int(bitPattern: UInt(page &>> 17 & 31))] |= 1 &<< (page &>> 12 & 31)
  }

  /// No code is translated any more.
  func forgetCodePages() {
    for word in 0..<32 { value.codePages[word] = 0 }
  }

  /// Whether code may have been translated from a page.
  func mayHoldCode(_ page: UInt32) -> Bool {
    value.codePages[Int(bitPattern: UInt(page &>> 17 & 31))] &>> (page &>> 12 & 31) & 1 != 0
  }

  /// VMRS and VMSR of the registers that only a kernel has (B9.3.22).
  /// - Returns: whether `word` was one of them.
  func answerFloatingPoint(_ word: UInt32) -> Bool {
    let register = Int(bitPattern: UInt(word &>> 12 & 15))
    let name = word &>> 16 & 15
    guard word & 0x0FE0_0FFF == 0x0EE0_0A10, register < 15 else { return false }
    if word & 1 &<< 20 == 0 {
      // FPEXC: only EN can be changed.
      guard name == 8 else { return name == 0 }
      value.floatingPoint = Exits.frame.registers[register] & 1 &<< 30
      Machine.loadFloatingPointControl()
      return true
    }
    switch name {
    case 8: Exits.frame.registers[register] = value.floatingPoint
    case 0: Exits.frame.registers[register] = read_fpsid()
    case 6: Exits.frame.registers[register] = read_mvfr1()
    case 7: Exits.frame.registers[register] = read_mvfr0()
    default: return false
    }
    return true
  }
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
