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

extension ContextReference {
  /// The guest's identification registers: this CPU's own, without what is not there for a guest. Zero are what there is
  /// none of: TCM, debug, performance counters.
  func identify() {
    setIdentification(0, 0, read_midr())
    setIdentification(0, 1, read_ctr())
    // MPIDR of the VM's first CPU.
    setIdentification(0, 5, 1 &<< 31)
    // ARM and Thumb-2 but no ThumbEE; no Security Extensions, no generic timer.
    setIdentification(1, 0, read_id_pfr0() & 0xFF)
    setIdentification(1, 1, read_id_pfr1() & 0xF)
    setIdentification(1, 4, read_id_mmfr0())
    setIdentification(1, 5, read_id_mmfr1())
    setIdentification(1, 6, read_id_mmfr2())
    setIdentification(1, 7, read_id_mmfr3())
    setIdentification(2, 0, read_id_isar0())
    setIdentification(2, 1, read_id_isar1())
    setIdentification(2, 2, read_id_isar2())
    setIdentification(2, 3, read_id_isar3())
    setIdentification(2, 4, read_id_isar4())
    self[.cacheLevels] = read_clidr()
    for cache in 0..<StateSlot.cacheSizeCount {
      write_csselr(cache)
      instruction_barrier()
      self[StateSlot(rawValue: StateSlot.cacheSizes.rawValue &+ 4 &* cache)] = read_ccsidr()
    }
    self[.cacheSize] = self[.cacheSizes]
  }

  private func setIdentification(_ row: UInt32, _ column: UInt32, _ value: UInt32) {
    self[.identification(row, column)] = value
  }
}
