// PSCI 1.1 (ARM DEN 0022) and SMCCC 1.2 (ARM DEN 0028).

import GuestMachine
import GuestSupport

func checkPower() {
  let version = PowerInterface.call32(PowerFunction.version)
  check("power version 1.0 or 1.1", version == 0x1_0000 || version == 0x1_0001, UInt64(bitPattern: version))
  checkFunctions()
  checkUnknown()
  checkArguments()
  checkSuspend()
  expect("power calls keep registers", guest_preserves(PowerFunction.version), 0)
  expect("power unknown calls keep registers", guest_preserves(0x8600_FF00), 0)
  if Report.underPocketvisor { checkSecureCalls() }
}

private func checkFunctions() {
  let required: InlineArray<7, UInt64> = [
    PowerFunction.version, PowerFunction.off, PowerFunction.on64, PowerFunction.affinityInfo64,
    PowerFunction.systemOff, PowerFunction.systemReset, PowerFunction.features,
  ]
  for index in 0..<7 {
    check(
      "power function present", PowerInterface.call32(PowerFunction.features, required[index]) >= 0,
      required[index])
  }
  let suspend = PowerInterface.call32(PowerFunction.features, PowerFunction.suspend64)
  check("power suspend present", suspend >= 0, UInt64(bitPattern: suspend))
  expect(
    "power unknown function", PowerInterface.call32(PowerFunction.features, 0x8400_001F),
    PowerError.notSupported)
  let migration = PowerInterface.call32(PowerFunction.migrateInfoType)
  check("power migration not needed", migration == 2 || migration == PowerError.notSupported)
}

private func checkUnknown() {
  let unknown: InlineArray<6, UInt64> = [
    0x8400_001F, 0xC400_001F, 0x8600_FF00, 0xC600_0000, 0xBF00_FFFF, 0x8400_FFFF,
  ]
  for index in 0..<6 {
    let answer = PowerInterface.call(unknown[index])
    check("power unknown call is refused", Int32(truncatingIfNeeded: answer) == -1, unknown[index])
  }
}

private func checkArguments() {
  let refused = PowerError.invalidParameters
  expect("power CPU_ON of nobody", PowerInterface.call(PowerFunction.on64, 0x77, secondary_entry(), 0), refused)
  expect(
    "power CPU_ON of another cluster", PowerInterface.call(PowerFunction.on64, 1 << 32, secondary_entry(), 0),
    refused)
  expect(
    "power CPU_ON of oneself", PowerInterface.call(PowerFunction.on64, 0, secondary_entry(), 0),
    PowerError.alreadyOn)
  expect("power AFFINITY_INFO of nobody", PowerInterface.call(PowerFunction.affinityInfo64, 0x77), refused)
  expect("power AFFINITY_INFO of oneself", PowerInterface.call(PowerFunction.affinityInfo64, 0), 0)
  expect("power AFFINITY_INFO by 32 bits", PowerInterface.call32(PowerFunction.affinityInfo32, 0), 0)
}

/// Standby with an interrupt already pending comes back with success.
private func checkSuspend() {
  prepareInterrupts()
  ProcessorInterface.send(1, targets: 1)
  expect("power suspend returns", PowerInterface.call32(PowerFunction.suspend64, 0, 0, 0), 0)
  expect("power suspend woken by", ProcessorInterface.acknowledge(), 1)
  ProcessorInterface.end(1)
  write32(PrivateInterrupts(0).setEnable, 1 << 27)
  let due = read_CNTVCT_EL0() + 5_000
  write_CNTV_CVAL_EL0(due)
  write_CNTV_CTL_EL0(1)
  PowerInterface.call(PowerFunction.suspend64)
  check(
    "power suspend until the timer",
    eventually { read_CNTVCT_EL0() >= due && ProcessorInterface.acknowledge() == 27 })
  write_CNTV_CTL_EL0(0)
  ProcessorInterface.end(27)
  forgetInterrupts()
}

/// The same by SMC, and the SMCCC's own functions, which QEMU does not have.
private func checkSecureCalls() {
  let version = attempt(guest_secure_call, PowerFunction.version)
  check("power version by SMC", !version.faulted && version.registers[0] == 0x1_0001, version.registers[0])
  let unknown = attempt(guest_secure_call, 0x8600_FF00)
  check("power unknown call by SMC", !unknown.faulted && UInt32(truncatingIfNeeded: unknown.registers[0]) == ~0)
  expect("power version 1.1", PowerInterface.call32(PowerFunction.version), 0x1_0001)
  expect(
    "power SMCCC is announced", PowerInterface.call32(PowerFunction.features, PowerFunction.callVersion), 0)
  expect("power SMCCC version 1.2", PowerInterface.call32(PowerFunction.callVersion), 0x1_0002)
  check(
    "power SMCCC features", PowerInterface.call32(PowerFunction.callFeatures, PowerFunction.callVersion) >= 0)
  expect("power SMCCC unknown feature", PowerInterface.call32(PowerFunction.callFeatures, 0x8400_FFFF), -1)
}
