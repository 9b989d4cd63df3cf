import ArmArchitecture
import Drivers
import Hypervisor
import ScriptedEscape

/// One CPU of a scripted board: every register is a value that a test can set and look at.
final class ScriptedMachine: VirtualizationExtensions {
  static let interruptControllerGeneration: UInt32 = 3

  let number: Int
  let board: ScriptedBoard
  /// Registers that no virtual CPU owns.
  var special: [MachineRegister: UInt64] = [.counterFrequency: 1_000_000, .listType: 4 << 29 | 3]
  /// What a virtual CPU owns, as `saveSystemRegisters` stores it.
  var live = [UInt64](repeating: 0, count: 44)
  var vectors = [UInt64](repeating: 0, count: 66)
  var lists = [UInt64](repeating: 0, count: 4)
  /// ID registers by `CRm:op2`; all ones where a test set none.
  var identifications: [UInt32: UInt64] = [:]
  /// Physical interrupts that came once, and those acknowledged and not yet deactivated.
  var pending: [UInt32] = []
  var active: Set<UInt32> = []
  /// Times that the translations of the loaded VM were forgotten.
  var forgotten = 0
  var vectorTransfers = 0
  /// The hypervisor on this CPU, once it was started.
  var core: Core<ScriptedMachine>?
  /// The guest that the CPU is in; nil while it sleeps.
  var current: VirtualCPUReference?
  /// Priorities of the interrupts that the guest acknowledged and has not ended.
  var acknowledged: [(interrupt: UInt32, priority: UInt64)] = []
  private var sleeps = 0
  /// In this step: interrupts acknowledged, looks in vain, and whether others could change that.
  private var taken = 0
  private var idle = 0
  private var patience = 0
  private var isStepping = false

  init(number: Int, board: ScriptedBoard) {
    self.number = number
    self.board = board
    special[.affinity] = 0x8000_0000 | UInt64(number)
  }

  // MARK: Registers

  /// Where `live` holds a register; those that `SystemSlot` does not name are ours to place.
  private static let slots: [MachineRegister: Int] = [
    .programCounter: SystemSlot.programCounter.rawValue, .processorState: SystemSlot.processorState.rawValue,
    .virtualTimerControl: SystemSlot.virtualTimerControl.rawValue,
    .physicalTimerControl: SystemSlot.physicalTimerControl.rawValue,
    .guestVectors: 30, .guestExceptionLink: 31, .guestSavedState: 32, .guestSyndrome: 33,
    .guestFaultAddress: 34, .guestControl: SystemSlot.control.rawValue,
    .guestDebugControl: 36, .guestTranslationControl: 37, .undefinedSavedState: 38, .abortSavedState: 39,
    .guestInstructionFault: 40,
  ]

  subscript(register: MachineRegister) -> UInt64 {
    get { Self.slots[register].map { live[$0] } ?? special[register] ?? 0 }
    set { if let slot = Self.slots[register] { live[slot] = newValue } else { special[register] = newValue } }
  }

  func read(_ register: MachineRegister) -> UInt64 {
    switch register {
    case .counter: board.clock
    case .virtualTimerControl: self[register] & 3 | (isTimerMet(.virtualTimer) ? 4 : 0)
    case .physicalTimerControl: self[register] & 3 | (isTimerMet(.physicalTimer) ? 4 : 0)
    case .emptyListRegisters: (0..<4).reduce(0) { $0 | (isEmpty(lists[Int($1)]) ? 1 << $1 : 0) }
    case .interruptAcknowledge: acknowledgePhysical()
    default: self[register]
    }
  }

  func write(_ register: MachineRegister, _ value: UInt64) {
    switch register {
    case .interruptEnd: break
    case .interruptDeactivate: active.remove(UInt32(truncatingIfNeeded: value))
    case .softwareInterrupt: sendSoftwareInterrupt(value)
    case .firstListRegister: setListRegister(0, ListRegister(value))
    default: self[register] = value
    }
  }

