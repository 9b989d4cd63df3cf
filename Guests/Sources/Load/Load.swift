// Costs as much as it can, in one way for ever, on each of its CPUs; or measures how much CPU time it gets
// itself, or others take. Guests/README.md has the boot arguments. Every loop yields: where QEMU counts instructions, it runs one CPU
// at a time, and a loop that does not yield keeps the other CPUs from running at all.

import GuestMachine
import GuestSupport

func runLoad() {
  let arguments = BootArguments()
  if arguments.has("mode", "measure") { measure(arguments) }
  if arguments.has("mode", "idle") { idle() }
  if arguments.has("mode", "watch") { watchGaps(arguments) }
  Console.write("load: begins\n")
  if arguments.has("mode", "hypercalls") { hammerEverywhere { _ in hammerHypercalls() } }
  if arguments.has("mode", "registers") { hammerEverywhere { _ in hammerRegisters() } }
  if arguments.has("mode", "interrupts") { hammerInterrupts() }
  if arguments.has("mode", "cpus") { hammerProcessors() }
  if arguments.has("mode", "distributor") { hammerDistributor() }
  if arguments.has("mode", "accesses") { hammerEverywhere { _ in hammerAccesses() } }
  if arguments.has("mode", "console") { hammerEverywhere { _ in hammerConsole() } }
  hammerEverywhere { _ in spin() }
}

private func spin() {
  while true {
    for _ in 0..<64 { _ = read_CNTVCT_EL0() }
    hint_yield()
  }
}

/// Runs the same on all CPUs.
private func hammerEverywhere(_ body: @convention(c) (UInt64) -> Void) -> Never {
  for index in 1..<max(Processors.count, 1) { _ = PowerInterface.startProcessor(index, body) }
  body(0)
  while true { hint_yield() }
}

private func hammerHypercalls() {
  while true {
    PowerInterface.call(PowerFunction.version)
    hint_yield()
  }
}

/// Registers that the hypervisor emulates, read and written.
private func hammerRegisters() {
  let consoleFlags = Console.base + 0x18
  while true {
    _ = read32(consoleFlags)
    _ = read32(Distributor.type)
    write32(Distributor.setEnable(1), 1 << 8)
    _ = read32(Distributor.setPending(1))
    write32(Distributor.clearEnable(1), 1 << 8)
    hint_yield()
  }
}

/// Interrupts from the first CPU to itself and to the second one.
private func hammerInterrupts() {
  initializeInterrupts()
  acceptInterrupts(0)
  if Processors.count > 1 {
    _ = PowerInterface.startProcessor(1) { _ in
      initializeProcessorInterrupts(1)
      acceptInterrupts(1)
      while true { wait_for_interrupt() }
    }
  }
  while true {
    ProcessorInterface.send(1, targets: 3)
    hint_yield()
  }
}

private func acceptInterrupts(_ processor: Int) {
  processor_state(UInt64(processor)).pointee.interrupt = {
    let interrupt = ProcessorInterface.acknowledge()
    if interrupt < 1020 { ProcessorInterface.end(interrupt) }
  }
  write32(PrivateInterrupts(processor).setEnable, 0xFFFF)
  unmask_interrupts()
}

/// Starts the second CPU again as soon as it is off; most calls come too early and are refused.
private func hammerProcessors() -> Never {
  while true {
    _ = PowerInterface.startProcessor(1) { _ in PowerInterface.call(PowerFunction.off) }
    hint_yield()
  }
}

/// Whatever makes an interrupt controller choose anew.
private func hammerDistributor() {
  initializeInterrupts()
  Distributor.initializeGroup()
  write32(Distributor.setEnable(1), 0xFFFF_FF00)
  write32(Distributor.setPending(1), 0xFFFF_FF00)
  var round: UInt64 = 0
  while true {
    round &+= 1
    Distributor.disable()
    write8(Distributor.priority(40 + round & 15), UInt8(truncatingIfNeeded: round))
    Distributor.route(40 + round & 15, to: round >> 4 & 1)
    Distributor.enable()
    hint_yield()
  }
}

/// Addresses with nothing behind them; each access is a fault.
private func hammerAccesses() {
  while true {
    _ = attempt(guest_load32, 0x0B00_0000)
    hint_yield()
  }
}

private func hammerConsole() {
  while true {
    Console.write("load: 0123456789 abcdefghijklmnopqrstuvwxyz\n")
    hint_yield()
  }
}
