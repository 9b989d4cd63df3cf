// What the CPU says it is, and whether what it says is there.

import GuestMachine
import GuestSupport

/// A feature: where an ID register reports it, and a register that exists with it.
private struct Feature {
  let name: StaticString
  let identification: UInt64
  let shift: UInt64
  /// Least value of the field that stands for the register.
  let least: UInt64
  let register: UInt32

  var field: UInt64 { identification &>> shift & 15 }
  var isReported: Bool { field >= least && field != 15 }
}

func checkIdentity() {
  expect("identity runs at EL1", read_CurrentEL(), 4)
  expect("identity MPIDR of first CPU", read_MPIDR_EL1() & 0xFF_80FF_FFFF, 0x8000_0000)
  let processor = read_ID_AA64PFR0_EL1()
  check("identity EL0 runs", processor & 15 == 1 || processor & 15 == 2, processor)
  check("identity EL1 runs", processor &>> 4 & 15 == 1 || processor &>> 4 & 15 == 2, processor)
  expect("identity no EL2", processor &>> 8 & 15, 0)
  expect("identity no EL3", processor &>> 12 & 15, 0)
  expect("identity GIC system registers", processor &>> 24 & 15, InterruptController.isVersion2 ? 0 : 1)
  check("identity FP and SIMD", processor &>> 16 & 15 != 15 && processor &>> 20 & 15 != 15, processor)
  check("identity 32-bit or more physical address", read_ID_AA64MMFR0_EL1() & 15 < 7)
  check("identity cache lines", read_CTR_EL0() & 15 >= 2, read_CTR_EL0())
  checkFeatures()
  if Report.underPocketvisor { checkHidden(processor) }
}

private func checkFeatures() {
  let processor0 = read_ID_AA64PFR0_EL1()
  let instructions1 = read_ID_AA64ISAR1_EL1()
  let memory1 = read_ID_AA64MMFR1_EL1()
  check(
    Feature(
      name: "identity SVE as reported", identification: processor0, shift: 32, least: 1,
      register: CodeBuffer.encoding(3, 0, 1, 2, 0)))
  check(
    Feature(
      name: "identity RAS as reported", identification: processor0, shift: 28, least: 1,
      register: CodeBuffer.encoding(3, 0, 5, 3, 0)))
  check(
    Feature(
      name: "identity address authentication as reported", identification: instructions1, shift: 4, least: 1,
      register: CodeBuffer.encoding(3, 0, 2, 1, 0)))
  check(
    Feature(
      name: "identity memory tags as reported", identification: read_ID_AA64PFR1_EL1(), shift: 8, least: 2,
      register: CodeBuffer.encoding(3, 0, 1, 0, 5)))
  check(
    Feature(
      name: "identity limited ordering as reported", identification: memory1, shift: 16, least: 1,
      register: CodeBuffer.encoding(3, 0, 10, 4, 3)))
  check(
    Feature(
      name: "identity access never as reported", identification: memory1, shift: 20, least: 1,
      register: CodeBuffer.encoding(3, 0, 4, 2, 3)))
  check(
    Feature(
      name: "identity performance monitors as reported", identification: read_ID_AA64DFR0_EL1(), shift: 8,
      least: 1,
      register: CodeBuffer.encoding(3, 3, 9, 12, 0)))
}

/// A reported feature's register can be read.
private func check(_ feature: Feature) {
  let result = CodeBuffer.read(feature.register)
  check(feature.name, !feature.isReported || !result.isUndefined, result.syndrome)
}

/// What Pocketvisor does not give to guests is not reported either.
private func checkHidden(_ processor: UInt64) {
  expect("hidden scalable vectors", processor &>> 32 & 15, 0)
  expect("hidden activity monitors", processor &>> 44 & 15, 0)
  expect("hidden partitioning", processor &>> 40 & 15, 0)
  expect("hidden memory tags", read_ID_AA64PFR1_EL1() &>> 8 & 15, 0)
  expect("hidden matrix extension", read_ID_AA64PFR1_EL1() &>> 24 & 15, 0)
  expect("hidden performance monitors", read_ID_AA64DFR0_EL1() &>> 8 & 15, 0)
  expect("hidden statistical profiling", read_ID_AA64DFR0_EL1() &>> 32 & 15, 0)
  expect("hidden trace", read_ID_AA64DFR0_EL1() &>> 4 & 15, 0)
}

/// System registers that are not there are UNDEFINED; those of the identification space read as zero.
func checkTraps() {
  checkUndefined("trap HCR_EL2", CodeBuffer.encoding(3, 4, 1, 1, 0))
  checkUndefined("trap ICC_SRE_EL2", CodeBuffer.encoding(3, 4, 12, 9, 5))
  if InterruptController.isVersion2 {
    checkUndefined("trap ICC_SRE_EL1", CodeBuffer.encoding(3, 0, 12, 12, 5))
    checkUndefined("trap ICC_PMR_EL1", CodeBuffer.encoding(3, 0, 4, 6, 0))
    checkUndefined("trap ICC_IAR1_EL1", CodeBuffer.encoding(3, 0, 12, 12, 0))
  }
  checkUndefined("trap SCTLR_EL3", CodeBuffer.encoding(3, 6, 1, 0, 0))
  checkUndefined("trap CNTHCTL_EL2", CodeBuffer.encoding(3, 4, 14, 1, 0))
  checkReadable("trap ACTLR_EL1", CodeBuffer.encoding(3, 0, 1, 0, 1))
  checkReadable("trap MDSCR_EL1", CodeBuffer.encoding(2, 0, 0, 2, 2))
  checkReadable("trap OSLSR_EL1", CodeBuffer.encoding(2, 0, 1, 1, 4))
  checkReadable("trap ID_PFR0_EL1", CodeBuffer.encoding(3, 0, 0, 1, 0))
  let reserved = CodeBuffer.read(CodeBuffer.encoding(3, 0, 0, 7, 7))
  check("trap reserved identification reads as zero", !reserved.faulted && reserved.registers[1] == 0)
  check("trap ACTLR_EL1 may be written", !CodeBuffer.write(CodeBuffer.encoding(3, 0, 1, 0, 1), 0).faulted)
  check("trap OSLAR_EL1 may be written", !CodeBuffer.write(CodeBuffer.encoding(2, 0, 1, 0, 4), 0).faulted)
  check(
    "trap identification may not be written",
    CodeBuffer.write(CodeBuffer.encoding(3, 0, 0, 4, 0), 0).isUndefined)
  // DC CISW: cleaning by set and way is allowed, and must not lose anything.
  Shared.write(0, 0x5E7)
  let clean = attempt(code: CodeBuffer.make([0xD508_7E41]))
  check("trap clean by set and way", !clean.faulted && Shared.read(0) == 0x5E7, clean.syndrome)
}

private func checkUndefined(_ name: StaticString, _ encoding: UInt32) {
  let result = CodeBuffer.read(encoding)
  check(name, result.isUndefined, result.syndrome)
}

private func checkReadable(_ name: StaticString, _ encoding: UInt32) {
  let result = CodeBuffer.read(encoding)
  check(name, !result.faulted, result.syndrome)
}
