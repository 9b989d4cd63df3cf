// The interrupt controller of the `virt` board: a GICv2 (ARM IHI 0048) or a GICv3 (ARM IHI 0069), as the
// device tree says. A GICv2's interrupts stay in group 0, where a reset leaves them and Linux too; those of a
// GICv3 go to group 1.

import Appliance
import GuestMachine

/// The generation of the board's interrupt controller.
public enum InterruptController {
  /// Whether it is a GICv2: set by `initializeInterrupts`.
  nonisolated(unsafe) public private(set) static var isVersion2 = false

  /// Looks for a GICv2's node.
  static func discover() {
    isVersion2 =
      BoardTree.property { blob, property in
        blob.hasPrefix("compatible\0", at: property.name)
          && (blob.hasPrefix("arm,cortex-a15-gic\0", at: property.value)
            || blob.hasPrefix("arm,gic-400\0", at: property.value))
      } != nil
  }
}

public enum Distributor {
  public static let base: UInt64 = 0x0800_0000
  public static let control = base
  public static let type = base + 0x4
  public static let implementer = base + 0x8
  public static func group(_ word: UInt64) -> UInt64 { base + 0x80 + 4 * word }
  public static func setEnable(_ word: UInt64) -> UInt64 { base + 0x100 + 4 * word }
  public static func clearEnable(_ word: UInt64) -> UInt64 { base + 0x180 + 4 * word }
  public static func setPending(_ word: UInt64) -> UInt64 { base + 0x200 + 4 * word }
  public static func clearPending(_ word: UInt64) -> UInt64 { base + 0x280 + 4 * word }
  public static func setActive(_ word: UInt64) -> UInt64 { base + 0x300 + 4 * word }
  public static func clearActive(_ word: UInt64) -> UInt64 { base + 0x380 + 4 * word }
  public static func priority(_ interrupt: UInt64) -> UInt64 { base + 0x400 + interrupt }
  /// GICv2: a byte with a bit for each CPU.
  public static func target(_ interrupt: UInt64) -> UInt64 { base + 0x800 + interrupt }
  public static func configuration(_ word: UInt64) -> UInt64 { base + 0xC00 + 4 * word }
  /// GICv2: GICD_SGIR.
  public static let softwareInterrupt = base + 0xF00
  /// GICv3: 64 bits.
  public static func route(_ interrupt: UInt64) -> UInt64 { base + 0x6000 + 8 * interrupt }
  /// GICD_PIDR2, whose bits 7…4 are the generation.
  public static var identification: UInt64 { base + (InterruptController.isVersion2 ? 0xFE8 : 0xFFE8) }
  /// Bytes of registers.
  public static var size: UInt64 { InterruptController.isVersion2 ? 0x1000 : 0x1_0000 }

  /// Forwards this guest's group; a GICv3 by affinity routing.
  public static func enable() { write32(control, InterruptController.isVersion2 ? 1 : 0x12) }
  /// Forwards nothing.
  public static func disable() { write32(control, InterruptController.isVersion2 ? 0 : 0x10) }

  /// Puts the shared interrupts 32 to 63 into this guest's group.
  public static func initializeGroup() {
    write32(group(1), InterruptController.isVersion2 ? 0 : 0xFFFF_FFFF)
  }

  /// Lets a shared interrupt go to one CPU.
  public static func route(_ interrupt: UInt64, to processor: UInt64) {
    guard InterruptController.isVersion2 else { return write64(route(interrupt), processor) }
    write8(target(interrupt), 1 &<< UInt8(truncatingIfNeeded: processor))
  }
}

