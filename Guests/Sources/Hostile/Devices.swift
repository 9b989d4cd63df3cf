// The interrupt controller, the console and the watchdog at every offset and width; exceptions; storms.

import GuestMachine
import GuestSupport

private let loadWidths: InlineArray<4, Routine> = [guest_load8, guest_load16, guest_load32, guest_load64]
private let storeWidths: InlineArray<4, Routine> = [guest_store8, guest_store16, guest_store32, guest_store64]

extension Attacker {
  private mutating func accessDevice(_ address: UInt64, _ value: UInt64) {
    let width = Int(dice.below(4))
    let aligned = dice.oneIn(8) ? address : address & ~7 &+ UInt64(1 << width) &* dice.below(UInt64(8 >> width))
    note(attempt(dice.oneIn(3) ? loadWidths[width] : storeWidths[width], aligned, value))
  }

  mutating func attackInterruptController() {
    let address = interruptControllerAddress()
    guard !Battle.isFatal(address) else { return }
    exclusively {
      $0.accessDevice(address, $0.dice.value())
      if $0.dice.oneIn(4) { $0.letInterruptsIn() }
    }
  }

  private mutating func interruptControllerAddress() -> UInt64 {
    let isVersion2 = InterruptController.isVersion2
    switch dice.below(6) {
    case 0, 1: return Distributor.base + dice.below(0x1000)
    case 2: return Distributor.base + (isVersion2 ? 0x800 + dice.below(0x800) : 0x6000 + dice.below(0x2000))
    case 3: return Distributor.base + dice.below(0x1_0000)
    case 4:
      return isVersion2
        ? ProcessorInterface.base + dice.below(0x1004)
        : 0x080A_0000 + dice.below(0x2_0000 * UInt64(Battle.processors))
    default:
      // A GICv2's registers, in all places where boards and hypervisors have them.
      guard !isVersion2 else { return ProcessorInterface.base + dice.below(5) << 16 + dice.below(0x100) }
      return PrivateInterrupts(Int(dice.below(UInt64(Battle.processors)))).base + dice.below(0x1000)
    }
  }

  mutating func attackConsole() {
    let offset = dice.below(64) == 0 ? 0 : 4 + dice.below(0xFFC)
    if offset == 0 { return note(attempt(guest_store32, Console.base, 0x2E)) }
    accessDevice(Console.base + max(offset, 8), dice.value())
  }

  /// Every offset; what could let it expire twice only with a time that nobody waits for, and off at the end.
  mutating func attackWatchdog() {
    let control: UInt64 = 0x090D_0000
    let refresh: UInt64 = 0x090C_0000
    guard !Battle.mayExpire else {
      return accessDevice(refresh + dice.below(2) << 16 + dice.below(0x20), dice.value())
    }
    note(attempt(guest_store32, control + 8, dice.next() | 1 << 30))
    note(attempt(storeWidths[Int(dice.below(4))], control, dice.value()))
    note(attempt(storeWidths[Int(dice.below(4))], refresh, dice.value()))
    accessDevice(
      dice.oneIn(2) ? refresh + dice.below(0x1_0000) : control + 0x20 + dice.below(0xFFC0), dice.value())
    note(attempt(loadWidths[Int(dice.below(4))], control + dice.below(0x20)))
    note(attempt(guest_store32, control, 0))
  }

  /// Exceptions of this guest's own making.
  mutating func raise() {
    let number = dice.word() & 0xFFFF
    switch dice.below(8) {
    case 0: execute([0xD420_0000 | number << 5])  // brk
    case 1: execute([0xD440_0000 | number << 5])  // hlt
    case 2: execute([0xD400_0001 | number << 5])  // svc
    case 3: execute([number])  // udf
    case 4: execute([0xD4A0_0001 | number << 5 | dice.word() % 3])  // dcps1…3
    case 5: execute([0xD61F_0000], image_address() + 2)  // br to an unaligned address
    case 6:  // eret into any state, and back to this level's stack from where that is possible
      execute([0xD518_4000, 0x1000_0061, 0xD518_4021, 0xD69F_03E0, 0xD500_41BF], dice.value())
    default: execute([0xD503_309F | number & 0xF00 | (number & 3) % 3 << 5])  // a barrier of any kind
    }
  }
}

// MARK: Interrupts

