// What a guest reads in the identification registers: the CPU's own value, cut to what the hypervisor
// switches between VMs. An allow-list: a feature that is not named here does not exist for a guest, and its
// instructions and registers are undefined. Arm ARM D24.2, "ID_AA64…_EL1".

/// The rule for one identification register: `native & allowed | fixed`.
public struct IdentificationRule: Equatable {
  /// Fields passed through.
  public let allowed: UInt64
  /// Fields with a value of our own.
  public let fixed: UInt64

  init(allowed: UInt64, fixed: UInt64 = 0) {
    self.allowed = allowed
    self.fixed = fixed
  }

  public func apply(to native: UInt64) -> UInt64 { native & allowed | fixed }

  /// The rule for the register with this `CRm:op2`. AArch32 registers (CRm 1…3) pass: user programs run in
  /// AArch32 where the CPU can. What is not listed reads as zero.
  @inline(__always) public static func rule(for index: UInt32) -> IdentificationRule {
    switch index {
    // PFR0: EL0, FP, AdvSIMD, DIT, CSV3, CSV2 0 or 1; EL1 in AArch64 only, GIC 1; no EL2, EL3, SVE, RAS
    case 4 << 3 | 0:
      return IdentificationRule(allowed: 0xF10F_0000_00FF_000F, fixed: 0x0100_0010)
    case 4 << 3 | 1: return IdentificationRule(allowed: 0xFF)  // PFR1: BT, SSBS
    case 5 << 3 | 0: return IdentificationRule(allowed: 0, fixed: 0x0010_1006)  // DFR0: the least, Armv8.0
    case 6 << 3 | 0: return IdentificationRule(allowed: ~0 ^ 0xF << 24)  // ISAR0: no TME
    // ISAR1: without pointer authentication (APA, API, GPA, GPI), LS64 and XS
    case 6 << 3 | 1: return IdentificationRule(allowed: 0x00FF_FFFF_00FF_F00F)
    case 7 << 3 | 0:  // MMFR0: PARange is our 36-bit guest address space; no ECV, FGT, ExS
      return IdentificationRule(allowed: 0x0000_0000_FFFF_FFF0, fixed: 1)
    // MMFR1: HAFDBS, VMIDBits, HPDS, PAN, XNX; no VH, LO, TWED, ETS2, HCX
    case 7 << 3 | 1: return IdentificationRule(allowed: 0x0000_0000_F0F0_F0FF)
    // MMFR2: CnP, UAO, LSM, IESB 0, VARange, CCIDX, ST, AT, TTL, BBM, E0PD; no NV, FWB, EVT
    case 7 << 3 | 2: return IdentificationRule(allowed: 0xF0FF_000F_F0FF_0FFF)
    case 1 << 3 | 0: return IdentificationRule(allowed: 0xFFFF)  // ID_PFR0: the instruction sets; no RAS, AMU
    // ID_PFR1: programmers' model, generic timer, GIC; no security, no virtualization
    case 1 << 3 | 1: return IdentificationRule(allowed: 0xF00F_000F)
    case 1 << 3 | 2: return IdentificationRule(allowed: 0, fixed: 6)  // ID_DFR0: no PMU, no trace
    case 1 << 3 | 3...3 << 3 | 2: return IdentificationRule(allowed: ~0)  // memory model, instructions, MVFR0…2
    default: return IdentificationRule(allowed: 0)
    }
  }
}
