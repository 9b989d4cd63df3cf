// Booting on a CPU without virtualization extensions: the same board walk, console and device image, other devices.

import Appliance
import ArmArchitecture
import Drivers
import Synchronization
import VirtualDevices

extension Boot where H: NarrowHardware {
  /// Reads the board and the device image, and prepares every VM.
  /// - Parameters:
  ///   - tree: where the boot loader put the board's device tree.
  ///   - ownMemory: what the hypervisor occupies with its arena.
  ///   - remember: gets the hypervisor as soon as it has a console.
  /// - Returns: the hypervisor on the boot CPU, ready to schedule; nil where not even a UART was found.
  public mutating func start(
    tree: PhysicalAddress, ownMemory: PhysicalRange, remember: (Core<H>) -> Void
  ) -> Core<H>? {
    guard let core = open(tree: tree, ownMemory: ownMemory) else { return nil }
    remember(core)
    core.checkTimer()
    makeMachines(core)
    if core.phone.value.board.reserved.isIncomplete { core.haltForMemory() }
    tellMemory(core, ownMemory)
    if core.phone.value.board.cpuCount == 2 {
      let other = core.phone.value.cpu(core.cpu.value.number ^ 1)
      if other.value.queueCount != 0 { core.start(other) }
    }
    return core
  }
}

extension Core where H: NarrowHardware {
  /// What the board lacks besides memory and a device image, in a sentence; nil if it has everything.
  @inline(__always) static func missing(_ phone: PhoneReference) -> Message? {
    if phone.value.board.distributor == 0 {
      return "the board has no interrupt controller (arm,cortex-a9-gic, allwinner,sun4i-a10-ic)"
    }
    if phone.value.board.narrow.timer == 0 {
      return "the board has no timer (arm,sp804, samsung,exynos4210-mct, allwinner,sun4i-a10-timer)"
    }
    return nil
  }

  @inline(__always) func startInterruptController() {
    hardware.map(.distributor, at: PhysicalAddress(phone.value.board.distributor))
    hardware.map(.redistributor, at: PhysicalAddress(phone.value.board.cpuInterface))
    hardware.map(.timer, at: PhysicalAddress(phone.value.board.narrow.timer))
    startCPU(isFirst: true)
    hardware.devices.enable(phone.value.board.uartInterrupt)
    phone.value.listRegisterCount = 4
    phone.value.priorityMask = 0xF8F8_F8F8
  }

  /// Prepares this CPU's part of the interrupt controller and its alarm; called once on each CPU.
  /// - Parameter isFirst: whether the controller itself is to be started.
  @inline(never) public func startCPU(isFirst: Bool) {
    let affinity = hardware.ownAffinity
    let place = Int(truncatingIfNeeded: affinity & 1)
    hardware.devices = findDevices(place)
    hardware.devices.start(alarm: phone.value.board.narrow.timerInterrupts[place], isFirst: isFirst)
    cpu.value.alertCommand.store(alertCommand(affinity), ordering: .releasing)
    cpu.value.alarm = ~0
  }

  /// Turns another CPU on, and waits for it, a quarter of a second at the most.
  func start(_ other: PhysicalCPUReference) {
    let controller = powerController
    let entry = UInt32(truncatingIfNeeded: hardware.prepareSecondCPU(other).rawValue)
    var tries = 256
    while other.value.alertCommand.load(ordering: .relaxed) == 0 {
      tries &-= 1
      guard tries != 0 else { return log("a CPU did not start") }
      controller.start(at: entry)
      // It sleeps in the boot ROM.
      hardware.write(.softwareInterrupt, alertCommand(other.value.affinity))
      checkTimer()
    }
  }

  /// Turns the board off, if it can be. The last VM's memory was scrubbed just now, so this CPU is in its own address space.
  func turnOff() {
    if phone.value.board.narrow.powerController != 0 { powerController.turnOff() }
  }

  private var powerController: PowerController<H.Registers> {
    let address = phone.value.board.narrow.powerController
    hardware.map(.powerController, at: PhysicalAddress(address))
    return PowerController(
      phone.value.board.narrow.powerControllerKind == .exynosPowerController ? .exynos : .versatile,
      hardware.registers(.powerController, offset: H.offset(of: address)))
  }

  /// What interrupts the CPU with this affinity: its bit among the controller's CPU interfaces, and the number.
  private func alertCommand(_ affinity: UInt64) -> UInt64 {
    1 &<< (16 &+ affinity & 7) | UInt64(PhysicalInterrupt.alert.rawValue)
  }

  /// Makes sure that the timer interrupts, for everything else waits for it: after a thousandth of a second, and at the last of
  /// many looks that come a quarter of a second later.
  @inline(never) func checkTimer() {
    let start = hardware.read(.counter)
    let frequency = hardware.read(.counterFrequency)
    hardware.write(.alarm, start &+ frequency &>> 10)
    // A counter that stands does not end the wait.
    var looks: UInt32 = 1 << 22
    while !takeAlarm() {
      if looks > 1 << 10, hardware.read(.counter) &- start > frequency &>> 2 { looks = 1 << 10 }
      looks &-= 1
      guard looks != 0 else { halt("the timer does not interrupt") }
    }
  }

  /// Takes the most urgent pending interrupt.
  /// - Returns: whether it was the alarm's.
  @inline(never) private func takeAlarm() -> Bool {
    let acknowledged = UInt32(truncatingIfNeeded: hardware.read(.interruptAcknowledge))
    let isAlarm = acknowledged == PhysicalInterrupt.alarm.rawValue
    if isAlarm { hardware.write(.alarm, ~0) }
    if acknowledged < 1020 { hardware.write(.interruptEnd, UInt64(acknowledged)) }
    return isAlarm
  }

  /// A fault of the hypervisor's own leaves a record, and this CPU stops.
  public func handleOwnFault() -> Never {
    put("\r\n[pocketvisor] a fault of the hypervisor")
    putState(hardware.read(.programCounter))
    unlockConsole()
    halt("this CPU stops")
  }
}
