import ArmArchitecture
import Testing

@testable import Hypervisor

/// A VM on one CPU takes no time of its neighbours on another one: what it does for its own siblings there interrupts
/// that CPU only where it changes what runs.
@Suite(.reportsHangs) struct AlertTests {
  /// `work` has a virtual CPU on each CPU, `neighbour` is on CPU 1.
  private func phone() throws -> ScriptedPhone {
    let machines = [
      ScriptedVM(name: "work", cpus: 2, placement: [0, 1]), ScriptedVM(name: "neighbour", placement: [1]),
    ]
    let phone = try ScriptedPhone(machines, cpus: 2).start()
    phone.cpus[0].enableInterrupts()
    phone.cpus[0].call(FirmwareFunction.cpuOn, 1, 0x4020_0000, 0)
    phone.settle()
    return phone
  }

  /// The neighbour runs on CPU 1; the sibling there is ready.
  private func ready() throws -> ScriptedPhone {
    let phone = try phone()
    try phone.bring("work.1").enableInterrupts()
    _ = try phone.bring("neighbour.0")
    #expect(phone.running == ["work.0", "neighbour.0"])
    return phone
  }

  /// The neighbour runs on CPU 1; the sibling there is in `WFI`.
  private func waiting(enabled: UInt32 = ~0) throws -> ScriptedPhone {
    let phone = try phone()
    let cpu = try phone.bring("work.1")
    cpu.enableInterrupts(enabled)
    cpu.waitForever()
    #expect(phone.running == ["work.0", "neighbour.0"])
    return phone
  }

  /// What a guest can do to a sibling, many times: registers of the distributor and of its redistributor, interrupts,
  /// CPU_ON.
  private func storm(_ cpu: ScriptedMachine, _ isDone: () -> Bool) {
    let frame = GuestMap.privateInterrupts(1)
    for round in 0..<50 as Range<UInt64> where !isDone() {
      cpu.write(system: .softwareInterrupt, (round & 15) << 24 | 2)
      cpu.write(system: .softwareInterrupt, (round & 15) << 24 | 1 << 40)
      for offset in [0x80, 0x100, 0x180, 0x200, 0x280, 0x300, 0x380] as [UInt64] {
        cpu.store(frame + offset, 1 << round)
        cpu.store(GuestMap.distributor + offset + 4, 1 << round)
      }
      cpu.store(frame + 0x400, round << 3, bytes: 1)
      cpu.store(GuestMap.distributor + 0x6000 + 40 * 8, 1, bytes: 8)
      cpu.store(GuestMap.distributor, round & 3)
      cpu.call(FirmwareFunction.cpuOn, 1, 0x4020_0000, 0)
    }
    cpu.store(GuestMap.distributor, 0x12)
  }

  @Test func aSiblingThatIsReady() throws {
    let phone = try ready()
    storm(phone.cpus[0]) { !phone.cpus[1].pending.isEmpty }
    #expect(phone.cpus[1].pending.isEmpty)
    #expect(phone.cpus[1].core?.cpu.value.attention.load(ordering: .relaxed) == 0)
  }

  /// What came meanwhile is there when its turn comes.
  @Test func aReadySiblingGetsItInItsTurn() throws {
    let phone = try ready()
    phone.cpus[0].write(system: .softwareInterrupt, 5 << 24 | 2)
    #expect(phone.cpus[1].pending.isEmpty)
    #expect(try phone.bring("work.1").acknowledge() == 5)
  }

  /// Its interrupts are all disabled: nothing that comes can wake it.
  @Test func aSiblingThatWaitsForNothing() throws {
    let phone = try waiting(enabled: 0)
    let cpu = phone.cpus[0]
    for round in 0..<50 as Range<UInt64> {
      cpu.write(system: .softwareInterrupt, (round & 15) << 24 | 2)
      cpu.store(GuestMap.privateInterrupts(1) + 0x200, 1 << (round & 31))
      cpu.store(GuestMap.privateInterrupts(1) + 0x400, round << 3, bytes: 1)
      cpu.store(GuestMap.distributor, round & 1 << 1)
      cpu.call(FirmwareFunction.cpuOn, 1, 0x4020_0000, 0)
    }
    #expect(phone.cpus[1].pending.isEmpty)
    #expect(phone.running == ["work.0", "neighbour.0"])
  }

  /// One interrupt that it can take wakes it, with one interrupt of its CPU; then it is ready and gets no more.
  @Test func aSiblingThatWaits() throws {
    let phone = try waiting()
    let cpu = phone.cpus[0]
    cpu.write(system: .softwareInterrupt, 5 << 24 | 2)
    #expect(phone.cpus[1].pending == [7])
    phone.settle()
    #expect(phone.running == ["work.0", "neighbour.0"], "its neighbour's turn goes on")
    storm(cpu) { !phone.cpus[1].pending.isEmpty }
    #expect(phone.cpus[1].pending.isEmpty)
  }

  @Test func enablingWhatIsPendingWakes() throws {
    let phone = try waiting(enabled: 0)
    let cpu = phone.cpus[0]
    cpu.write(system: .softwareInterrupt, 5 << 24 | 2)
    cpu.store(GuestMap.privateInterrupts(1) + 0x100, 1 << 6)
    #expect(phone.cpus[1].pending.isEmpty)
    cpu.store(GuestMap.privateInterrupts(1) + 0x100, 1 << 5)
    #expect(phone.cpus[1].pending == [7])
    #expect(try phone.bring("work.1").acknowledge() == 5)
  }

  /// One that runs gets its interrupt at once.
  @Test func aSiblingThatRuns() throws {
    let phone = try phone()
    try phone.bring("work.1").enableInterrupts()
    phone.cpus[0].write(system: .softwareInterrupt, 5 << 24 | 2)
    #expect(phone.cpus[1].pending == [7])
    phone.settle()
    #expect(phone.cpus[1].acknowledge() == 5)
  }

  /// A sibling that is off: each start is one interrupt, and a start that is refused none.
  @Test func turningOn() throws {
    let phone = try phone()
    try phone.bring("work.1").call(FirmwareFunction.cpuOff)
    phone.settle()
    for _ in 0..<20 { phone.cpus[0].call(FirmwareFunction.cpuOn, 1, 0x4020_0000, 0) }
    #expect(phone.cpus[1].pending == [7])
  }

  /// Notifications that have already come, and those to a VM that is ready, interrupt no CPU.
  @Test func notifications() throws {
    let machines = [
      ScriptedVM(name: "work", placement: [0], calls: ["vault"]), ScriptedVM(name: "vault", placement: [1]),
      ScriptedVM(name: "neighbour", placement: [1]),
    ]
    let phone = try ScriptedPhone(machines, cpus: 2).start()
    let vault = try phone.bring("vault.0")
    vault.enableInterrupts()
    vault.call(0x8400_007F, 1 << 16 | 2, 0, 0xFFFF, 0)
    vault.waitForever()
    phone.settle()
    for bit in 0..<8 as Range<UInt64> {
      phone.cpus[0].call(0x8400_0081, 1 << 16 | 2, 0, 1 << (bit / 4), 0)
      if bit == 0 {
        #expect(phone.cpus[1].pending == [7])
        phone.settle()
      }
    }
    #expect(phone.cpus[1].pending.isEmpty)
  }
}
