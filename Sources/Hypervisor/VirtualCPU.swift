import ArmArchitecture
import Synchronization
import VirtualDevices

/// A virtual CPU. It runs on one physical CPU only, which alone writes what is not atomic.
public struct VirtualCPU: ~Copyable {
  // The first three and `stackTop` have offsets known to `Exceptions.S` and `Registers.S`; a host test pins them.

  /// x0…x30 while the hypervisor runs, and the zero register, whose number 31 is in syndromes.
  public var registers: GeneralRegisters
  /// The stack of the physical CPU, where an exit continues.
  public var stackTop: UInt64
  /// Everything else of the guest's when it is not loaded, in the order of `SystemSlot` and `Exceptions.S`.
  public var system: InlineArray<44, UInt64>
  /// V0…V31, FPCR, FPSR when `PhysicalCPU.vectorsOwner` is another.
  public var vectors: InlineArray<66, UInt64>
  /// How often it left for the hypervisor.
  var exits: UInt64

  public var machine: VirtualMachineReference
  public var cpu: PhysicalCPUReference
  /// Its own interrupts, 0…31.
  var bank: BankReference
  /// Its place among the VM's virtual CPUs: the affinity a guest knows it by.
  public var index: UInt32
  /// Its bit among its VM's virtual CPUs.
  var bit: UInt32 { 1 &<< index }

  /// Its place in the queue of its physical CPU.
  var place: Int
  let state: Atomic<UInt32>
  /// When its turn among its equals ends, or when the last one ended, in ticks of the counter.
  var turnEnd: UInt64
  /// List registers that it has filled, from the first on.
  var filled: UInt32
  /// What the only filled list register held, if its interrupt may be delivered again.
  var again: ListRegister
  /// More interrupts are raised than list registers hold.
  var overflows: Bool
  /// More has changed than a software-generated interrupt: list registers have to be chosen anew.
  let recalled: Atomic<UInt32>
  /// Where and with what a CPU_ON starts it.
  var startEntry: UInt64
  var startArgument: UInt64

  /// Its CPU interface, where no hardware has that.
  var interface: VirtualCPUInterface
  /// The most urgent interrupt for that, unless `recalled` says that there may be another.
  var candidate: InterruptCandidate
  /// Who sent each software-generated interrupt last (GICv2).
  var senders: InlineArray<16, UInt8>
  /// Whose request it serves, and who serves its own.
  var client: VirtualCPUReference?
  var service: VirtualCPUReference?

  /// While it is not loaded: when the first of its timers interrupts, in ticks; all ones if none will.
  var deadline: UInt64 {
    let enabled = bank.value.enabled.load(ordering: .relaxed)
    var first = ~0 as UInt64
    if enabled & GuestInterrupt.virtualTimer.bit != 0, self[.virtualTimerControl] & 3 == 1 {
      first = self[.virtualTimer]
    }
    if enabled & GuestInterrupt.physicalTimer.bit != 0, self[.physicalTimerControl] & 3 == 1 {
      first = min(first, self[.physicalTimer])
    }
    return first
  }

  @inline(__always) public subscript(_ slot: SystemSlot) -> UInt64 {
    get { system[slot.rawValue] }
    set { system[slot.rawValue] = newValue }
  }

  /// The interrupts of its bank `word` (0 its own, 1 and 2 the shared ones) that are physical ones of the same number.
  @inline(__always) func tied(_ word: UInt32) -> UInt32 {
    word == 0 ? GuestInterrupt.timers : machine.value.tied[Int((word &- 1) & 1)]
  }

  /// Whether a shared interrupt goes to this virtual CPU.
  @inline(__always) func isTarget(of interrupt: InterruptNumber, isActive: Bool) -> Bool {
    machine.value.target(of: interrupt.rawValue &- 32, isActive: isActive) == index
  }

  /// An active shared interrupt stays with the virtual CPU that took it.
  @inline(__always) func hold(_ interrupt: InterruptNumber) {
    guard interrupt.rawValue >= 32 else { return }
    machine.value.holders[Int((interrupt.rawValue &- 32) & 63)] = UInt8(truncatingIfNeeded: index)
  }

  /// The value of a general-purpose register; the zero register stays zero.
  @inline(__always) subscript(_ register: RegisterIndex) -> UInt64 {
    get { registers[Int(register.rawValue & 31)] }
    set {
      registers[Int(register.rawValue & 31)] = newValue
      registers[31] = 0
    }
  }
}

/// 32 registers of the width of the hypervisor's own.
public struct GeneralRegisters {
  public var words: InlineArray<32, UInt>

  @inline(__always) public subscript(_ index: Int) -> UInt64 {
    get { UInt64(words[index]) }
    set { words[index] = UInt(truncatingIfNeeded: newValue) }
  }

  var count: Int { words.count }
}

/// What a virtual CPU is doing.
enum VirtualCPUState {
  /// Not started, or ended by CPU_OFF.
  static var off: UInt32 { 0 }
  /// A sibling is about to start it.
  static var claimed: UInt32 { 1 }
  /// A sibling started it; its own physical CPU has not yet seen it.
  static var starting: UInt32 { 2 }
  static var ready: UInt32 { 3 }
  /// Loaded, and what its physical CPU goes back to.
  static var running: UInt32 { 4 }
  /// In `WFI`.
  static var waiting: UInt32 { 5 }
  /// Waits for a request of another VM, or an interrupt.
  static var listening: UInt32 { 6 }
  /// Waits for the answer to its request; interrupts wait with it.
  static var calling: UInt32 { 7 }
  /// Waits for the device server's answer to what it stored; interrupts wait with it.
  static var posting: UInt32 { 8 }
}

/// Places in `VirtualCPU.system` that are not zero when it starts or that the scheduler looks at.
public enum SystemSlot: Int {
  /// SCTLR_EL1.
  case control = 0
  /// ELR_EL2.
  case programCounter
  /// SPSR_EL2.
  case processorState
  /// VMPIDR_EL2.
  case affinity
  /// VTTBR_EL2.
  case translation
  /// CNTV_CTL_EL0, CNTV_CVAL_EL0.
  case virtualTimerControl, virtualTimer
  /// CNTP_CTL_EL0, CNTP_CVAL_EL0.
  case physicalTimerControl, physicalTimer
  /// ICH_VMCR_EL2 (GICH_VMCR), ICH_AP1R0_EL2 (GICH_APR) and ICH_AP0R0_EL2: behind what assembly stores.
  case interfaceControl = 32
  case activePriorities, activePrioritiesGroup0
  /// An `ExecutionState`. In AArch32, seven more registers follow, and SPSR_EL2 as an exception saved it.
  case executionState
  case narrowState = 43
}
