// Where assembly enters Swift: each function makes its values safe and calls the portable part.

import ARMv7Assembly
import ArmArchitecture
import Hypervisor

/// What a fault of the hypervisor's own finds its console by.
nonisolated(unsafe) private var anyCPU: PhysicalCPUReference?

/// The boot CPU, with its MMU on. Returns where there is nothing to say it with.
/// - Parameters: where the board's device tree and the image lie on the bus.
@c(boot)
func boot(_ tree: UInt32, _ image: UInt32) {
  unsafe anyCPU = nil  // nobody has cleared it
  Machine.remember(image: image)
  let start = unsafe address_of_image_start()
  let end = unsafe address_of_image_end()
  let arena = unsafe Arena(start: address_of_arena(), end: end)
  let stacks = unsafe UInt64(UInt(bitPattern: address_of_stacks()))
  var boot = Boot(
    hardware: Machine(), arena: arena, firstStackTop: stacks &+ 0x2000, stackStride: 0x2000)
  let core = boot.start(
    tree: PhysicalAddress(UInt64(tree)),
    ownMemory: unsafe PhysicalRange(start: UInt64(image), size: UInt64(UInt(end - start)))
  ) { unsafe anyCPU = $0.cpu }
  guard let core else { return }
  Exits.start(core.schedule())
}

/// A guest, or the translator that serves it, left User mode.
@c(handle_exit)
func handleExit(_ kind: UInt32) -> UnsafeMutableRawPointer? {
  unsafe UnsafeMutableRawPointer(Exits.handle(kind))
}

/// An exception that the hypervisor itself caused: our bug.
@c(handle_own_fault)
func handleOwnFault(_ programCounter: UInt32, _ state: UInt32, _ syndrome: UInt32, _ address: UInt32) {
  unsafe Machine.trapped = Trapped(syndrome: syndrome, address: address)
  Exits.showFault(programCounter, state)
  guard let cpu = unsafe anyCPU else { while true { wait_for_interrupt() } }
  Core(hardware: Machine(), cpu: cpu).handleOwnFault()
}
