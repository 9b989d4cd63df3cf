import ArmArchitecture
import Testing

@testable import Hypervisor

/// Ways in which a VM stops.
enum StopCause: String, CaseIterable, Sendable {
  case off = "SYSTEM_OFF"
  case reset = "SYSTEM_RESET"
  case systemError = "SError"
  case watchdog = "watchdog"
  case ownFault = "fault of the hypervisor"
}

extension ScriptedPhone {
  /// Makes the VM stop whose virtual CPU runs on a CPU.
  func stop(_ cpu: ScriptedMachine, _ cause: StopCause) throws {
    let guest = try #require(cpu.current)
    switch cause {
    case .off: cpu.call(FirmwareFunction.systemOff)
    case .reset: cpu.call(FirmwareFunction.systemReset)
    case .systemError: cpu.step { $0.handleSystemError(guest) }
    case .ownFault: cpu.step { $0.handleOwnFault() }
    case .watchdog:
      cpu.store(GuestMap.watchdogControl + 8, 100)
      cpu.store(GuestMap.watchdogControl, 1)
      advance(100)
      advance(100)
    }
    settle()
  }
}

/// When a VM starts again.
@Suite(.reportsHangs) struct RestartTests {
  /// `work` has CPU 1 for itself.
  private func phone(_ restart: String?, cpus: Int = 1) throws -> ScriptedPhone {
    let work = ScriptedVM(name: "work", cpus: cpus, placement: cpus == 1 ? [1] : [1, 0], restart: restart)
    let phone = try ScriptedPhone([ScriptedVM(name: "other", placement: [0]), work], cpus: 2).start()
    phone.cpus[0].current?.value.registers[9] = 99
    return phone
  }

  private static let policies: [(restart: String?, causes: [StopCause])] = [
    ("never", []), ("on-failure", [.reset, .systemError, .watchdog, .ownFault]),
    (nil, [.reset, .systemError, .watchdog, .ownFault]), ("always", StopCause.allCases),
  ]

  @Test(arguments: policies.indices, StopCause.allCases) func policy(index: Int, cause: StopCause) throws {
    let (restart, causes) = Self.policies[index]
    let phone = try phone(restart)
    phone.cpus[1].current?.value.registers[9] = 1
    try phone.stop(phone.cpus[1], cause)
    #expect(phone.output.contains("work stopped: \(cause.rawValue), vCPU 0"), "\(phone.output)")
    #expect(phone.running == ["other.0", causes.contains(cause) ? "work.0" : nil])
    #expect(phone.cpus[1].current?.value.registers[9] ?? 0 == 0)
    #expect(phone.cpus[0].current?.value.registers[9] == 99)
    #expect(phone.board.violations.isEmpty)
    #expect(!phone.board.isOff)
  }

  /// It stays stopped after as many restarts as it may have.
  @Test func limit() throws {
    let phone = try phone("{ policy: always, limit: 2 }")
    for cause in [.off, .reset] as [StopCause] {
      try phone.stop(phone.cpus[1], cause)
      #expect(phone.running == ["other.0", "work.0"])
    }
    try phone.stop(phone.cpus[1], .reset)
    #expect(phone.running == ["other.0", nil])
    phone.advance(1_000_000)
    #expect(phone.running == ["other.0", nil])
  }

  @Test func withoutALimit() throws {
    let phone = try phone("always")
    for _ in 0..<300 { try phone.stop(phone.cpus[1], .off) }
    #expect(phone.running == ["other.0", "work.0"])
  }

  /// Meanwhile its memory is empty and its CPU sleeps.
  @Test func delay() throws {
    let phone = try phone("{ policy: always, delay: 100ms }")
    let memory = try #require(phone.cpus[1].current).value.machine.value.memory
    try phone.stop(phone.cpus[1], .off)
    phone.advance(99_000)
    #expect(phone.running == ["other.0", nil])
    #expect(phone.board.read(memory.start, Int(memory.size)).allSatisfy { $0 == 0 })
    phone.advance(1_000)
    #expect(phone.running == ["other.0", "work.0"])
    #expect(phone.board.read(memory.start, 4) == [0xD0, 0x0D, 0xFE, 0xED])
  }

  /// Nothing of the first life is left, in memory or in devices.
  @Test(arguments: [StopCause.reset, .watchdog, .systemError]) func everythingIsFresh(cause: StopCause) throws {
    let phone = try phone(nil)
    let cpu = phone.cpus[1]
    let memory = try #require(cpu.current).value.machine.value.memory
    phone.board.write([1, 2, 3], at: memory.end - 3)
    cpu.enableInterrupts()
    cpu.enableShared(41)
    cpu.setVirtualTimer(phone.board.clock + 1_000_000)
    cpu.call(0x8400_007F, 1 | 2 << 16, 0, 0xFF, 0)
    try phone.stop(cpu, cause)
    #expect(phone.board.read(memory.end - 3, 3) == [0, 0, 0])
    #expect(cpu[.programCounter] == 0x4020_0000)
    #expect(cpu.listed.isEmpty)
    #expect(cpu.live[SystemSlot.virtualTimerControl.rawValue] == 0)
    #expect(cpu.load(GuestMap.watchdogControl) == 0)
    #expect(cpu.load(GuestMap.watchdogControl + 8) == 0)
    #expect(cpu.load(GuestMap.distributor + 0x104) == 0)
    #expect(cpu.load(GuestMap.distributor + 0x204) == 0)
    #expect(cpu.load(GuestMap.privateInterrupts(0) + 0x100) == 0)
    phone.advance(10_000)
    #expect(phone.running == ["other.0", "work.0"])
  }

