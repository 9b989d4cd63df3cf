// The CPU and the board as `Hardware`: one instruction for most of it.

import AArch64Assembly
import ArmArchitecture
import Drivers
import Hypervisor

/// The physical CPU that executes this.
struct Machine: VirtualizationExtensions {
  @inline(__always) func read(_ register: MachineRegister) -> UInt64 {
    switch register {
    case .syndrome: read_esr_el2()
    case .faultAddress: read_far_el2()
    case .faultPage: read_hpfar_el2()
    case .programCounter: read_elr_el2()
    case .processorState: read_spsr_el2()
    case .guestControl: read_sctlr_el1()
    case .guestTranslationControl: read_tcr_el1()
    case .guestVectors: read_vbar_el1()
    case .guestDebugControl: read_mdscr_el1()
    case .counter: read_cntpct_el0()
    case .counterFrequency: read_cntfrq_el0()
    case .virtualTimerControl: read_cntv_ctl_el0()
    case .physicalTimerControl: read_cntp_ctl_el0()
    case .affinity: read_mpidr_el1()
    default: readInterface(register)
    }
  }

  @inline(__always) func write(_ register: MachineRegister, _ value: UInt64) {
    switch register {
    case .syndrome: write_esr_el2(value)
    case .programCounter: write_elr_el2(value)
    case .processorState: write_spsr_el2(value)
    case .undefinedSavedState: write_spsr_und(value)
    case .abortSavedState: write_spsr_abt(value)
    case .guestInstructionFault: write_ifsr32_el2(value)
    case .guestExceptionLink: write_elr_el1(value)
    case .guestSavedState: write_spsr_el1(value)
    case .guestSyndrome: write_esr_el1(value)
    case .guestFaultAddress: write_far_el1(value)
    case .guestDebugControl: write_mdscr_el1(value)
    case .configuration: write_hcr_el2(value)
    case .floatingPointTrap:
      write_cptr_el2(value)
      instruction_barrier()
    case .virtualTimerControl: write_cntv_ctl_el0(value)
    case .physicalTimerControl: write_cntp_ctl_el0(value)
    case .alarm: write_cnthp_cval_el2(value)
    case .alarmControl: write_cnthp_ctl_el2(value)
    default: writeInterface(register, value)
    }
  }

  @inline(__always) func identification(_ index: UInt32) -> UInt64 { identification_register(UInt64(index)) }

  func saveSystemRegisters(_ guest: VirtualCPUReference) {
    unsafe withUnsafeMutableBytes(of: &guest.value.system) { unsafe save_system_registers($0.baseAddress) }
    saveInterface(guest)
  }

  func loadSystemRegisters(_ guest: VirtualCPUReference) {
    unsafe withUnsafeMutableBytes(of: &guest.value.system) { unsafe load_system_registers($0.baseAddress) }
    loadInterface(guest)
  }

  func saveVectors(_ guest: VirtualCPUReference) {
    unsafe withUnsafeMutableBytes(of: &guest.value.vectors) { unsafe save_vectors($0.baseAddress) }
  }

  func loadVectors(_ guest: VirtualCPUReference) {
    unsafe withUnsafeMutableBytes(of: &guest.value.vectors) { unsafe load_vectors($0.baseAddress) }
  }

  func forgetTranslations() { invalidate_guest_translations() }
  func waitForInterrupt() { wait_for_interrupt() }

  func callFirmware(_ function: UInt32, _ first: UInt64, _ second: UInt64, _ third: UInt64) -> Int64 {
    secure_monitor_call(UInt64(function), first, second, third)
  }

  func copyForGuest(_ destination: UnsafeMutableRawPointer, _ source: UnsafeRawPointer, _ count: Int) {
    unsafe copy_for_guest(destination, source, count)
  }

  func clearForGuest(_ destination: UnsafeMutableRawPointer, _ count: Int) {
    unsafe clear_for_guest(destination, count)
  }

  func synchronizeInstructions() { invalidate_instruction_caches() }
}

/// Registers of a device in EL2's address space.
struct MappedRegisters: DeviceRegisters {
  let base: UInt64

  @inline(__always) func read32(_ offset: UInt32) -> UInt32 { load32(base &+ UInt64(offset)) }
  @inline(__always) func write32(_ offset: UInt32, _ value: UInt32) { store32(base &+ UInt64(offset), value) }
  @inline(__always) func read64(_ offset: UInt32) -> UInt64 { load64(base &+ UInt64(offset)) }
  @inline(__always) func write64(_ offset: UInt32, _ value: UInt64) { store64(base &+ UInt64(offset), value) }
}