  func identification(_ index: UInt32) -> UInt64 { identifications[index] ?? ~0 }

  /// ICC_SGI1R_EL1 to CPUs whose affinity 0 is their number.
  private func sendSoftwareInterrupt(_ value: UInt64) {
    for cpu in board.cpus where value >> UInt64(cpu.number) & 1 != 0 {
      cpu.pending.append(UInt32(truncatingIfNeeded: value >> 24) & 15)
    }
  }

  // MARK: Physical interrupts

  private func isTimerMet(_ timer: SystemSlot) -> Bool {
    live[timer.rawValue - 1] & 1 != 0 && board.clock >= live[timer.rawValue]
  }

  /// Every interrupt that would be signalled now.
  var signalled: [UInt32] {
    var result = pending
    if isMaintenanceDue { result.append(25) }
    if (special[.alarmControl] ?? 0) & 3 == 1, board.clock >= special[.alarm] ?? ~0 { result.append(26) }
    if read(.virtualTimerControl) == 5 { result.append(27) }
    if read(.physicalTimerControl) == 5 { result.append(30) }
    if board.uart.isInterrupting, board.uartCPU == number { result.append(33) }
    return result.filter { !active.contains($0) }
  }

  private func acknowledgePhysical() -> UInt64 {
    guard let interrupt = signalled.first else {
      idle += 1
      if idle > 100 { letOthersRun() }
      return 1023
    }
    if let place = pending.firstIndex(of: interrupt) { pending.remove(at: place) }
    active.insert(interrupt)
    sleeps = 0
    taken += 1
    if taken > 10_000 {
      board.violations.append(
        "takes \(interrupt) for ever: lists \(lists), control \(special[.listControl] ?? 0)")
      escape_leave()
    }
    return UInt64(interrupt)
  }

  /// A CPU that looks again and again waits for another one, which on a board would have gone on meanwhile.
  private func letOthersRun() {
    idle = 0
    let others = board.cpus.filter { $0 !== self && !$0.isStepping && $0.core != nil && !$0.signalled.isEmpty }
    for other in others { other.takeInterrupts() }
    patience = others.isEmpty ? patience + 1 : 0
    guard patience > 100 else { return }
    board.violations.append("CPU \(number) turns round and round")
    escape_leave()
  }

  // MARK: List registers

  func listRegister(_ slot: some BinaryInteger) -> ListRegister { ListRegister(lists[Int(slot)]) }

  func setListRegister(_ slot: some BinaryInteger, _ value: ListRegister) {
    lists[Int(slot)] = value.rawValue
    let numbers = lists.filter { $0 >> 62 != 0 }.map { $0 & 0xFFFF_FFFF }
    if Set(numbers).count != numbers.count { board.violations.append("an interrupt is in two list registers") }
  }

  /// ICH_ELRSR_EL2: not valid, and no end of interrupt to be told.
  func isEmpty(_ list: UInt64) -> Bool { list >> 62 == 0 && (list >> 61 & 1 != 0 || list >> 41 & 1 == 0) }

  /// EISR, UIE, LRENPIE.
  private var isMaintenanceDue: Bool {
    let control = special[.listControl] ?? 0
    guard control & 1 != 0 else { return false }
    let valid = lists.filter { $0 >> 62 != 0 }.count
    let hasEnded = lists.contains { $0 >> 62 == 0 && !isEmpty($0) }
    return hasEnded || (control & 2 != 0 && valid <= 1) || (control & 4 != 0 && control >> 27 != 0)
  }

  // MARK: Virtual CPUs

  func saveSystemRegisters(_ guest: VirtualCPUReference) {
    for slot in guest.value.system.indices { guest.value.system[slot] = live[slot] }
  }

  func loadSystemRegisters(_ guest: VirtualCPUReference) {
    for slot in guest.value.system.indices { live[slot] = guest.value.system[slot] }
  }

