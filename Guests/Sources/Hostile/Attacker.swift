// One CPU's attacks. Each operation has dice of its own, so that `first=` finds the one to blame.

import GuestMachine
import GuestSupport

struct Attacker {
  let processor: Int
  let seed: UInt64
  var dice = Dice(seed: 0)
  private(set) var operations: UInt64 = 0
  private(set) var faults: UInt64 = 0
  var nextSlot: UInt64
  /// Whether the second CPU may be sent where it does not come back from.
  private var mayLosePartner = false

  init(processor: Int, seed: UInt64) {
    self.processor = processor
    self.seed = seed
    nextSlot = Window.first(processor)
  }

  mutating func run(from first: UInt64, to count: UInt64) {
    for index in first..<max(first, count) {
      dice = Dice(seed: seed &* 0xD134_2543_DE82_EF95 &+ index)
      mayLosePartner = index > count - count / 10
      attack()
      if index % 64 == 63 { restore() }
    }
  }

  private mutating func attack() {
    switch dice.below(15) {
    case 0, 1, 2, 3: access()
    case 4, 5: attackSystemRegisters()
    case 6, 7: call()
    case 8, 9, 10: attackInterruptController()
    case 11: attackConsole()
    case 12: attackTranslation()
    case 13: raise()
    default: disturb()
    }
  }

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

  /// A working interrupt controller and a timer that will end any wait.
  func restore() {
    write_ICC_SRE_EL1(7)
    write_ICC_AP0R0_EL1(0)
    write_ICC_AP1R0_EL1(0)
    Distributor.enable()
    Redistributor(processor).initialize()
    for offset in stride(from: UInt64(0x280), through: 0x380, by: 0x100) {
      write32(Redistributor(processor).private + offset, 0xFFFF_FFFF)
    }
    ProcessorInterface.initialize()
    write32(Redistributor(processor).setEnable, 1 << 27)
  }

  /// The virtual timer, due soon.
  func armTimer() {
    write_CNTV_CVAL_EL0(read_CNTVCT_EL0() + 500)
    write_CNTV_CTL_EL0(1)
  }
}

// MARK: Hypercalls

extension Attacker {
  /// A function number and arguments, by HVC or SMC with any immediate.
  mutating func call() {
    let function = functionNumber()
    guard !endsThisGuest(function) else { return }
    if isStart(function) { return startPartner(by: function) }
    if isSuspend(function) {
      restore()
      armTimer()
    }
    let immediate = dice.oneIn(2) ? 0 : dice.word() & 0xFFFF
    let instruction: UInt32 = (dice.oneIn(2) ? 0xD400_0002 : 0xD400_0003) | immediate << 5
    // Power state 0 is standby: one that powers down would come back elsewhere.
    let first = isSuspend(function) ? dice.value() & 0xFFFF : dice.value()
    execute([instruction], function, first, dice.value(), dice.value())
  }

  private mutating func functionNumber() -> UInt64 {
    let upper = dice.oneIn(4) ? dice.next() & ~0xFFFF_FFFF : 0
    let wide: UInt64 = dice.oneIn(2) ? 0x4000_0000 : 0
    switch dice.below(8) {
    case 0, 1, 2: return upper | 0x8400_0000 | wide | dice.below(32)  // PSCI
    case 3: return upper | 0x8400_0000 | wide | 0x40 + dice.below(96)  // TRNG, FF-A
    case 4: return upper | 0x8000_0000 | wide | dice.below(0x2_0000)  // SMCCC
    case 5: return upper | 0x8000_0000 | wide | dice.below(64) << 24 | dice.below(0x1_0000)  // every owner
    case 6: return dice.value()
    default: return upper | 0x8600_0000 | wide | 0xFF00 + dice.below(256)  // vendor
    }
  }

  /// SYSTEM_OFF, SYSTEM_RESET, SYSTEM_RESET2, SYSTEM_SUSPEND, CPU_FREEZE and, here, CPU_OFF.
  private func endsThisGuest(_ function: UInt64) -> Bool {
    let low = function & 0xFFFF_FFFF & ~0x4000_0000
    let ends: InlineArray<6, UInt64> = [8, 9, 0x12, 0xE, 0xB, 2]
    for index in 0..<6 where low == 0x8400_0000 | ends[index] { return true }
    return false
  }

  private func isStart(_ function: UInt64) -> Bool { function & 0xBFFF_FFFF == 0x8400_0003 }

  /// CPU_SUSPEND and CPU_DEFAULT_SUSPEND.
  private func isSuspend(_ function: UInt64) -> Bool {
    function & 0xBFFF_FFFF == 0x8400_0001 || function & 0xBFFF_FFFF == 0x8400_000C
  }

  /// CPU_ON: of nobody, of running CPUs, of the partner with another attacker to run, and near the end of
  /// the partner with an entry that leads nowhere.
  private mutating func startPartner(by function: UInt64) {
    guard dice.oneIn(2) else {
      let target = dice.oneIn(2) ? 8 + dice.below(1 << 40) : 0
      return execute([0xD400_0002], function, target, dice.value(), dice.value())
    }
    guard processor == 0, Battle.processors > 1 else { return }
    // Natively it would fault for ever without executing anything, and QEMU's instruction count with it.
    if mayLosePartner, Battle.isGuest, dice.oneIn(4) {
      return execute(
        [0xD400_0002], function, 1, dice.oneIn(2) ? 0x0B00_0000 : Battle.memoryEnd | 1, dice.value())
    }
    operations += 1
    _ = PowerInterface.startProcessor(1, argument: dice.next()) { seed in
      Redistributor(1).initialize()
      ProcessorInterface.initialize()
      var attacker = Attacker(processor: 1, seed: seed)
      attacker.run(from: 0, to: 1 + seed % 200)
      PowerInterface.call(PowerFunction.off)
    }
  }
}
