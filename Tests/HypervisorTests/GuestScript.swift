import ArmArchitecture
import Hypervisor
import Testing

// What a guest does, as the hypervisor sees it: a syndrome and the registers around it.

/// Guest addresses of the machine that every guest sees.
enum GuestMap {
  static let distributor: UInt64 = 0x0800_0000
  static func redistributor(_ cpu: Int) -> UInt64 { 0x080A_0000 + 0x2_0000 * UInt64(cpu) }
  static func privateInterrupts(_ cpu: Int) -> UInt64 { redistributor(cpu) + 0x1_0000 }
  static let uart: UInt64 = 0x0900_0000
  static let watchdogRefresh: UInt64 = 0x090C_0000
  static let watchdogControl: UInt64 = 0x090D_0000
  static let windows: UInt64 = 0x2000_0000
  static let memory: UInt64 = 0x4000_0000
}

/// A system register as a syndrome names it: op0, op1, CRn, CRm, op2.
struct RegisterName: Sendable, CustomStringConvertible {
  let syndrome: UInt64
  let description: String

  init(_ op0: UInt64, _ op1: UInt64, _ cn: UInt64, _ cm: UInt64, _ op2: UInt64) {
    syndrome = op0 << 20 | op2 << 17 | op1 << 14 | cn << 10 | cm << 1
    description = "S\(op0)_\(op1)_C\(cn)_C\(cm)_\(op2)"
  }

  /// ICC_SGI1R_EL1.
  static let softwareInterrupt = RegisterName(3, 0, 12, 11, 5)
  /// MDSCR_EL1.
  static let debugControl = RegisterName(2, 0, 0, 2, 2)
}

extension ScriptedMachine {
  /// An exception with this class and syndrome, taken from the guest that runs.
  func trap(_ exceptionClass: UInt64, _ rest: UInt64 = 0) {
    guard let guest = current else { return board.violations.append("no guest runs on CPU \(number)") }
    self[.syndrome] = exceptionClass << 26 | 1 << 25 | rest
    // As the vectors do.
    let isNarrow = self[.processorState] & 0x10 != 0
    step { !isNarrow || $0.prepareNarrowTrap(guest) ? $0.handleTrap(guest) : $0.resume(guest) }
  }

  // MARK: Firmware

  /// `HVC #0`, or `SMC #0`, with a function and its arguments.
  /// - Returns: what the guest that called finds in x0.
  @discardableResult
  func call(_ function: UInt32, _ arguments: UInt64..., bySecureMonitor: Bool = false) -> Int64 {
    guard let guest = current else { return .min }
    guest.value.registers[0] = UInt64(function)
    for (index, argument) in arguments.enumerated() { guest.value.registers[index + 1] = argument }
    trap(bySecureMonitor ? 0x17 : 0x16)
    return Int64(bitPattern: guest.value.registers[0])
  }

  // MARK: Memory

  /// The syndrome of an access that the hardware describes (Arm ARM, ISS of a data abort), by x5.
  private func abort(_ address: UInt64, _ rest: UInt64) {
    self[.faultAddress] = 0xFFFF_8000_0000_0000 | address & 0xFFF
    self[.faultPage] = (address >> 12) << 4
    trap(0x24, 1 << 24 | 5 << 16 | 7 | rest)
  }

  /// Loads 1, 2, 4 or 8 bytes; nil when the guest gets an abort.
  func load(_ address: UInt64, bytes: Int = 4, syndrome: UInt64 = 0) -> UInt64? {
    guard let guest = current else { return nil }
    guest.value.registers[5] = 0xDEAD_DEAD_DEAD_DEAD
    let before = self[.programCounter]
    abort(address, UInt64(bytes.trailingZeroBitCount) << 22 | (bytes == 8 ? 1 << 15 : 0) | syndrome)
    return current == nil || self[.programCounter] == before + 4 ? guest.value.registers[5] : nil
  }

  /// - Returns: false when the guest gets an abort.
  @discardableResult
  func store(_ address: UInt64, _ value: UInt64, bytes: Int = 4, syndrome: UInt64 = 0) -> Bool {
    guard let guest = current else { return false }
    guest.value.registers[5] = value
    let before = self[.programCounter]
    abort(address, UInt64(bytes.trailingZeroBitCount) << 22 | 1 << 6 | syndrome)
    return current == nil || self[.programCounter] == before + 4
  }

