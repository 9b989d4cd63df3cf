// Where assembly enters Swift: each function makes its values safe and calls the portable part.

import AArch64Assembly
import Appliance
import ArmArchitecture
import Drivers
import Hypervisor

/// What a fault of the hypervisor's own finds its console by.
nonisolated(unsafe) private var anyCPU: PhysicalCPUReference?

/// The boot CPU, with its MMU on.
/// - Parameters: where the board's device tree and the image lie on the bus.
/// - Returns: the first guest.
@c(boot)
func boot(_ tree: UInt64, _ image: UInt64) -> UnsafeMutableRawPointer {
  unsafe anyCPU = nil  // nobody has cleared it
  let machine = Machine()
  let start = unsafe address_of_image_start()
  let end = unsafe address_of_image_end()
  let stacks = unsafe UInt64(UInt(bitPattern: address_of_stacks()))
  let arena = unsafe Arena(start: address_of_arena(), end: end)
  var boot = Boot(
    hardware: machine, arena: arena, firstStackTop: stacks &+ 0x2000, stackStride: 0x2000)
  let core = boot.start(
    tree: PhysicalAddress(tree),
    ownMemory: unsafe PhysicalRange(start: image, size: UInt64(truncatingIfNeeded: end - start)),
    secondaryEntry: unsafe machine.physicalAddress(of: address_of_secondary_entry()))
  guard let core else { while true { wait_for_interrupt() } }
  unsafe anyCPU = core.cpu
  return unsafe core.schedule().address
}

/// Another CPU, with its MMU on.
@c(start_secondary)
func startSecondary(_ cpu: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer {
  let core = unsafe Core(hardware: Machine(), cpu: PhysicalCPUReference(address: cpu))
  core.startCPU()
  return unsafe core.schedule().address
}

@c(handle_trap)
func handleTrap(_ guest: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer {
  let guest = unsafe VirtualCPUReference(address: guest)
  return unsafe Core(hardware: Machine(), cpu: guest.value.cpu).handleTrap(guest).address
}

/// From AArch32.
@c(handle_narrow_trap)
func handleNarrowTrap(_ guest: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer {
  let reference = unsafe VirtualCPUReference(address: guest)
  let core = Core(hardware: Machine(), cpu: reference.value.cpu)
  return unsafe core.prepareNarrowTrap(reference) ? handleTrap(guest) : core.resume(reference).address
}

@c(handle_interrupt)
func handleInterrupt(_ guest: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer {
  let guest = unsafe VirtualCPUReference(address: guest)
  return unsafe Core(hardware: Machine(), cpu: guest.value.cpu).handleInterrupt(guest).address
}

@c(handle_system_error)
func handleSystemError(_ guest: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer {
  let guest = unsafe VirtualCPUReference(address: guest)
  return unsafe Core(hardware: Machine(), cpu: guest.value.cpu).handleSystemError(guest).address
}

/// An exception that the hypervisor itself caused: our bug.
@c(handle_own_fault)
func handleOwnFault() -> UnsafeMutableRawPointer {
  guard let cpu = unsafe anyCPU else { while true { wait_for_interrupt() } }
  return unsafe Core(hardware: Machine(), cpu: cpu).onThisCPU.handleOwnFault().address
}

/// Entered at EL1 or EL3, with the MMU off: says so on the board's UART.
@c(report_exception_level)
func reportExceptionLevel(_ tree: UInt64) {
  var arena = unsafe Arena(start: address_of_arena(), end: address_of_image_end())
  guard let pointer = unsafe UnsafeRawPointer(bitPattern: UInt(tree)),
    let board = unsafe arena.take(Board.self)
  else { return }
  unsafe board.pointee.read(Blob(base: pointer, count: DeviceTree.sizeLimit), for: Machine.self)
  guard unsafe board.pointee.uart != 0 else { return }
  let console = unsafe UART(
    MappedRegisters(base: board.pointee.uart), is8250: board.pointee.uartKind != .pl011)
  let text: Message =
    "[pocketvisor] entered at EL1 or EL3, not at EL2 (QEMU: virtualization=on)\r\n"
  text.eachCharacter { character in
    while !console.canSend {}
    console.send(character)
  }
}
