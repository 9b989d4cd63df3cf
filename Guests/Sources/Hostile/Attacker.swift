// One CPU's attacks. Each has dice of its own, so that `first=` finds the one to blame.

import GuestMachine
import GuestSupport

struct Attacker {
  let processor: Int
  let seed: UInt64
  /// Prints a line every so many attacks; 0 for none.
  let chatter: UInt64
  var dice = Dice(seed: 0)
  private(set) var operations: UInt64 = 0
  private(set) var faults: UInt64 = 0
  /// The attack that is under way.
  private(set) var index: UInt64 = 0
  /// Of attacks on system registers, which go through all encodings in turn.
  private(set) var session: UInt64 = 0
  var nextSlot: UInt64
  /// Whether other CPUs may be sent where they do not come back from.
  private(set) var mayLosePartners = false

  init(processor: Int, seed: UInt64, chatter: UInt64 = 0) {
    self.processor = processor
    self.seed = seed
    self.chatter = chatter
    nextSlot = Window.first(processor)
  }

  /// Attacks until that many operations are done.
  mutating func run(from first: UInt64, operations limit: UInt64) {
    index = first
    while operations < limit {
      dice = Dice(seed: seed &* 0xD134_2543_DE82_EF95 &+ index)
      mayLosePartners = processor == 0 && operations > limit - limit / 20
      attack(kind(of: index), index / 16)
      index += 1
      if index % 64 == 0 { restore() }
      if chatter > 0, index % chatter == 0 { tellProgress() }
    }
  }

  /// Each of sixteen kinds once in sixteen attacks, in an order of the dice.
  private func kind(of index: UInt64) -> UInt64 {
    var dice = Dice(seed: seed ^ index / 16)
    return (index &* (dice.next() | 1) &+ dice.next()) & 15
  }

  private mutating func attack(_ kind: UInt64, _ round: UInt64) {
    switch kind {
    case 0, 1, 2: access()
    case 3, 4:
      session = 2 * round + kind - 3
      exclusively { $0.attackSystemRegisters() }
    case 5, 6: call()
    case 7: callFramework()
    case 8, 9: attackInterruptController()
    case 10: dice.oneIn(2) ? attackConsole() : attackWatchdog()
    case 11: attackTranslation()
    case 12: raise()
    case 13: exclusively { $0.attackFromUserLevel() }
    case 14: dice.oneIn(2) ? changeCode() : maintainCaches()
    default: disturb()
    }
  }

  /// Timers, interrupts, waits, other CPUs.
  private mutating func disturb() {
    switch dice.below(8) {
    case 0: exclusively { $0.storm() }
    case 1, 2: startPartner(by: dice.oneIn(8) ? PowerFunction.on32 : PowerFunction.on64)
    case 3, 4: waitFor { $0.execute([$0.dice.oneIn(2) ? 0xD503_207F : 0xD503_205F]) }  // wfi, wfe
    default: setTimerOrSend()
    }
  }

  private func tellProgress() {
    Battle.restoreConsole()
    Console.write("hostile: at ")
    Console.write(decimal: index)
    Console.write("\n")
  }

  // MARK: What attacks are made of

  /// Runs made-up instructions and counts.
  mutating func execute<let count: Int>(
    _ instructions: InlineArray<count, UInt32>, _ first: UInt64 = 0, _ second: UInt64 = 0, _ third: UInt64 = 0,
    _ fourth: UInt64 = 0
  ) {
    note(attempt(code: CodeBuffer.make(instructions), first, second, third, fourth))
  }

  mutating func note(_ result: AttemptResult) {
    operations += 1
    if result.faulted { faults += 1 }
  }

  /// Operations that cannot fault.
  mutating func note(operations count: UInt64) { operations += count }

  /// Does something during which no other CPU of this guest may change the interrupt controller or do the same;
  /// it is left out when one of them is at it.
  mutating func exclusively(_ body: (inout Attacker) -> Void) {
    guard take_gate() else { return }
    body(&self)
    leave_gate()
  }

  /// Does something that may wait for an interrupt: the timer ends it.
  mutating func waitFor(_ body: (inout Attacker) -> Void) {
    exclusively {
      $0.restore()
      $0.armTimer()
      body(&$0)
    }
  }

  /// A working interrupt controller and a timer that will end any wait.
  func restore() {
    InterruptController.isVersion2 ? dropPriorities() : clearPriorities()
    Distributor.enable()
    initializeProcessorInterrupts(processor)
    let own = PrivateInterrupts(processor)
    for offset in stride(from: UInt64(0x280), through: 0x380, by: 0x100) {
      write32(own.base + offset, 0xFFFF_FFFF)
    }
    write32(own.setEnable, 1 << 27)
  }

  /// Forgets what runs.
  private func clearPriorities() {
    write_ICC_SRE_EL1(7)
    write_ICC_AP0R0_EL1(0)
    write_ICC_AP1R0_EL1(0)
  }

  /// The same for a GICv2, both groups. QEMU looks at what is written there only at the next end, and lets a shared
  /// interrupt of a group that is off hold back all others.
  private func dropPriorities() {
    for word in UInt64(0)..<8 {
      write32(ProcessorInterface.base + ProcessorInterface.Register.activePriorities + 4 * word, 0)
    }
    for _ in 0..<32 where ProcessorInterface.runningPriority != 0xFF { ProcessorInterface.end(0) }
    for word in 0...UInt64(read32(Distributor.type) & 31) { write32(Distributor.group(word), 0) }
  }

  /// The virtual timer, due soon.
  func armTimer() {
    write_CNTV_CVAL_EL0(read_CNTVCT_EL0() + 500)
    write_CNTV_CTL_EL0(1)
  }
}