  /// Siblings on other CPUs leave too, whatever they do, and are off afterwards.
  @Test(arguments: StopCause.allCases, [false, true]) func siblings(cause: StopCause, waits: Bool) throws {
    let phone = try phone("always", cpus: 2)
    phone.cpus[1].call(FirmwareFunction.cpuOn, 1, 0x4020_0000, 0)
    phone.settle()
    if waits { try phone.bring("work.1").waitForever() }
    try phone.stop(phone.cpus[1], cause)
    #expect(phone.cpus[1].running == "work.0")
    #expect(phone.cpus[1].call(FirmwareFunction.affinityInfo, 1, 0) == 1)
    for _ in 0..<5 {
      phone.advance(4_000)
      #expect(phone.running[0] == "other.0")
    }
    #expect(phone.board.violations.isEmpty)
  }

  /// The only VM of a phone: the board goes off only when it does not start again.
  @Test func alone() throws {
    let phone = try ScriptedPhone([ScriptedVM(name: "work", restart: "{ policy: always, limit: 1 }")]).start()
    try phone.stop(phone.cpus[0], .off)
    #expect(phone.running == ["work.0"])
    #expect(!phone.board.isOff)
    try phone.stop(phone.cpus[0], .off)
    #expect(phone.board.isOff)
  }

  /// While one rests, the end of the others is not the end of the board.
  @Test func restingIsNotStopped() throws {
    let phone = try phone("{ policy: always, delay: 50ms }")
    try phone.stop(phone.cpus[1], .off)
    try phone.stop(phone.cpus[0], .off)
    #expect(!phone.board.isOff)
    phone.advance(50_000)
    #expect(phone.running == [nil, "work.0"])
  }
}

/// A fault of the hypervisor's own.
@Suite(.reportsHangs) struct OwnFaultTests {
  private func phone() throws -> ScriptedPhone {
    try ScriptedPhone(
      [
        ScriptedVM(name: "work", placement: [0], restart: "never"),
        ScriptedVM(name: "other", placement: [0], restart: "never"), ScriptedVM(name: "far", placement: [1]),
      ], cpus: 2
    ).start()
  }

  @Test func stopsTheVMServed() throws {
    let phone = try phone()
    _ = try phone.bring("work.0")
    phone.cpus[0].step { $0.handleOwnFault() }
    phone.settle()
    #expect(phone.output.contains("work stopped: fault of the hypervisor, vCPU 0"))
    #expect(phone.running == ["other.0", "far.0"])
    #expect(!phone.board.isOff)
    #expect(phone.board.violations.isEmpty)
    phone.advance(10_000)
    #expect(phone.running == ["other.0", "far.0"])
  }

  /// It may have left the console in the middle of a line.
  @Test func withTheConsole() throws {
    let phone = try phone()
    let core = try #require(phone.cpus[0].core)
    core.phone.value.consoleLock.acquire(by: 0)
    phone.cpus[0].step { $0.handleOwnFault() }
    #expect(phone.board.isOff)
    #expect(phone.output.contains("a fault of the hypervisor"))
    #expect(phone.output.contains("the device goes off"))
  }

  @Test func withNobodyServed() throws {
    let machines = [
      ScriptedVM(name: "work", placement: [0], restart: "never"), ScriptedVM(name: "far", placement: [1]),
    ]
    let phone = try ScriptedPhone(machines, cpus: 2).start()
    try phone.stop(phone.cpus[0], .off)
    #expect(phone.running == [nil, "far.0"])
    phone.cpus[0].step { $0.handleOwnFault() }
    #expect(phone.board.isOff)
  }

  /// One VM after the other; that of the other CPU goes on.
  @Test func again() throws {
    let phone = try phone()
    for _ in 0..<2 {
      phone.cpus[0].step { $0.handleOwnFault() }
      phone.settle()
    }
    #expect(phone.running == [nil, "far.0"])
    #expect(phone.output.contains("work stopped: fault of the hypervisor"))
    #expect(phone.output.contains("other stopped: fault of the hypervisor"))
  }

  /// The VM is being stopped already: what it did last cannot be blamed.
  @Test func whileItStops() throws {
    let phone = try phone()
    let guest = try #require(phone.bring("work.0").current)
    guest.value.machine.value.phase.store(Phase.stopping, ordering: .relaxed)
    phone.cpus[0].step { $0.handleOwnFault() }
    #expect(phone.board.isOff)
  }
}
