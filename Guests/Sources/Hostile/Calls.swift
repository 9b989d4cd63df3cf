// Hypercalls: every function number of PSCI, SMCCC and FF-A, and others, with arguments of all kinds.

import GuestMachine
import GuestSupport

extension Attacker {
  /// A function number and arguments, by HVC or SMC with any immediate.
  mutating func call() {
    let function = functionNumber()
    guard !endsThisGuest(function) else { return note(operations: 1) }
    if isStart(function) { return startPartner(by: function) }
    guard isSuspend(function) || isFramework(function) else { return call(dice.registers(function)) }
    var registers = dice.registers(function)
    // Power state 0 is standby: one that powers down would come back elsewhere.
    if isSuspend(function) { registers[1] &= 0xFFFF }
    waitFor { $0.call(registers) }
  }

  private mutating func call(_ registers: InlineArray<8, UInt64>) {
    let immediate = dice.oneIn(2) ? 0 : dice.word() & 0xFFFF
    let instruction: UInt32 = (dice.oneIn(2) ? 0xD400_0002 : 0xD400_0003) | immediate << 5
    note(attempt(code: CodeBuffer.make([instruction]), registers))
  }

  private mutating func functionNumber() -> UInt64 {
    let upper = dice.oneIn(4) ? dice.next() & ~0xFFFF_FFFF : 0
    let wide: UInt64 = dice.oneIn(2) ? 0x4000_0000 : 0
    switch dice.below(8) {
    case 0, 1, 2: return upper | 0x8400_0000 | wide | dice.below(32)  // PSCI
    case 3: return upper | 0x8400_0000 | wide | 0x20 + dice.below(128)  // SDEI, TRNG, FF-A
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
}

// MARK: FF-A

private let frameworkFunctions: InlineArray<16, UInt64> = [
  FrameworkFunction.version, FrameworkFunction.features, FrameworkFunction.identifier, FrameworkFunction.wait,
  FrameworkFunction.run, FrameworkFunction.request, FrameworkFunction.request, FrameworkFunction.request64,
  FrameworkFunction.response, FrameworkFunction.response64, FrameworkFunction.bind, FrameworkFunction.unbind,
  FrameworkFunction.set, FrameworkFunction.set, FrameworkFunction.get, FrameworkFunction.partitions,
]

extension Attacker {
  private func isFramework(_ function: UInt64) -> Bool {
    let number = function & 0xBFFF_FFFF
    return number >= 0x8400_0060 && number < 0x8400_0090
  }

  /// Calls that mean something, with arguments that nearly do. Many of them may wait.
  mutating func callFramework() {
    let function =
      dice.oneIn(4) ? 0x8400_0060 + dice.below(0x30) | dice.below(2) << 30 : dice.pick(frameworkFunctions)
    var registers = dice.registers(function)
    registers[1] = dice.oneIn(8) ? dice.value() : partition() << 16 | partition()
    if function == FrameworkFunction.partitions { registers[1] = dice.below(8) / 7 }
    if !dice.oneIn(4) { registers[2] = 0 }
    if function == FrameworkFunction.features {
      registers[1] = dice.pick(frameworkFunctions) ^ dice.below(4) / 3
    }
    waitFor { $0.call(registers) }
  }

  /// A VM, the hypervisor, or nobody.
  private mutating func partition() -> UInt64 { dice.oneIn(16) ? dice.below(1 << 16) : dice.below(10) }
}

// MARK: Other CPUs of this guest

extension Attacker {
  /// CPU_ON: of nobody or of running CPUs; of another CPU to attack beside this one or to go off at once, again
  /// and again; and near the end with an entry that leads nowhere.
  mutating func startPartner(by function: UInt64) {
    guard Battle.processors > 1, dice.oneIn(2) else { return startInVain(by: function) }
    let target = 1 + dice.below(UInt64(Battle.processors - 1))
    // Natively it would fault for ever without executing anything, and QEMU's instruction count with it.
    if mayLosePartners, Battle.isGuest, dice.oneIn(4) { return lose(target, by: function) }
    dice.oneIn(2) ? startBriefly(target, by: function) : startAttacker(target)
  }

  private mutating func startInVain(by function: UInt64) {
    let target = dice.oneIn(2) ? UInt64(Battle.processors) + dice.below(1 << 40) : 0
    note(attempt(guest_hypercall, function, target, dice.value(), dice.value()))
  }

  /// With any context, and perhaps upper halves that a 32-bit call has to ignore.
  private mutating func startBriefly(_ target: UInt64, by function: UInt64) {
    for _ in 0...dice.below(8) {
      note(attempt(guest_hypercall, function, target, leave_entry(), dice.value()))
      for _ in 0..<dice.below(64) { hint_yield() }
      note(attempt(guest_hypercall, PowerFunction.affinityInfo64, target, dice.below(4)))
    }
  }

  private mutating func startAttacker(_ target: UInt64) {
    note(operations: 1)
    _ = PowerInterface.startProcessor(Int(target), argument: dice.next()) { seed in
      let own = Int(truncatingIfNeeded: Processors.current.pointee.index)
      initializeProcessorInterrupts(own)
      var attacker = Attacker(processor: own, seed: seed)
      attacker.run(from: 0, operations: 1 + seed % 1_000)
      PowerInterface.call(PowerFunction.off)
    }
  }

  /// Sends another CPU where it faults for ever, with the MMU off or with translation tables that lie nowhere.
  private mutating func lose(_ target: UInt64, by function: UInt64) {
    guard dice.oneIn(4) else {
      let entry = dice.pick([
        0, 0x0B00_0000, Distributor.base, Console.base, Battle.memoryEnd, Battle.memoryEnd | 1,
        image_address() + 2,
        ProcessorInterface.base, 0x0400_0000, 1 << 36, 1 << 48, ~0,
      ])
      return note(attempt(guest_hypercall, function, target, entry, dice.value()))
    }
    note(operations: 1)
    _ = PowerInterface.startProcessor(Int(target)) { _ in
      write_TTBR0_EL1(0x0B00_0000)
      invalidate_translations()
    }
  }
}
