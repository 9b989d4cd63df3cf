// From the boot loader's jump to the first guest: `start` tells the whole boot.

import Appliance
import ArmArchitecture
import Drivers
import Synchronization
import VirtualDevices

/// Starts a phone on the boot CPU.
public struct Boot<H: Hardware>: ~Copyable {
  let hardware: H
  private var arena: Arena
  /// Where the boot CPU's stack ends; those of the others follow at `stackStride`.
  let firstStackTop: UInt64
  let stackStride: UInt64

  public init(hardware: H, arena: Arena, firstStackTop: UInt64, stackStride: UInt64) {
    self.hardware = hardware
    self.arena = arena
    self.firstStackTop = firstStackTop
    self.stackStride = stackStride
  }

  /// Reads the board, starts its console and its interrupt controller, and makes sure of what is in use.
  /// - Parameters:
  ///   - tree: where the boot loader put the board's device tree.
  ///   - ownMemory: what the hypervisor occupies with its arena.
  /// - Returns: the hypervisor on the boot CPU; nil where not even a UART was found.
  @inline(__always) mutating func open(tree: PhysicalAddress, ownMemory: PhysicalRange) -> Core<H>? {
    guard let phone = makePhone(), readBoard(tree, phone), let core = makeCPUs(phone) else { return nil }
    startConsole(core)
    if let missing = Self.missing(phone) { core.halt(missing) }
    H.startInterruptController(core)
    core.phone.value.board.reserved.append(ownMemory)
    core.phone.value.board.reserved.append(core.phone.value.board.image)
    core.phone.value.board.reserved.append(core.phone.value.board.tree)
    return core
  }

  /// Says how much memory the hypervisor takes. No other CPU runs yet: the console needs no lock.
  @inline(__always) func tellMemory(_ core: Core<H>, _ ownMemory: PhysicalRange) {
    core.put(
      "[pocketvisor] RAM taken: 0x",
      unsafe hardware.physicalAddress(of: core.phone.value.arena.used).rawValue &- ownMemory.start
    )
    core.endLine()
    core.pump()
  }

  // MARK: The board

  /// The shared state.
  private mutating func makePhone() -> PhoneReference? {
    guard let pointer = unsafe arena.take(Phone.self),
      let log = unsafe arena.take(UInt8.self, count: Int(ConsoleChannel.capacity))
    else { return nil }
    let phone = unsafe PhoneReference(pointer)
    phone.value.arena = arena
    phone.value.console = unsafe Console(storage: log)
    return phone
  }

  /// - Returns: whether there is a device tree that names a UART.
  private func readBoard(_ address: PhysicalAddress, _ phone: PhoneReference) -> Bool {
    let pointer = unsafe hardware.window(.source, at: address)
    var blob = unsafe Blob(base: pointer, count: DeviceTree.sizeLimit)
    phone.value.board.read(blob, for: H.self)
    blob.position = 4
    phone.value.board.tree = PhysicalRange(start: address.rawValue, size: UInt64(blob.cell()))
    return phone.value.board.uart != 0
  }

  private mutating func makeCPUs(_ phone: PhoneReference) -> Core<H>? {
    let count = phone.value.board.cpuCount
    guard let cpus = unsafe phone.value.arena.take(PhysicalCPU.self, count: Int(count)) else { return nil }
    unsafe phone.value.cpus = unsafe cpus
    let own = hardware.ownAffinity
    var bootCPU: PhysicalCPUReference?
    var nextStack = firstStackTop &+ stackStride
    for index in 0..<count {
      let cpu = phone.value.cpu(index)
      cpu.value.phone = phone
      cpu.value.number = index
      cpu.value.affinity = phone.value.board.cpus[Int(index)].start
      // Without EL2 each has its stack at the same address, which only assembly knows.
      if cpu.value.affinity == own {
        bootCPU = cpu
        if !H.isSoftware { cpu.value.stackTop = firstStackTop }
      } else if !H.isSoftware {
        cpu.value.stackTop = nextStack
        nextStack &+= stackStride
      }
    }
    return bootCPU.map { Core(hardware: hardware, cpu: $0) }
  }

  private func startConsole(_ core: Core<H>) {
    let address = core.phone.value.board.uart
    hardware.map(.uart, at: PhysicalAddress(address))
    core.phone.value.uartOffset = H.offset(of: address)
    core.uart.interrupt(transmit: false)
  }

  /// What the board lacks, in a sentence; nil if it has everything.
  private static func missing(_ phone: PhoneReference) -> Message? {
    if phone.value.board.memory.count == 0 { return "the board has no memory" }
    if phone.value.board.reserved.isIncomplete || phone.value.board.memory.isIncomplete {
      return "too many memory ranges"
    }
    if let missing = H.missing(phone) { return missing }
    if phone.value.board.image.size == 0 { return "no device image: pass it as ramdisk" }
    return nil
  }
}

