// Where assembly enters Swift: each function makes its values safe and calls the portable part.

import ARMv7Assembly
import ArmArchitecture
import Hypervisor

/// The CPU that executes this: its variables are its own.
nonisolated(unsafe) private var ownCPU: PhysicalCPUReference?

/// The boot CPU, with its MMU on. Returns where there is nothing to say it with.
/// - Parameters: where the board's device tree and the image lie on the bus.
@c(boot)
func boot(_ tree: UInt32, _ image: UInt32) {
  Machine.remember(image: image)
  let start = unsafe address_of_image_start()
  let end = unsafe address_of_image_end()
  let arena = unsafe Arena(start: address_of_arena(), end: end)
  // Assembly knows the stacks: each CPU has its own at one address.
  var boot = Boot(hardware: Machine(), arena: arena, firstStackTop: 0, stackStride: 0)
  let core = boot.start(
    tree: PhysicalAddress(UInt64(tree)),
    ownMemory: unsafe PhysicalRange(start: UInt64(image), size: UInt64(UInt(end - start)))
  ) { unsafe ownCPU = $0.cpu }
  guard let core else { return }
  Exits.start(core.schedule())
}

/// The second CPU, with its MMU on.
@c(start_second)
func startSecond(_ cpu: UnsafeMutableRawPointer, _ image: UInt32) {
  Machine.remember(image: image)
  let core = unsafe Core(hardware: Machine(), cpu: PhysicalCPUReference(address: cpu))
  unsafe ownCPU = core.cpu
  core.startCPU(isFirst: false)
  Exits.start(core.schedule())
}

/// A guest, or the translator that serves it, left User mode.
@c(handle_exit)
func handleExit(_ kind: UInt32) -> UnsafeMutableRawPointer? {
  unsafe UnsafeMutableRawPointer(Exits.handle(kind))
}

/// An exception that the hypervisor itself caused: our bug.
@c(handle_own_fault)
func handleOwnFault(_ programCounter: UInt32, _ state: UInt32) {
  Exits.showFault(programCounter, state)
  guard let cpu = unsafe ownCPU else { while true { wait_for_interrupt() } }
  Core(hardware: Machine(), cpu: cpu).handleOwnFault()
}