  /// Loads and stores every `step` bytes of a frame of 64 KiB with every width; records the first that does not answer.
  func answersEveryWidth(of frame: UInt64, by step: UInt64) -> Bool {
    for address in stride(from: frame, to: frame + 0x1_0000, by: UInt64.Stride(step)) {
      for bytes in [1, 2, 4, 8] {
        let isLoaded = load(address, bytes: bytes) != nil
        let isStored = store(address, 0x5A5A_5A5A_5A5A_5A5A, bytes: bytes)
        guard isLoaded, isStored else {
          Issue.record("\(String(address, radix: 16)) with \(bytes) bytes")
          return false
        }
      }
    }
    return true
  }

  // MARK: System registers

  private func access(_ register: RegisterName, isRead: Bool) {
    trap(0x18, register.syndrome | 6 << 5 | (isRead ? 1 : 0))
  }

  /// `MRS x6, register`; nil when it is undefined.
  func read(system register: RegisterName) -> UInt64? {
    guard let guest = current else { return nil }
    let before = self[.programCounter]
    access(register, isRead: true)
    return self[.programCounter] == before + 4 ? guest.value.registers[6] : nil
  }

  /// `MSR register, x6`; false when it is undefined.
  @discardableResult func write(system register: RegisterName, _ value: UInt64) -> Bool {
    guard let guest = current else { return false }
    guest.value.registers[6] = value
    let before = self[.programCounter]
    access(register, isRead: false)
    return current == nil || self[.programCounter] == before + 4
  }

  /// `WFI`.
  func waitForever() { trap(0x01) }

  /// A floating-point instruction: traps while it may not be used, then changes every register.
  func useVectors(_ value: UInt64) {
    if self[.floatingPointTrap] >> 10 & 1 != 0 { trap(0x07) }
    for place in vectors.indices { vectors[place] = value }
  }

  // MARK: Interrupts

  /// Switches the CPU's interrupts on as a kernel does: everything in Group 1, enabled, at priority 0xA0.
  func enableInterrupts(_ mask: UInt32 = ~0) {
    let frame = GuestMap.privateInterrupts(Int(current!.value.index))
    store(GuestMap.distributor, 0x12)
    store(frame + 0x80, ~0)
    for word in 0..<8 as Range<UInt64> { store(frame + 0x400 + word * 4, 0xA0A0_A0A0) }
    store(frame + 0x100, UInt64(mask))
  }

  /// The same for a shared interrupt, sent to a virtual CPU.
  func enableShared(_ interrupt: UInt64, priority: UInt64 = 0xA0, target: UInt64 = 0) {
    let frame = GuestMap.distributor
    let bit: UInt64 = 1 << (interrupt & 31)
    store(frame + 0x80 + interrupt / 32 * 4, (load(frame + 0x80 + interrupt / 32 * 4) ?? 0) | bit)
    store(frame + 0x400 + interrupt, priority, bytes: 1)
    store(frame + 0x6000 + interrupt * 8, target, bytes: 8)
    store(frame + 0x100 + interrupt / 32 * 4, bit)
  }

  /// ICC_IAR1_EL1: the most urgent pending interrupt that may preempt; 1023 for none.
  func acknowledge() -> UInt32 {
    let candidates = lists.indices.filter { lists[$0] >> 62 == 1 }
    let best = candidates.min { lists[$0] >> 48 & 0xFF < lists[$1] >> 48 & 0xFF }
    guard let slot = best, lists[slot] >> 48 & 0xFF < acknowledged.last?.priority ?? 0x100 else { return 1023 }
    lists[slot] = lists[slot] & ~(3 << 62) | 2 << 62
    let interrupt = UInt32(truncatingIfNeeded: lists[slot])
    acknowledged.append((interrupt, lists[slot] >> 48 & 0xFF))
    return interrupt
  }

  /// ICC_EOIR1_EL1: priority drop and deactivation.
  func end(_ interrupt: UInt32) {
    if let place = acknowledged.lastIndex(where: { $0.interrupt == interrupt }) {
      acknowledged.remove(at: place)
    }
    guard let slot = lists.firstIndex(where: { $0 >> 63 != 0 && UInt32(truncatingIfNeeded: $0) == interrupt })
    else {
      special[.listControl, default: 0] += 1 << 27
      return
    }
    lists[slot] &= ~(1 << 63)
    if lists[slot] >> 61 & 1 != 0 { active.remove(UInt32(truncatingIfNeeded: lists[slot] >> 32) & 0x3FF) }
  }

  /// The number of interrupts that the guest would be signalled.
  var listed: [UInt32] { lists.filter { $0 >> 62 != 0 }.map { UInt32(truncatingIfNeeded: $0) }.sorted() }

  /// The virtual timer interrupts when the clock reaches `time`.
  func setVirtualTimer(_ time: UInt64) {
    live[SystemSlot.virtualTimer.rawValue] = time
    live[SystemSlot.virtualTimerControl.rawValue] = 1
  }
}
