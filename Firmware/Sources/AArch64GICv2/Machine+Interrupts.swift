// The interrupt controller's CPU interfaces, the physical and the virtual one: GICv2, registers in memory. GIC
// Architecture Specification, version 2 (IHI 0048), 4.4 and 5.3. The rest of the hypervisor speaks of list registers as
// GICv3 lays them out; here they are translated.

import AArch64Assembly
import ArmArchitecture
import Hypervisor

/// Where the CPU interface (GICC), the virtual interface's control (GICH) and the distributor are mapped.
nonisolated(unsafe) private var cpuInterface: UInt64 = 0
nonisolated(unsafe) private var listInterface: UInt64 = 0
nonisolated(unsafe) private var distributor: UInt64 = 0

/// Offsets in GICC.
private enum Interface {
  static let control: UInt64 = 0x00
  static let priorityMask: UInt64 = 0x04
  static let acknowledge: UInt64 = 0x0C
  static let end: UInt64 = 0x10
  static let deactivate: UInt64 = 0x1000
}

/// Offsets in GICH.
private enum List {
  static let control: UInt64 = 0x00
  static let type: UInt64 = 0x04
  static let interfaceControl: UInt64 = 0x08
  static let empty: UInt64 = 0x30
  static let activePriorities: UInt64 = 0xF0
  static let first: UInt64 = 0x100
}

extension Machine {
  static var interruptControllerGeneration: UInt32 { 2 }

  @inline(__always) func readInterface(_ register: MachineRegister) -> UInt64 {
    switch register {
    case .listControl: UInt64(list(List.control))
    case .emptyListRegisters: UInt64(list(List.empty))
    case .listType: UInt64(list(List.type))
    case .interruptAcknowledge: acknowledge()
    default: 0
    }
  }

  /// What the sender wrote before must be seen by what follows.
  @inline(__always) private func acknowledge() -> UInt64 {
    let value = unsafe load32(cpuInterface &+ Interface.acknowledge)
    data_barrier()
    return UInt64(value)
  }

  @inline(__always) func writeInterface(_ register: MachineRegister, _ value: UInt64) {
    let word = UInt32(truncatingIfNeeded: value)
    switch register {
    case .listControl: setList(List.control, word)
    case .firstListRegister: setListRegister(0, ListRegister(value))
    case .interruptEnd: setInterface(Interface.end, word)
    case .interruptDeactivate: setInterface(Interface.deactivate, word)
    case .softwareInterrupt:
      data_barrier()
      unsafe store32(distributor &+ 0xF00, word)
    default: break
    }
  }

  @inline(never) private func list(_ offset: UInt64) -> UInt32 { unsafe load32(listInterface &+ offset) }

  @inline(never) private func setList(_ offset: UInt64, _ word: UInt32) {
    unsafe store32(listInterface &+ offset, word)
  }

  @inline(never) private func setInterface(_ offset: UInt64, _ word: UInt32) {
    unsafe store32(cpuInterface &+ offset, word)
  }

  @inline(__always) func listRegister(_ slot: UInt32) -> ListRegister {
    ListRegister(second: list(List.first &+ UInt64(slot) &* 4))
  }

  @inline(never) func setListRegister(_ slot: UInt32, _ value: ListRegister) {
    setList(List.first &+ UInt64(slot) &* 4, value.second)
  }

  @inline(__always) func saveInterface(_ guest: VirtualCPUReference) {
    guest.value[.interfaceControl] = UInt64(list(List.interfaceControl))
    guest.value[.activePriorities] = UInt64(list(List.activePriorities))
  }

  @inline(__always) func loadInterface(_ guest: VirtualCPUReference) {
    setList(List.interfaceControl, UInt32(truncatingIfNeeded: guest.value[.interfaceControl]))
    setList(List.activePriorities, UInt32(truncatingIfNeeded: guest.value[.activePriorities]))
  }

  /// Makes the virtual interface's control reachable, and notes where all three are; once.
  func mapInterface(_ board: inout Board) {
    map(.listInterface, at: PhysicalAddress(board.listInterface))
    unsafe distributor = place(.distributor, board.distributor)
    unsafe cpuInterface = place(.redistributor, board.cpuInterface)
    unsafe listInterface = place(.listInterface, board.listInterface)
  }

  private func place(_ slot: DeviceSlot, _ address: UInt64) -> UInt64 {
    registers(slot, offset: Self.offset(of: address)).base
  }

  /// This CPU takes all interrupts, and ends them in two steps (EOImode).
  func startInterface() {
    setInterface(Interface.priorityMask, 0xF0)
    setInterface(Interface.control, 0x201)
  }
}
