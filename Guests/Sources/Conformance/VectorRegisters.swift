// The FP/SIMD registers are this guest's own, however long it runs and whoever runs beside it.

import GuestMachine
import GuestSupport

func checkVectors() {
  prepareInterrupts()
  write32(PrivateInterrupts(0).setEnable, 1 << 27)
  var changed: UInt64 = 0
  for round in 0..<UInt64(20) {
    guest_fill_vectors(0x1234_5678 &* (round + 1))
    write_CNTV_CVAL_EL0(read_CNTVCT_EL0() + 3_000)
    write_CNTV_CTL_EL0(1)
    wait_for_interrupt()
    write_CNTV_CTL_EL0(0)
    PowerInterface.call(PowerFunction.version)
    changed += guest_check_vectors(0x1234_5678 &* (round + 1))
  }
  expect("vectors unchanged over waits", changed, 0)
  forgetInterrupts()
}

/// The same on two CPUs at once.
func checkVectorsTogether() {
  Shared.write(10, 0)
  let start = PowerInterface.startProcessor(1) { _ in
    Shared.write(10, 1 + busyVectors(seed: 0xABCD_EF01))
    PowerInterface.call(PowerFunction.off)
  }
  expect("vectors partner starts", start, 0)
  let changed = busyVectors(seed: 0x0F1E_2D3C)
  check("vectors partner ends", eventually(within: 500) { Shared.read(10) != 0 })
  expect("vectors unchanged beside another CPU", changed, 0)
  expect("vectors of another CPU unchanged", Shared.read(10), 1)
  check("vectors partner off", eventually { PowerInterface.call(PowerFunction.affinityInfo64, 1) == 1 })
}

/// Fills and checks many times, giving the CPU away in between; counts registers that changed.
private func busyVectors(seed: UInt64) -> UInt64 {
  var changed: UInt64 = 0
  for round in 0..<UInt64(200) {
    guest_fill_vectors(seed &* (round + 1))
    for _ in 0..<50 { hint_yield() }
    changed += guest_check_vectors(seed &* (round + 1))
  }
  return changed
}