extension Boot where H: VirtualizationExtensions {
  /// Reads the board and the device image, prepares every VM, wakes the other CPUs.
  /// - Parameters:
  ///   - tree: where the boot loader put the board's device tree.
  ///   - ownMemory: what the hypervisor occupies with its arena.
  ///   - secondaryEntry: where a CPU that the firmware turns on begins.
  /// - Returns: the hypervisor on the boot CPU, ready to schedule; nil where not even a UART was found.
  public mutating func start(tree: PhysicalAddress, ownMemory: PhysicalRange, secondaryEntry: PhysicalAddress)
    -> Core<H>?
  {
    guard let core = open(tree: tree, ownMemory: ownMemory) else { return nil }
    makeMachines(core)
    connectServer(core)
    if core.phone.value.board.reserved.isIncomplete { core.haltForMemory() }
    tellMemory(core, ownMemory)
    core.startCPU()
    startOtherCPUs(core, secondaryEntry)
    return core
  }

  private func startOtherCPUs(_ core: Core<H>, _ entry: PhysicalAddress) {
    for index in 0..<core.phone.value.board.cpuCount {
      let other = core.phone.value.cpu(index)
      if other == core.cpu || other.value.queueCount == 0 { continue }
      let context = unsafe UInt64(UInt(bitPattern: other.pointer))
      let function = FirmwareFunction.cpuOn | FirmwareFunction.wide
      if hardware.callFirmware(function, other.value.affinity, entry.rawValue, context)
        != FirmwareResult.success
      {
        core.log("a CPU did not start")
      }
    }
  }
}

extension Core where H: VirtualizationExtensions {
  /// What the board lacks besides memory and a device image, in a sentence; nil if it has everything.
  @inline(__always) static func missing(_ phone: PhoneReference) -> Message? {
    if phone.value.board.distributor == 0 {
      return H.interruptControllerGeneration == 3
        ? "the board has no GICv3 (arm,gic-v3)" : "the board has no GICv2 (arm,gic-400, arm,cortex-a15-gic)"
    }
    if !phone.value.board.hasTimer { return "no generic timer with interrupts 26, 27 and 30" }
    if !phone.value.board.hasFirmware { return "the firmware has no PSCI by SMC" }
    return nil
  }

  @inline(__always) func startInterruptController() {
    hardware.map(.distributor, at: PhysicalAddress(phone.value.board.distributor))
    hardware.map(.redistributor, at: PhysicalAddress(phone.value.board.redistributors.start))
    hardware.mapInterface(&phone.value.board)
    distributor.start(generation: H.interruptControllerGeneration)
    let listType = hardware.read(.listType)
    phone.value.listRegisterCount = UInt32(truncatingIfNeeded: min(listType & 31, 3)) &+ 1
    phone.value.priorityMask =
      0x0101_0101 &* ((0xFF &<< (7 &- UInt32(truncatingIfNeeded: listType &>> 29))) & 0xFF)
    enableInterrupt(phone.value.board.uartInterrupt)
  }

  /// Prepares this CPU's interrupt controller and timer; called once on each CPU.
  public func startCPU() {
    hardware.startInterface()
    if H.interruptControllerGeneration == 3 {
      cpu.value.privateInterrupts = wakeRedistributor() &+ PrivateInterrupts<H.Registers>.offset
      let affinity = cpu.value.affinity
      cpu.value.alertCommand.store(
        Distributor<H.Registers>.softwareInterrupt(PhysicalInterrupt.alert, to: affinity), ordering: .releasing)
    } else {
      cpu.value.privateInterrupts = distributorOffset
      let target = UInt64(distributor.ownTarget)
      cpu.value.alertCommand.store(
        target &<< 16 | UInt64(PhysicalInterrupt.alert.rawValue), ordering: .releasing)
    }
    privateInterrupts.start(
      PhysicalInterrupt.alert.bit | PhysicalInterrupt.alarm.bit | PhysicalInterrupt.maintenance.bit
        | GuestInterrupt.timers, generation: H.interruptControllerGeneration)
    cpu.value.alarm = ~0
    hardware.write(.alarm, ~0)
    hardware.write(.alarmControl, 1)
    hardware.write(.listControl, ListControl.enabled)
  }

  /// - Returns: where this CPU's redistributor lies in what is mapped of them.
  private func wakeRedistributor() -> UInt32 {
    let base = H.offset(of: phone.value.board.redistributors.start)
    let affinity = cpu.value.affinity
    let packed = UInt32(truncatingIfNeeded: affinity & 0xFF_FFFF | affinity &>> 8 & 0xFF00_0000)
    var offset = base
    while UInt64(offset &- base) < phone.value.board.redistributors.size {
      let candidate = Redistributor(hardware.registers(.redistributor, offset: offset))
      if candidate.affinity == packed {
        candidate.wake()
        return offset
      }
      if candidate.isLast { break }
      offset &+= Redistributor<H.Registers>.stride &<< (candidate.isDouble ? 1 : 0)
    }
    halt("a CPU has no redistributor")
  }

  /// The hypervisor itself caused an exception: leaves a record and stops the device.
  func haltAfterFault() -> Never {
    put("\r\n[pocketvisor] a fault of the hypervisor")
    putState(hardware.read(.programCounter))
    unlockConsole()
    turnBoardOff("the device goes off")
    halt("the firmware does not turn it off")
  }
}

extension Core {
  /// The board's memory, or the arena, is used up.
  @inline(never) func haltForMemory() -> Never { halt("not enough memory for all VMs") }

  /// Says why the device cannot go on, and stops it.
  @inline(never) public func halt(_ reason: Message) -> Never {
    log(reason)
    drainConsole()
    while true { hardware.waitForInterrupt() }
  }
}
