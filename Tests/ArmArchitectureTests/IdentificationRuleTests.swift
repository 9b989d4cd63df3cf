import ArmArchitecture
import Testing

/// A field of an identification register.
struct IdentificationField: CustomTestStringConvertible, Sendable {
  let name: String
  /// `CRm:op2`.
  let index: UInt32
  let shift: UInt64

  init(_ name: String, _ cm: UInt32, _ op2: UInt32, _ shift: UInt64) {
    self.name = name
    index = cm << 3 | op2
    self.shift = shift
  }

  var testDescription: String { name }

  /// What a guest reads on a CPU whose registers are all ones.
  var greatest: UInt64 { IdentificationRule.rule(for: index).apply(to: ~0) >> shift & 15 }
  /// The same on a CPU that has nothing.
  var least: UInt64 { IdentificationRule.rule(for: index).apply(to: 0) >> shift & 15 }
}

@Suite struct IdentificationRuleTests {
  /// What we do not switch between VMs does not exist, whatever the CPU has.
  static let hidden = [
    IdentificationField("PFR0.EL2", 4, 0, 8), IdentificationField("PFR0.EL3", 4, 0, 12),
    IdentificationField("PFR0.RAS", 4, 0, 28), IdentificationField("PFR0.SVE", 4, 0, 32),
    IdentificationField("PFR0.SEL2", 4, 0, 36), IdentificationField("PFR0.MPAM", 4, 0, 40),
    IdentificationField("PFR0.AMU", 4, 0, 44), IdentificationField("PFR0.RME", 4, 0, 52),
    IdentificationField("PFR1.MTE", 4, 1, 8), IdentificationField("PFR1.RAS_frac", 4, 1, 12),
    IdentificationField("PFR1.MPAM_frac", 4, 1, 16), IdentificationField("PFR1.SME", 4, 1, 24),
    IdentificationField("PFR1.NMI", 4, 1, 36), IdentificationField("PFR1.GCS", 4, 1, 44),
    IdentificationField("ZFR0.SVEver", 4, 4, 0), IdentificationField("SMFR0.SMEver", 4, 5, 56),
    IdentificationField("DFR0.TraceVer", 5, 0, 4), IdentificationField("DFR0.PMUVer", 5, 0, 8),
    IdentificationField("DFR0.PMSVer", 5, 0, 32), IdentificationField("DFR0.TraceBuffer", 5, 0, 44),
    IdentificationField("DFR0.BRBE", 5, 0, 52),
    IdentificationField("ISAR0.TME", 6, 0, 24),
    IdentificationField("ISAR1.APA", 6, 1, 4), IdentificationField("ISAR1.API", 6, 1, 8),
    IdentificationField("ISAR1.GPA", 6, 1, 24), IdentificationField("ISAR1.GPI", 6, 1, 28),
    IdentificationField("ISAR1.LS64", 6, 1, 60),
    IdentificationField("ISAR2.GPA3", 6, 2, 8), IdentificationField("ISAR2.APA3", 6, 2, 12),
    IdentificationField("ISAR2.MOPS", 6, 2, 16),
    IdentificationField("MMFR0.FGT", 7, 0, 56), IdentificationField("MMFR0.ECV", 7, 0, 60),
    IdentificationField("MMFR1.VH", 7, 1, 8), IdentificationField("MMFR1.LO", 7, 1, 16),
    IdentificationField("MMFR1.TWED", 7, 1, 32), IdentificationField("MMFR1.HCX", 7, 1, 40),
    IdentificationField("MMFR2.NV", 7, 2, 24), IdentificationField("MMFR2.FWB", 7, 2, 40),
    IdentificationField("MMFR2.EVT", 7, 2, 56), IdentificationField("MMFR3.TCRX", 7, 3, 0),
  ]

  @Test(arguments: hidden) func isHidden(_ field: IdentificationField) {
    #expect(field.greatest == 0)
    #expect(field.least == 0)
  }

  /// For the lead: the AArch32 views of the same features. A guest's EL1 reads them from AArch64.
  static let hiddenThirtyTwoBit = [
    IdentificationField("ID_DFR0.CopTrc", 1, 2, 12), IdentificationField("ID_DFR0.PerfMon", 1, 2, 24),
    IdentificationField("ID_PFR0.AMU", 1, 0, 20), IdentificationField("ID_PFR0.RAS", 1, 0, 28),
    IdentificationField("ID_PFR1.Security", 1, 1, 4), IdentificationField("ID_PFR1.Virtualization", 1, 1, 12),
    IdentificationField("ID_PFR2.RAS_frac", 3, 4, 8),
  ]

  @Test(arguments: hiddenThirtyTwoBit) func isHiddenInThirtyTwoBitViews(_ field: IdentificationField) {
    #expect(field.greatest == 0)
  }

  static let passed = [
    IdentificationField("PFR0.FP", 4, 0, 16), IdentificationField("PFR0.AdvSIMD", 4, 0, 20),
    IdentificationField("PFR0.CSV3", 4, 0, 60), IdentificationField("ISAR0.AES", 6, 0, 4),
    IdentificationField("ISAR0.Atomic", 6, 0, 20), IdentificationField("ISAR1.LRCPC", 6, 1, 20),
    IdentificationField("MMFR0.TGran4", 7, 0, 28), IdentificationField("MMFR1.PAN", 7, 1, 20),
    IdentificationField("MMFR2.VARange", 7, 2, 16),
  ]

  @Test(arguments: passed) func passes(_ field: IdentificationField) {
    #expect(field.greatest == 15)
    #expect(field.least == 0)
  }

  @Test func fixedFields() {
    for native in [0, ~0] as [UInt64] {
      func value(_ cm: UInt32, _ op2: UInt32) -> UInt64 {
        IdentificationRule.rule(for: cm << 3 | op2).apply(to: native)
      }
      #expect(value(4, 0) >> 24 & 15 == 1, "GIC system registers")
      #expect(value(4, 0) >> 4 & 15 == 1, "EL1 in AArch64 only")
      #expect(value(5, 0) & 15 == 6, "Armv8.0 debug")
      #expect(value(7, 0) & 15 == 1, "36-bit addresses")
    }
  }

  /// What has no rule reads as zero.
  @Test func unlistedRegisters() {
    for index in [2, 3, 6, 7].map({ 4 << 3 | $0 }) + [2, 3, 4, 5, 6, 7].map({ 5 << 3 | $0 }) as [UInt32] {
      #expect(IdentificationRule.rule(for: index).apply(to: ~0) == 0, "CRm \(index >> 3) op2 \(index & 7)")
    }
  }
}
