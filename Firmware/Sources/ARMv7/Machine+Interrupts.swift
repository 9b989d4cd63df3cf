// The board's interrupt controller and timer.

import ARMv7Assembly
import Drivers
import Hypervisor

// Zeros until they are found, for the image has no initialised data.
nonisolated(unsafe) private var foundDevices = NarrowDevices<MappedRegisters>(
  controller: .generic(
    Distributor(MappedRegisters(base: 0)), PrivateInterrupts(MappedRegisters(base: 0)),
    CPUInterface(MappedRegisters(base: 0))),
  timer: .dual(DualTimer(MappedRegisters(base: 0))))

extension Machine {
  var devices: NarrowDevices<MappedRegisters> {
    get { unsafe foundDevices }
    nonmutating _modify { yield unsafe &foundDevices }
  }
}
