// The interrupt controller's CPU interfaces, the physical and the virtual one: GICv3, system registers.

import AArch64Assembly
import ArmArchitecture
import Hypervisor

extension Machine {
  static var interruptControllerGeneration: UInt32 { 3 }

  @inline(__always) func readInterface(_ register: MachineRegister) -> UInt64 {
    switch register {
    case .listControl: read_ich_hcr_el2()
    case .emptyListRegisters: read_ich_elrsr_el2()
    case .listType: read_ich_vtr_el2()
    case .interruptAcknowledge: read_icc_iar1_el1()
    default: 0
    }
  }

  @inline(__always) func writeInterface(_ register: MachineRegister, _ value: UInt64) {
    switch register {
    case .listControl: write_ich_hcr_el2(value)
    case .firstListRegister: write_ich_lr0_el2(value)
    case .interruptEnd: write_icc_eoir1_el1(value)
    case .interruptDeactivate: write_icc_dir_el1(value)
    case .softwareInterrupt:
      data_barrier()
      write_icc_sgi1r_el1(value)
    default: break
    }
  }

  @inline(never) func listRegister(_ slot: UInt32) -> ListRegister {
    switch slot {
    case 0: ListRegister(read_ich_lr0_el2())
    case 1: ListRegister(read_ich_lr1_el2())
    case 2: ListRegister(read_ich_lr2_el2())
    default: ListRegister(read_ich_lr3_el2())
    }
  }

  @inline(never) func setListRegister(_ slot: UInt32, _ value: ListRegister) {
    switch slot {
    case 0: write_ich_lr0_el2(value.rawValue)
    case 1: write_ich_lr1_el2(value.rawValue)
    case 2: write_ich_lr2_el2(value.rawValue)
    default: write_ich_lr3_el2(value.rawValue)
    }
  }

  @inline(__always) func saveInterface(_ guest: VirtualCPUReference) {
    guest.value[.interfaceControl] = read_ich_vmcr_el2()
    guest.value[.activePriorities] = read_ich_ap1r0_el2()
    guest.value[.activePrioritiesGroup0] = read_ich_ap0r0_el2()
  }

  @inline(__always) func loadInterface(_ guest: VirtualCPUReference) {
    write_ich_vmcr_el2(guest.value[.interfaceControl])
    write_ich_ap1r0_el2(guest.value[.activePriorities])
    write_ich_ap0r0_el2(guest.value[.activePrioritiesGroup0])
  }

  /// Nothing to do: the CPUs find their interfaces in their registers (Entry.S).
  @inline(__always) func mapInterface(_ board: inout Board) {}
  @inline(__always) func startInterface() {}
}