  func saveVectors(_ guest: VirtualCPUReference) {
    vectorTransfers += 1
    for place in guest.value.vectors.indices { guest.value.vectors[place] = vectors[place] }
  }

  func loadVectors(_ guest: VirtualCPUReference) {
    vectorTransfers += 1
    for place in guest.value.vectors.indices { vectors[place] = guest.value.vectors[place] }
  }

  func forgetTranslations() { forgotten += 1 }

  // MARK: The end of a step

  /// Sleep ends at once where an interrupt is signalled; else the step is over. So is it for a CPU that
  /// sleeps again and again without taking what is signalled, as one that has halted does.
  func waitForInterrupt() {
    sleeps += 1
    if signalled.isEmpty || sleeps > 3 { escape_leave() }
  }

  func callFirmware(_ function: UInt32, _ first: UInt64, _ second: UInt64, _ third: UInt64) -> Int64 {
    board.firmwareCalls.append(.init(function: function, arguments: [first, second, third]))
    if function == FirmwareFunction.systemOff {
      board.isOff = true
      escape_leave()
    }
    return board.firmwareAnswer
  }

  // MARK: Memory

  func physicalAddress(of pointer: UnsafeMutableRawPointer) -> PhysicalAddress {
    PhysicalAddress(board.address(pointer))
  }

  func pointer(to address: PhysicalAddress) -> UnsafeMutableRawPointer { board.pointer(address.rawValue) }

  func window(_ slot: WindowSlot, at address: PhysicalAddress) -> UnsafeMutableRawPointer {
    board.pointer(address.rawValue)
  }

  func copyForGuest(_ destination: UnsafeMutableRawPointer, _ source: UnsafeRawPointer, _ count: Int) {
    guard check(board.address(destination), count) else { return }
    destination.copyMemory(from: source, byteCount: count)
  }

  func clearForGuest(_ destination: UnsafeMutableRawPointer, _ count: Int) {
    guard check(board.address(destination), count) else { return }
    if count % 64 != 0 || count == 0 { board.violations.append("clears \(count) bytes") }
    destination.initializeMemory(as: UInt8.self, repeating: 0, count: count)
  }

  /// Guest memory is neither the hypervisor's own nor outside of what a window shows.
  private func check(_ address: UInt64, _ count: Int) -> Bool {
    let range = PhysicalRange(start: address, size: UInt64(count))
    guard board.contains(address, UInt64(count)), !range.overlaps(ScriptedBoard.own), count <= 0x20_0000 else {
      board.violations.append("writes \(count) bytes at \(String(address, radix: 16))")
      return false
    }
    return true
  }

  func synchronizeInstructions() {}
  func mapInterface(_ board: inout Board) {}
  func startInterface() {}
  func map(_ slot: DeviceSlot, at address: PhysicalAddress) { board.map(slot, at: address.rawValue) }

  func registers(_ slot: DeviceSlot, offset: UInt32) -> ScriptedRegisters {
    ScriptedRegisters(board: board, slot: slot, offset: offset)
  }
}

// MARK: Stepping

extension ScriptedMachine {
  /// Runs the hypervisor until it goes back to a guest, or sleeps.
  func step(_ body: @escaping (Core<ScriptedMachine>) -> VirtualCPUReference) {
    guard let core else { return board.violations.append("CPU \(number) was not started") }
    current = nil
    sleeps = 0
    taken = 0
    idle = 0
    patience = 0
    isStepping = true
    escaping { self.current = body(core) }
    isStepping = false
  }

  /// Calls `body`, which may leave in the middle.
  func escaping(_ body: @escaping () -> Void) {
    var body = body
    withUnsafeMutablePointer(to: &body) {
      _ = escape_call({ $0!.assumingMemoryBound(to: (() -> Void).self).pointee() }, $0)
    }
  }

  /// Delivers what is signalled: to the guest that runs, or to the sleeping scheduler.
  func takeInterrupts() {
    if let guest = current { step { $0.handleInterrupt(guest) } } else { step { $0.schedule() } }
  }
}