private let uart: UInt64 = 33

extension Attacker {
  private mutating func letInterruptsIn() { execute([0xD503_43FF, 0xD503_201F, 0xD503_43DF]) }

  /// A timer, or an interrupt to anybody; nobody lets it in here.
  mutating func setTimerOrSend() {
    switch dice.below(4) {
    case 0: sendAnything()
    case 1: execute([0xD51B_E341, 0xD51B_E322], 0, dice.value(), dice.below(4))  // CNTV_CVAL_EL0, CNTV_CTL_EL0
    case 2: execute([0xD51B_E241, 0xD51B_E222], 0, dice.value(), dice.below(4))  // CNTP_CVAL_EL0, CNTP_CTL_EL0
    default: exclusively { $0.letInterruptsIn() }
    }
  }

  private mutating func sendAnything() {
    if InterruptController.isVersion2 {
      note(attempt(guest_store32, Distributor.softwareInterrupt, dice.next() & 0x3FF_800F))
    } else {
      execute([0xD518_CBA1], 0, dice.next() & 0xFF_0F00_0003 | dice.below(2) << 40)  // ICC_SGI1R_EL1
    }
  }

  /// Many interrupts at once, all let in: SGIs to this CPU and the others, timers that are due, the console's.
  mutating func storm() {
    restore()
    let own = PrivateInterrupts(processor)
    for interrupt in UInt64(0)..<32 where dice.oneIn(4) {
      write8(own.priority(interrupt), UInt8(dice.below(0xF0)))
    }
    write32(own.setEnable, 0xFFFF | 1 << 27 | 1 << 30)
    Battle.patience[processor & 7] = 16 + dice.below(64)
    switch dice.below(4) {
    case 0: stormOfSoftware()
    case 1: stormOfTimers()
    case 2: stormOfConsole()
    default: stormOfEverything()
    }
    Battle.patience[processor & 7] = 0
    letInterruptsIn()
    restore()
  }

  private mutating func stormOfSoftware() {
    for _ in 0..<64 {
      ProcessorInterface.send(dice.below(16), targets: 1 << UInt64(processor) | dice.below(4) << 1 & mask)
      if dice.oneIn(2) { letInterruptsIn() }
    }
    note(operations: 64)
  }

  /// The CPUs that are there.
  private var mask: UInt64 { 1 &<< UInt64(Battle.processors) &- 1 }

  private mutating func stormOfTimers() {
    for _ in 0..<16 {
      execute([0xD51B_E341, 0xD51B_E322], 0, dice.oneIn(2) ? 0 : read_CNTVCT_EL0() + dice.below(64), 1)
      execute([0xD51B_E241, 0xD51B_E222], 0, dice.oneIn(2) ? 0 : read_CNTPCT_EL0() + dice.below(64), 1)
      letInterruptsIn()
    }
  }

  /// The transmitter's interrupt, which is raised as soon as there is room, masked and unmasked.
  private mutating func stormOfConsole() {
    write8(Distributor.priority(uart), UInt8(dice.below(0xF0)))
    Distributor.route(uart, to: UInt64(processor))
    Distributor.initializeGroup()
    write32(Distributor.setEnable(1), 2)
    for _ in 0..<16 {
      write32(Console.base + 0x38, 0x20 | dice.word() & 0x7FF)
      letInterruptsIn()
      write32(Console.base + 0x38, 0)
      write32(Console.base + 0x44, dice.word() & 0x7FF)
    }
    write32(Console.base + 0x44, 0x7FF)
    note(operations: 48)
  }

  /// All shared interrupts made pending, for any CPU.
  private mutating func stormOfEverything() {
    Distributor.initializeGroup()
    for interrupt in UInt64(32)..<64 where dice.oneIn(2) {
      write8(Distributor.priority(interrupt), UInt8(dice.below(0xF0)))
      Distributor.route(interrupt, to: dice.below(UInt64(Battle.processors)))
    }
    write32(Distributor.setEnable(1), 0xFFFF_FFFF)
    for _ in 0..<16 {
      write32(Distributor.setPending(1), dice.word())
      letInterruptsIn()
    }
    write32(Distributor.clearEnable(1), 0xFFFF_FFFF)
    write32(Distributor.clearPending(1), 0xFFFF_FFFF)
    note(operations: 32)
  }
}