/// The registers of a CPU's own interrupts, SGIs and PPIs. A GICv3 has a frame of them for each CPU; a GICv2
/// shows each CPU its own at the start of the distributor, so there only that CPU may use them.
public struct PrivateInterrupts: Sendable {
  public let base: UInt64
  public init(_ processor: Int) {
    base = InterruptController.isVersion2 ? Distributor.base : Redistributor(processor).base + 0x1_0000
  }
  public var group: UInt64 { base + 0x80 }
  public var setEnable: UInt64 { base + 0x100 }
  public var clearEnable: UInt64 { base + 0x180 }
  public var setPending: UInt64 { base + 0x200 }
  public var clearPending: UInt64 { base + 0x280 }
  public var setActive: UInt64 { base + 0x300 }
  public var clearActive: UInt64 { base + 0x380 }
  public func priority(_ interrupt: UInt64) -> UInt64 { base + 0x400 + interrupt }
  public func configuration(_ word: UInt64) -> UInt64 { base + 0xC00 + 4 * word }

  /// Puts SGIs and PPIs into this guest's group at priority 0xA0, none enabled.
  public func initialize() {
    write32(clearEnable, 0xFFFF_FFFF)
    write32(group, InterruptController.isVersion2 ? 0 : 0xFFFF_FFFF)
    for interrupt in stride(from: UInt64(0), to: 32, by: 4) { write32(priority(interrupt), 0xA0A0_A0A0) }
  }
}

/// A CPU's control frame in a GICv3.
public struct Redistributor: Sendable {
  public let base: UInt64
  public init(_ processor: Int) { base = 0x080A_0000 + 0x2_0000 * UInt64(processor) }
  public var waker: UInt64 { base + 0x14 }
  public var type: UInt64 { base + 0x8 }

  /// Wakes it. One that does not answer is left alone.
  public func wake() {
    write32(waker, read32(waker) & ~2)
    _ = eventually { read32(waker) & 4 == 0 }
  }
}

/// The interface of the CPU that runs this: system registers (GICv3) or a frame (GICv2) that shows each CPU
/// its own.
public enum ProcessorInterface {
  public static let spurious: UInt64 = 1023
  /// A GICv2's frame, GICC.
  public static let base: UInt64 = 0x0801_0000

  /// Offsets in the frame.
  public enum Register {
    public static let control: UInt64 = 0x0
    public static let priorityMask: UInt64 = 0x4
    public static let binaryPoint: UInt64 = 0x8
    public static let acknowledge: UInt64 = 0xC
    public static let end: UInt64 = 0x10
    public static let runningPriority: UInt64 = 0x14
    public static let highestPending: UInt64 = 0x18
    public static let activePriorities: UInt64 = 0xD0
    public static let identification: UInt64 = 0xFC
    public static let deactivate: UInt64 = 0x1000
  }

  private static var isFrame: Bool { InterruptController.isVersion2 }
  private static func read(_ register: UInt64) -> UInt64 { UInt64(read32(base + register)) }
  private static func write(_ register: UInt64, _ value: UInt64) {
    write32(base + register, UInt32(truncatingIfNeeded: value))
  }

  public static func initialize() {
    if !isFrame { write_ICC_SRE_EL1(7) }
    priorityMask = 0xFF
    binaryPoint = 0
    separatesDeactivation = false
    enable()
  }

  /// Lets interrupts through.
  public static func enable() { isFrame ? write(Register.control, 1) : write_ICC_IGRPEN1_EL1(1) }
  /// Lets none through.
  public static func disable() { isFrame ? write(Register.control, 0) : write_ICC_IGRPEN1_EL1(0) }

  /// Acknowledges the most urgent interrupt: its number, or 1023.
  public static func acknowledge() -> UInt64 {
    guard isFrame else { return read_ICC_IAR1_EL1() & 0xFF_FFFF }
    let answer = read(Register.acknowledge)
    if answer & 0x3FF < 16 { Senders.note(answer) }
    return answer & 0x3FF
  }

  public static func end(_ interrupt: UInt64) {
    isFrame ? write(Register.end, Senders.name(interrupt)) : write_ICC_EOIR1_EL1(interrupt)
  }

  /// Deactivates, where the end only drops the priority.
  public static func deactivate(_ interrupt: UInt64) {
    isFrame ? write(Register.deactivate, Senders.name(interrupt)) : write_ICC_DIR_EL1(interrupt)
  }

