// The timer's interrupts, counted; and what User mode asks for.

import GuestMachine
import GuestSupport

enum Ticks {
  nonisolated(unsafe) static var timer = TickTimer(period: 0)
  nonisolated(unsafe) static private(set) var count: UInt32 = 0
  /// Set by an interrupt that is not the timer's.
  nonisolated(unsafe) static private(set) var damage: Damage?

  static func start(period: UInt32) {
    timer = TickTimer(period: period)
    Exceptions.handler = answer
    ProcessorInterface.enable()
    Distributor.enable(timer.interrupt)
    timer.start()
  }

  static func takeInterrupt() {
    let interrupt = ProcessorInterface.acknowledge()
    guard interrupt == timer.interrupt, timer.isDue else {
      damage = Damage(what: "interrupt", detail: interrupt)
      return
    }
    timer.acknowledge()
    ProcessorInterface.end(interrupt)
    count = count &+ 1
  }
}

/// What no attempt caused.
private func answer(_ kind: UInt32, _ frame: UnsafeMutablePointer<ExceptionFrame>) {
  if kind == ExceptionKind.interrupt { return Ticks.takeInterrupt() }
  if unsafe frame.pointee.isUser {
    if unsafe Process.answer(kind, &frame.pointee) { return }
  } else if kind == ExceptionKind.supervisorCall, unsafe called(frame.pointee) == 9 {
    unsafe frame.pointee.registers[0] = ~frame.pointee.registers[0]
    return
  }
  unsafe reportUnexpected(kind, frame)
}

/// The number of an SVC, or of another instruction of this form that is behind.
func called(_ frame: ExceptionFrame) -> UInt32 { UInt32(read16(frame.programCounter &- 2) & 0xFF) }
