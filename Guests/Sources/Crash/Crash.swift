// Ends on purpose, in the way that mode=off, reset, again, cpuoff, wild, stuck, spin, sleep or watchdog asks
// for, after=N milliseconds; or, with mode=feed, keeps a watchdog from ending it for so long.

import GuestMachine
import GuestSupport

func runCrash() {
  let arguments = BootArguments()
  if arguments.has("mode", "again") { runAgain() }
  Console.write("crash: soon\n")
  let milliseconds = arguments.number("after") ?? 1
  if arguments.has("mode", "feed") { runFeed(milliseconds) }
  _ = eventually(within: milliseconds) { false }
  if arguments.has("mode", "reset") { crash("reset") { PowerInterface.call(PowerFunction.systemReset) } }
  if arguments.has("mode", "cpuoff") { crash("cpuoff") { PowerInterface.call(PowerFunction.off) } }
  if arguments.has("mode", "wild") { crash("wild", runWild) }
  if arguments.has("mode", "stuck") { crash("stuck", runStuck) }
  if arguments.has("mode", "spin") { crash("spin") { while true {} } }
  if arguments.has("mode", "sleep") { crash("sleep") { while true { wait_for_interrupt() } } }
  if arguments.has("mode", "watchdog") { crash("watchdog", runWatchdog) }
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

/// As often as somebody starts it, and as fast.
private func runAgain() {
  Console.write(".")
  PowerInterface.call(PowerFunction.systemReset)
}

/// Ends at the watchdog's second expiry.
private func runWatchdog() {
  Watchdog.arm(milliseconds: 20)
  while true {}
}

/// Feeds the watchdog in time, and looks whether it knows that.
private func runFeed(_ milliseconds: UInt64) -> Never {
  Watchdog.arm(milliseconds: 50)
  for _ in 0..<max(milliseconds / 10, 1) {
    _ = eventually(within: 10) { false }
    Watchdog.feed()
    if Watchdog.state != 1 { crash("FAIL watchdog expired") {} }
  }
  Watchdog.disarm()
  crash("fed") { PowerInterface.call(PowerFunction.systemOff) }
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
