// Ends on purpose, in the way that mode=off, reset, cpuoff, wild, stuck, spin or sleep asks for, after=N
// milliseconds.

import GuestMachine
import GuestSupport

func runCrash() {
  let arguments = BootArguments()
  Console.write("crash: soon\n")
  let milliseconds = arguments.number("after") ?? 1
  _ = eventually(within: milliseconds) { false }
  if arguments.has("mode", "reset") { crash("reset") { PowerInterface.call(PowerFunction.systemReset) } }
  if arguments.has("mode", "cpuoff") { crash("cpuoff") { PowerInterface.call(PowerFunction.off) } }
  if arguments.has("mode", "wild") { crash("wild", runWild) }
  if arguments.has("mode", "stuck") { crash("stuck", runStuck) }
  if arguments.has("mode", "spin") { crash("spin") { while true {} } }
  if arguments.has("mode", "sleep") { crash("sleep") { while true { wait_for_interrupt() } } }
  crash("off") { PowerInterface.call(PowerFunction.systemOff) }
}

private func crash(_ mode: StaticString, _ body: () -> Void) -> Never {
  Console.write("crash: ")
  Console.write(mode)
  Console.write("\n")
  body()
  Console.write("crash: survived\n")
  while true { wait_for_interrupt() }
}

/// Jumps to where there is no memory, with the vectors there too: each exception is the next one's cause,
/// and a hypervisor sees every one.
private func runWild() { run(at: 13 << 30) }

/// The same by a translation that forbids execution: no hypervisor is asked, only time ends it. (Not with
/// QEMU's `-icount`: no instruction is executed, so its clock stands.)
private func runStuck() { run(at: 0x0B00_0000) }

private func run(at address: UInt64) {
  write_VBAR_EL1(address)
  unsafeBitCast(UnsafeRawPointer(bitPattern: UInt(address)), to: Routine.self)()
}
