// What the decoders say of one instruction of a guest's kernel: everything the translator has to know of it.

/// One decoded instruction, A32 or T32.
public struct Instruction: Equatable, Sendable {
  public var operation: Operation
  /// The condition under which it is executed, 0…14 (Arm ARM DDI 0406C, A8.3); 14 is "always". In T32 a
  /// conditional branch's own; what an IT block says is the translator's matter.
  public var condition: UInt32
  /// Its length in bytes, 2 or 4.
  public var size: UInt32

  public init(_ operation: Operation, condition: UInt32 = 14, size: UInt32 = 4) {
    self.operation = operation
    self.condition = condition
    self.size = size
  }
}

/// What an instruction of a guest's kernel needs when it runs in User mode from another address.
///
/// Where an operation carries a `word`, it is the instruction in its A32 encoding, whatever it was decoded from,
/// and its condition field is not looked at. Addresses of code have bit 0 set for T32.
public enum Operation: Equatable, Sendable {
  /// It does the same everywhere: it is copied.
  case copy
  /// An instruction synchronization barrier: what follows may be new code.
  case synchronize
  /// Cache and branch predictor maintenance and hints that need nothing here.
  case nothing
  /// `register := value`, a constant once the PC is known.
  case constant(register: UInt32, value: UInt32)
  /// Its fields Rn (bits 19:16) or Rm (3:0) or Rt (15:12, of a store), where they are 15, read the PC as `value`.
  case substitute(word: UInt32, value: UInt32)
  case branch(to: UInt32)
  /// A branch that leaves the address behind it in LR, with bit 0 set in T32.
  case call(to: UInt32)
  /// CBZ and CBNZ: a branch if the register is zero, or is not.
  case compareAndBranch(register: UInt32, ifZero: Bool, to: UInt32)
  /// TBB and TBH: a branch forward by twice an entry of a table. `base` 15 is the PC.
  case tableBranch(base: UInt32, index: UInt32, halfwords: Bool)
  /// A data-processing instruction that writes the PC (without S), BX and BLX as `MOV pc, rm`. It reads the PC as
  /// `value`.
  case computedBranch(word: UInt32, value: UInt32, calls: Bool)
  /// LDR to the PC. It reads the PC as `value`.
  case loadedBranch(word: UInt32, value: UInt32)
  /// T32's LDRD of a literal, whose registers may be any two: `first := [from]`, `second := [from + 4]`.
  case loadPair(first: UInt32, second: UInt32, from: UInt32)
  /// LDM with the PC in its list, no S bit.
  case multipleLoadBranch(word: UInt32)
  /// MRS of the CPSR.
  case readStatus(register: UInt32)
  /// MRS of the current mode's SPSR.
  case readSavedStatus(register: UInt32)
  /// MSR of the CPSR: the whole instruction, register or immediate form.
  case writeStatus(word: UInt32)
  /// MSR of the current mode's SPSR.
  case writeSavedStatus(word: UInt32)
  /// CPSIE and CPSID without a mode: `mask` has the CPSR's bits A (8), I (7), F (6).
  case maskInterrupts(mask: UInt32, disable: Bool)
  /// MRC and MCR of a register of coprocessor 15 that is a word of the state page.
  case readState(register: UInt32, StateSlot)
  case writeState(register: UInt32, StateSlot)
  /// MCR of coprocessor 15, or VMSR, that the hypervisor does.
  case system(SystemEffect, register: UInt32)
  /// The same of a register that is a word of the state page: the hypervisor is told that it has changed.
  case changeState(register: UInt32, StateSlot, SystemEffect)
  /// The translator does it: what changes the mode, uses another mode's registers or returns from an exception
  /// (`isReturn`), what stores the PC, and MCR of registers that take only some values.
  case emulate(word: UInt32, isReturn: Bool)
  /// It leaves the translated code for the hypervisor or for an exception of the guest.
  case leave(Departure)
  /// IT: the next one to four instructions have conditions. `state` is ITSTATE behind it.
  case ifThen(state: UInt32)
}

/// Why an instruction leaves the translated code.
public enum Departure: UInt32, Sendable {
  /// An encoding that is UNDEFINED, UNPREDICTABLE or not of this architecture.
  case undefined = 0
  case supervisorCall
  case breakpoint
  case hypervisorCall
  case secureMonitorCall
  case waitForInterrupt
  case waitForEvent
  /// LDRT, STRT and their kin: an access with User mode's permissions.
  case unprivilegedAccess
}
