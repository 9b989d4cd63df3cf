// The board's interrupts. They come while a guest runs, or end the sleep of an idle CPU; the hypervisor
// itself is never interrupted.

import ArmArchitecture
import Drivers
import Synchronization
import VirtualDevices

extension Core where H: VirtualizationExtensions {
  /// A physical interrupt stopped the guest.
  /// - Returns: the virtual CPU to go on with.
  public func handleInterrupt(_ guest: VirtualCPUReference) -> VirtualCPUReference {
    _ = acknowledgeInterrupt()
    return resume(guest)
  }

  /// Takes the most urgent pending interrupt.
  /// - Returns: whether there was one.
  @inline(never) public func acknowledgeInterrupt() -> Bool {
    let acknowledged = hardware.read(.interruptAcknowledge)
    let interrupt = InterruptNumber(UInt32(truncatingIfNeeded: acknowledged) & 0x3FF)
    guard interrupt.rawValue < 1020 else { return false }
    hardware.write(.interruptEnd, acknowledged)
    if !H.isSoftware, interrupt == GuestInterrupt.virtualTimer || interrupt == GuestInterrupt.physicalTimer {
      takeTimer(interrupt)
    } else if take(interrupt) {
      hardware.write(.interruptDeactivate, acknowledged)
    }
    return true
  }

  /// Takes an interrupt that is no guest's timer.
  /// - Returns: whether it ends here; one of the device server's stays active until that ends it.
  @inline(never) private func take(_ interrupt: InterruptNumber) -> Bool {
    switch interrupt {
    case PhysicalInterrupt.alert: takeAlert()
    case PhysicalInterrupt.alarm: takeAlarm()
    case PhysicalInterrupt.maintenance where !H.isSoftware: takeMaintenance()
    case phone.value.board.uartInterrupt: serveUART()
    default: return H.isSoftware || !takeForServer(interrupt)
    }
    return true
  }

  @inline(__always) private func takeTimer(_ timer: InterruptNumber) {
    guard let guest = cpu.value.loaded else { return deactivate(timer) }
    if redeliver(timer, to: guest) { return }
    guest.value.bank.value.line.set(timer.bit)
    notice(guest)
  }

  /// Another CPU did something that concerns this one. Where there is only one virtual CPU and it runs, that can
  /// only be an interrupt for it, or the end of its VM or a pause.
  @inline(__always) private func takeAlert() {
    cpu.value.attention.store(0, ordering: .sequentiallyConsistent)
    guard cpu.value.queueCount == 1, let guest = cpu.value.loaded, isRunning(guest),
      guest.value.machine.value.phase.load(ordering: .acquiring)
        | guest.value.machine.value.isPaused.load(ordering: .relaxed) == Phase.running
    else { return cpu.value.attention.store(1, ordering: .relaxed) }
    refill(guest)
  }

  private func takeAlarm() {
    if H.isSoftware, let guest = cpu.value.loaded, isRunning(guest) {
      let now = hardware.read(.counter)
      if now < cpu.value.lookAgain {
        // Whatever it is set to next, that is another one.
        cpu.value.alarm = 0
        return followTimer(guest, at: now)
      }
    }
    cpu.value.alarm = ~0
    hardware.write(.alarm, ~0)
    cpu.value.attention.store(1, ordering: .relaxed)
  }

  /// The guest ended an interrupt whose wire may still be raised, or there is room in the list registers.
  private func takeMaintenance() {
    guard let guest = cpu.value.loaded else { return }
    notice(guest)
  }

  var distributor: Distributor<H.Registers> {
    Distributor(hardware.registers(.distributor, offset: distributorOffset))
  }

  /// Where the distributor lies in what is mapped of it.
  var distributorOffset: UInt32 { H.offset(of: phone.value.board.distributor) }

  /// The private interrupts of this CPU.
  var privateInterrupts: PrivateInterrupts<H.Registers> {
    let slot: DeviceSlot = H.interruptControllerGeneration == 3 ? .redistributor : .distributor
    return PrivateInterrupts(hardware.registers(slot, offset: cpu.value.privateInterrupts))
  }
}