  /// What makes `send` send: the value of ICC_SGI1R_EL1 or of GICD_SGIR.
  public static func request(_ interrupt: UInt64, targets: UInt64) -> UInt64 {
    isFrame ? targets &<< 16 | interrupt : interrupt &<< 24 | targets
  }

  /// Sends SGI `interrupt` to the CPUs in `targets`, a bit for each.
  public static func send(_ interrupt: UInt64, targets: UInt64) { send(request(interrupt, targets: targets)) }
  /// Sends it to all CPUs but this one.
  public static func sendToOthers(_ interrupt: UInt64) {
    send(isFrame ? 1 << 24 | interrupt : 1 << 40 | interrupt &<< 24)
  }

  private static func send(_ request: UInt64) {
    guard isFrame else { return write_ICC_SGI1R_EL1(request) }
    // What was written before must be seen by those who are interrupted.
    synchronize()
    write32(Distributor.softwareInterrupt, UInt32(truncatingIfNeeded: request))
    synchronize()
  }

  /// The priority of what runs; 0xFF when nothing does (for which QEMU's GICv2 has 0x100).
  public static var runningPriority: UInt64 {
    isFrame ? min(read(Register.runningPriority), 0xFF) : read_ICC_RPR_EL1()
  }
  /// The interrupt that would be acknowledged.
  public static var highestPending: UInt64 {
    isFrame ? read(Register.highestPending) & 0x3FF : read_ICC_HPPIR1_EL1()
  }

  public static var priorityMask: UInt64 {
    get { isFrame ? read(Register.priorityMask) : read_ICC_PMR_EL1() }
    set { isFrame ? write(Register.priorityMask, newValue) : write_ICC_PMR_EL1(newValue) }
  }
  public static var binaryPoint: UInt64 {
    get { isFrame ? read(Register.binaryPoint) : read_ICC_BPR1_EL1() }
    set { isFrame ? write(Register.binaryPoint, newValue) : write_ICC_BPR1_EL1(newValue) }
  }
  /// EOImode: whether the end only drops the priority.
  public static var separatesDeactivation: Bool {
    get { isFrame ? read(Register.control) & 0x200 != 0 : read_ICC_CTLR_EL1() & 2 != 0 }
    set {
      isFrame ? write(Register.control, newValue ? 0x201 : 1) : write_ICC_CTLR_EL1(newValue ? 2 : 0)
    }
  }
}

/// Who sent the SGIs that are being handled: a GICv2 wants an SGI ended with its sender's number.
public enum Senders {
  nonisolated(unsafe) private static var senders = InlineArray<128, UInt8>(repeating: 0)

  private static func place(_ interrupt: UInt64) -> Int {
    Int(truncatingIfNeeded: (Processors.current.pointee.index & 7) << 4 | interrupt & 15)
  }

  /// Remembers the sender from what GICC_IAR answered.
  static func note(_ answer: UInt64) {
    senders[place(answer)] = UInt8(truncatingIfNeeded: answer >> 10 & 7)
  }

  /// The sender of an SGI that this CPU acknowledged.
  public static func sender(_ interrupt: UInt64) -> UInt64 { UInt64(senders[place(interrupt)]) }

  /// What GICC_EOIR and GICC_DIR want.
  static func name(_ interrupt: UInt64) -> UInt64 {
    interrupt < 16 ? sender(interrupt) << 10 | interrupt : interrupt
  }
}

/// The interrupts of the first CPU, ready for use.
public func initializeInterrupts() {
  InterruptController.discover()
  Distributor.enable()
  initializeProcessorInterrupts(0)
}

/// Those of the CPU that calls.
public func initializeProcessorInterrupts(_ processor: Int) {
  if !InterruptController.isVersion2 { Redistributor(processor).wake() }
  PrivateInterrupts(processor).initialize()
  ProcessorInterface.initialize()
}
