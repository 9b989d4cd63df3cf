// Tries everything that a guest can try, at random but the same for each seed, and survives it: every
// exception ends only the attempt that caused it. What must survive as well is the hypervisor, and the
// neighbours.
//
// Boot arguments: seed=N; count=N operations; first=N begins with attack N; chatter=N prints a line every N
// attacks; `pocketvisor` attacks all of the address space (a real board has devices there that could be set off);
// `watchdog` lets the watchdog expire for good, which ends this VM.

import GuestMachine
import GuestSupport

func runHostile() {
  let arguments = BootArguments()
  let seed = arguments.number("seed") ?? 1
  initializeInterrupts()
  Battle.begin(arguments)
  Console.write("hostile: seed ")
  Console.write(decimal: seed)
  Console.write("\n")
  var attacker = Attacker(processor: 0, seed: seed, chatter: arguments.number("chatter") ?? 0)
  attacker.run(from: arguments.number("first") ?? 0, operations: arguments.number("count") ?? 20_000)
  attacker.restore()
  Battle.restoreConsole()
  report(attacker)
  PowerInterface.systemOff()
}

private func report(_ attacker: Attacker) {
  Console.write("\n")
  Console.write("hostile: survived ")
  Console.write(decimal: attacker.operations)
  Console.write(" operations, ")
  Console.write(decimal: attacker.faults)
  Console.write(" faults, ")
  Console.write(decimal: Battle.damages)
  Console.write(" failed checks\n")
}

/// What all CPUs of this guest share.
enum Battle {
  nonisolated(unsafe) static var isGuest = false
  nonisolated(unsafe) static var mayExpire = false
  nonisolated(unsafe) static var memoryBase: UInt64 = 0
  nonisolated(unsafe) static var memoryEnd: UInt64 = 0
  nonisolated(unsafe) static var processors = 1
  /// How many checks have failed.
  nonisolated(unsafe) static var damages: UInt64 = 0
  /// How many more interrupts each CPU takes without silencing what raises them.
  nonisolated(unsafe) static var patience = InlineArray<8, UInt64>(repeating: 0)

  static func begin(_ arguments: BootArguments) {
    isGuest = arguments.contains("pocketvisor")
    mayExpire = arguments.contains("watchdog")
    let bank = BoardMemory.bank()
    memoryBase = bank.base
    memoryEnd = bank.base + bank.size
    processors = Processors.count
    for index in UInt64(0)..<8 { processor_state(index).pointee.interrupt = takeInterrupt }
    UserLevel.prepare()
  }

  static let scratchSize: UInt64 = 0x2_0000

  /// 128 KiB for each CPU, behind the image, that may be overwritten with anything.
  static func scratch(_ processor: Int) -> UInt64 {
    (image_end_address() + 0xFFFF) & ~0xFFFF + scratchSize * UInt64(processor)
  }

  /// GICD_SPENDSGIR of QEMU's own GICv2: a zero written there makes QEMU 7.2 die of an assertion.
  static func isFatal(_ address: UInt64) -> Bool {
    !isGuest && InterruptController.isVersion2 && address >= 0x0800_0EC0 && address < 0x0800_0F30
  }

  static func restoreConsole() {
    write32(Console.base + 0x38, 0)
    write32(Console.base + 0x2C, 0x70)
    write32(Console.base + 0x30, 0x301)
  }
}

/// Acknowledges whatever comes. Out of patience, it silences what could come again at once, and closes the door.
private func takeInterrupt() {
  for _ in 0..<4 {
    let interrupt = ProcessorInterface.acknowledge()
    if interrupt < 1020 { ProcessorInterface.end(interrupt) }
    guard !InterruptController.isVersion2 else { continue }
    let fast = read_ICC_IAR0_EL1() & 0xFF_FFFF
    if fast < 1020 { write_ICC_EOIR0_EL1(fast) }
  }
  let processor = Int(truncatingIfNeeded: Processors.current.pointee.index & 7)
  guard Battle.patience[processor] == 0 else {
    Battle.patience[processor] -= 1
    return
  }
  write_CNTV_CTL_EL0(0)
  write_CNTP_CTL_EL0(0)
  write32(Console.base + 0x38, 0)
  ProcessorInterface.priorityMask = 0
}
