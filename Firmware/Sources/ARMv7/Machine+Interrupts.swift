// The board's interrupt controller and timer: whichever its device tree names.

import ARMv7Assembly
import Appliance
import ArmArchitecture
import Drivers
import Hypervisor

// What the board has, from `startDevices` on; before, zeros, for the image has no initialised data.
nonisolated(unsafe) private var controller = BoardInterruptController<MappedRegisters>.generic(
  Distributor(MappedRegisters(base: 0)), PrivateInterrupts(MappedRegisters(base: 0)), CPUInterface(MappedRegisters(base: 0)))
nonisolated(unsafe) private var timer = BoardTimer<MappedRegisters>.dual(DualTimer(MappedRegisters(base: 0)))
nonisolated(unsafe) private var time = WideCounter()

extension Machine {
  func startDevices(_ board: inout Board) {
    let foundTimer = findTimer(&board)
    foundTimer.start()
    unsafe timer = foundTimer
    let foundController = findController(&board)
    foundController.start()
    foundController.enable(board.narrow.timerInterrupt)
    unsafe controller = foundController
  }

  private func findController(_ board: inout Board) -> BoardInterruptController<MappedRegisters> {
    let distributor = registers(.distributor, offset: Self.offset(of: board.distributor))
    guard board.narrow.controllerKind == .cortexA9GIC else {
      return .allwinner(AllwinnerInterruptController(distributor))
    }
    let interface = registers(.redistributor, offset: Self.offset(of: board.cpuInterface))
    return .generic(Distributor(distributor), PrivateInterrupts(distributor), CPUInterface(interface))
  }

  private func findTimer(_ board: inout Board) -> BoardTimer<MappedRegisters> {
    let registers = registers(.timer, offset: Self.offset(of: board.narrow.timer))
    switch board.narrow.timerKind {
    case .dualTimer: return .dual(DualTimer(registers))
    case .multiCoreTimer: return .multiCore(MultiCoreTimer(registers, cpu: 0))
    default: return .allwinner(AllwinnerTimer(registers))
    }
  }

  // MARK: Interrupts

  func acknowledgeInterrupt() -> UInt64 { UInt64(unsafe controller.acknowledge()) }

  func endInterrupt(_ acknowledged: UInt64) {
    unsafe controller.end(UInt32(truncatingIfNeeded: acknowledged))
  }

  // MARK: Time

  var counter: UInt64 { unsafe time.time(of: timer.count, width: timer.width) }

  var counterFrequency: UInt64 { unsafe UInt64(timer.frequency) }

  /// Interrupts at a time, or earlier where that is too far away for the timer; never if it is all ones.
  func setAlarm(_ deadline: UInt64) {
    unsafe timer.endAlarm()
    guard deadline != ~0 else { return }
    let now = counter
    let left = deadline > now ? min(deadline &- now, 1 &<< 31) : 1
    unsafe timer.setAlarm(after: UInt32(truncatingIfNeeded: left))
  }
}
