// The timer of waiting, a second timer that ticks during requests, and the notification interrupt. They are
// masked but for a moment now and then.

import GuestMachine
import GuestSupport

private let waitingTimer: UInt64 = 27
private let tickingTimer: UInt64 = 30
private let notification: UInt64 = 8

nonisolated(unsafe) private var tickPeriod: UInt64 = 0
/// Interrupts of the second timer.
nonisolated(unsafe) private(set) var tickCount: UInt64 = 0

/// `tick`: microseconds from one interrupt of the second timer to the next.
func prepareInterrupts(tick: UInt64?) {
  initializeInterrupts()
  processor_state(0).pointee.interrupt = handleInterrupt
  write32(PrivateInterrupts(0).setEnable, 1 << waitingTimer | 1 << tickingTimer | 1 << notification)
  guard let tick, tick > 0 else { return }
  tickPeriod = ticks(microseconds: tick)
  startTick()
}

private func handleInterrupt() {
  let interrupt = ProcessorInterface.acknowledge()
  if interrupt == waitingTimer { write_CNTV_CTL_EL0(0) }
  if interrupt == tickingTimer {
    tickCount += 1
    startTick()
  }
  if interrupt < 1020 { ProcessorInterface.end(interrupt) }
}

private func startTick() {
  write_CNTP_CVAL_EL0(read_CNTPCT_EL0() &+ tickPeriod)
  write_CNTP_CTL_EL0(1)
}

private func ticks(microseconds: UInt64) -> UInt64 { read_CNTFRQ_EL0() * microseconds / 1_000_000 }

/// Lets the interrupts that wait be handled.
func takeInterrupts() {
  unmask_interrupts()
  mask_interrupts()
}

/// Makes the waiting timer interrupt after some time.
func startTimer(microseconds: UInt64) {
  write_CNTV_CVAL_EL0(read_CNTVCT_EL0() &+ ticks(microseconds: microseconds))
  write_CNTV_CTL_EL0(1)
}

/// Gives the CPU away for some time.
func sleep(microseconds: UInt64) {
  startTimer(microseconds: microseconds)
  while read_CNTV_CTL_EL0() != 0 {
    wait_for_interrupt()
    takeInterrupts()
  }
}

/// Sleeps between tries, longer each time, from 50 microseconds to 10 milliseconds.
struct Patience {
  private var tries: UInt64
  private var pause: UInt64 = 50

  init(tries: UInt64 = 1_000) { self.tries = tries }

  /// Sleeps; false when there were enough tries.
  mutating func wait() -> Bool {
    guard tries > 0 else { return false }
    tries -= 1
    sleep(microseconds: pause)
    pause = min(pause * 2, 10_000)
    return true
  }
}
