// The board's interrupt controller and timer.

import ARMv7Assembly
import Drivers
import Hypervisor

// Zeros until they are found, for the image has no initialised data.
nonisolated(unsafe) private var foundDevices = NarrowDevices<MappedRegisters>(
  controller: BoardInterruptController(
    .generic, MappedRegisters(base: 0), interface: MappedRegisters(base: 0)),
  timer: BoardTimer(.dual, MappedRegisters(base: 0)))

extension Machine {
  var devices: NarrowDevices<MappedRegisters> {
    get { unsafe foundDevices }
    nonmutating _modify { yield unsafe &foundDevices }
  }
}
