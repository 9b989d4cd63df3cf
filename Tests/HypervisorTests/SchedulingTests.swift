import ArmArchitecture
import Testing

@testable import Hypervisor

@Suite(.reportsHangs) struct SchedulingTests {
  /// A turn: 1/256 of a second at the scripted frequency of 1 MHz.
  private let turn: UInt64 = 1_000_000 / 256

  private func phone(_ machines: [ScriptedVM], cpus: Int = 1) throws -> ScriptedPhone {
    try ScriptedPhone(machines, cpus: cpus).start()
  }

  private func equals(_ count: Int) throws -> ScriptedPhone {
    try phone((0..<count).map { ScriptedVM(name: "vm\($0)") })
  }

  @Test func equalsTakeTurns() throws {
    let phone = try equals(3)
    var order: [String] = []
    for _ in 0..<9 {
      order.append(phone.running[0] ?? "-")
      phone.advance(turn + 1)
    }
    #expect(
      order == Array(repeating: ["vm0.0", "vm1.0", "vm2.0"], count: 3).flatMap { $0 }.shifted(to: order[0]))
  }

  @Test func aTurnIsNotCutShort() throws {
    let phone = try equals(2)
    let first = phone.running
    phone.advance(turn / 2)
    #expect(phone.running == first)
    phone.advance(turn)
    #expect(phone.running != first)
  }

  @Test func aloneNobodyInterrupts() throws {
    let phone = try equals(1)
    let alarm = phone.cpus[0][.alarm]
    #expect(alarm == ~0)
    #expect(phone.cpus[0][.configuration] & (1 << 13) == 0, "WFI is not trapped")
  }

  /// TWI is set while somebody else could run.
  @Test func waitingIsTrappedWhileOthersAreReady() throws {
    let phone = try equals(2)
    #expect(phone.cpus[0][.configuration] & (1 << 13) != 0)
    phone.cpus[0].waitForever()
    #expect(phone.cpus[0][.configuration] & (1 << 13) == 0)
  }

  @Test func theHigherPriorityGoesFirst() throws {
    let phone = try phone([
      ScriptedVM(name: "low", priority: 1), ScriptedVM(name: "high", priority: 200, budget: 99, period: 1000),
    ])
    #expect(phone.running == ["high.0"])
    for _ in 0..<5 {
      phone.advance(turn * 2)
      #expect(phone.running == ["high.0"])
    }
    phone.cpus[0].waitForever()
    #expect(phone.running == ["low.0"])
  }

  /// A timer of the higher priority takes the CPU away at once.
  /// For the lead: a vCPU that goes to sleep while it is loaded is missing in the alarm; see `isTimerDue`.
  @Test func aTimerWakesTheHigherPriority() throws {
    let phone = try phone([
      ScriptedVM(name: "low", priority: 1), ScriptedVM(name: "high", priority: 2, budget: 99),
    ])
    let cpu = phone.cpus[0]
    cpu.enableInterrupts()
    cpu.setVirtualTimer(phone.board.clock + 500)
    cpu.waitForever()
    #expect(phone.running == ["low.0"])
    phone.advance(499)
    #expect(phone.running == ["low.0"])
    phone.advance(1)
    #expect(phone.running == ["high.0"])
    phone.settle()
    #expect(cpu.acknowledge() == 27)
  }

  /// Whoever is interrupted again and again by somebody more urgent neither loses a turn nor gets another one before its
  /// equals.
  @Test func turnsSurviveInterruptions() throws {
    let phone = try phone([
      ScriptedVM(name: "urgent", priority: 2, budget: 99, period: 1000), ScriptedVM(name: "first", priority: 1),
      ScriptedVM(name: "second", priority: 1),
    ])
    let cpu = phone.cpus[0]
    cpu.enableInterrupts()
    var times = ["first.0": 0 as UInt64, "second.0": 0]
    for _ in 0..<200 {
      cpu.setVirtualTimer(phone.board.clock + turn / 5)
      cpu.waitForever()
      times[phone.running[0] ?? "", default: 0] += turn / 5
      phone.advance(turn / 5)
      try #require(phone.running == ["urgent.0"])
      #expect(cpu.acknowledge() == 27)
      cpu.end(27)
    }
    let (first, second) = (try #require(times["first.0"]), try #require(times["second.0"]))
    #expect(first + second == 200 * (turn / 5))
    #expect(max(first, second) - min(first, second) <= 2 * turn, "\(first) and \(second)")
  }

  /// Without a timer or an interrupt nobody wakes; the CPU sleeps.
  @Test func everybodyWaits() throws {
    let phone = try equals(2)
    phone.cpus[0].waitForever()
    phone.cpus[0].waitForever()
    #expect(phone.running == [nil])
    phone.advance(turn * 10)
    #expect(phone.running == [nil])
  }

  /// A timer that is masked, off, or whose interrupt is not enabled wakes nobody.
  @Test(arguments: [0, 2, 3] as [UInt64]) func aTimerThatIsOff(control: UInt64) throws {
    let phone = try equals(1)
    let cpu = phone.cpus[0]
    cpu.enableInterrupts()
    cpu.setVirtualTimer(phone.board.clock + 10)
    cpu.live[SystemSlot.virtualTimerControl.rawValue] = control
    cpu.waitForever()
    phone.advance(1_000)
    #expect(phone.running == [nil])
  }

  @Test(arguments: [27, 30] as [UInt32]) func eachTimerWakes(interrupt: UInt32) throws {
    let timer = interrupt == 27 ? SystemSlot.virtualTimer : .physicalTimer
    let phone = try equals(2)
    let cpu = phone.cpus[0]
    let name = phone.running[0]
    cpu.enableInterrupts()
    cpu.live[timer.rawValue] = phone.board.clock + 100
    cpu.live[timer.rawValue - 1] = 1
    cpu.waitForever()
    cpu.waitForever()
    #expect(phone.running == [nil])
    phone.advance(100)
    #expect(phone.running == [name])
    #expect(cpu.acknowledge() == interrupt)
  }

  /// Another vCPU of the same VM on the same CPU: what the TLB holds is its sibling's.
  @Test func translationsAreForgottenBetweenSiblings() throws {
    let phone = try phone([ScriptedVM(name: "work", cpus: 2, placement: [0, 0])])
    let cpu = phone.cpus[0]
    cpu.call(FirmwareFunction.cpuOn, 1, 0x4020_0000, 0)
    let before = cpu.forgotten
    phone.advance(turn + 1)
    #expect(phone.running == ["work.1"])
    #expect(cpu.forgotten == before + 1)
  }

  @Test func translationsStayBetweenVMs() throws {
    let phone = try equals(2)
    for _ in 0..<4 { phone.advance(turn + 1) }
    let before = phone.cpus[0].forgotten
    for _ in 0..<4 { phone.advance(turn + 1) }
    #expect(phone.cpus[0].forgotten == before)
  }

  /// What a vCPU owns is there again when its turn comes, and not in between.
  @Test func registersAreSwitched() throws {
    let phone = try equals(2)
    let cpu = phone.cpus[0]
    let slots = [11, 20, 30, 39]
    for slot in slots { cpu.live[slot] = 0xAAAA }
    cpu.current?.value.registers[3] = 7
    phone.advance(turn + 1)
    for slot in slots { #expect(cpu.live[slot] == 0) }
    phone.advance(turn + 1)
    for slot in slots { #expect(cpu.live[slot] == 0xAAAA) }
    #expect(cpu.current?.value.registers[3] == 7)
  }

  /// A VM that is paused leaves its CPU, also where it is alone and an alert is only a reason to look for interrupts.
  @Test func aPausedVMDoesNotRun() throws {
    let machines = [ScriptedVM(name: "work", placement: [0]), ScriptedVM(name: "personal", placement: [1])]
    let phone = try ScriptedPhone(machines, cpus: 2).start()
    let core = try #require(phone.cpus[1].core)
    let work = try #require(core.phone.value.machines[0])
    for (paused, running) in [(16, nil), (0, "work.0")] as [(UInt32, String?)] {
      work.value.isPaused.store(paused, ordering: .relaxed)
      core.alert(work.value.virtualCPU(0).value.cpu)
      phone.settle()
      #expect(phone.running == [running, "personal.0"])
    }
  }
}

extension [String] {
  /// The same cycle, begun at `first`.
  fileprivate func shifted(to first: String) -> [String] {
    let place = firstIndex(of: first) ?? 0
    return Array(self[place...] + self[..<place])
  }
}

@Suite(.reportsHangs) struct VectorRegisterTests {
  private let turn: UInt64 = 1_000_000 / 256 + 1

  private func phone() throws -> ScriptedPhone {
    try ScriptedPhone([ScriptedVM(name: "a"), ScriptedVM(name: "b"), ScriptedVM(name: "c")]).start()
  }

  /// The registers that a guest can read without a trap: its own, or none.
  private func visible(_ cpu: ScriptedMachine) -> UInt64? {
    cpu[.floatingPointTrap] >> 10 & 1 != 0 ? nil : cpu.vectors[17]
  }

  @Test func neverLeak() throws {
    let phone = try phone()
    let cpu = phone.cpus[0]
    cpu.vectors = cpu.vectors.map { _ in 0x5EC2E7 }
    var expected: [String: UInt64] = [:]
    for round in 0..<12 as Range<UInt64> {
      let name = try #require(phone.running[0])
      if let visible = visible(cpu) { #expect(visible == expected[name] ?? 0) }
      if visible(cpu) == nil { cpu.trap(0x07) }
      #expect(cpu.vectors[17] == expected[name] ?? 0)
      if round % 2 == 0 {
        cpu.useVectors(round + 100)
        expected[name] = round + 100
      }
      phone.advance(turn)
    }
  }

  @Test func onlyTheFirstUseTraps() throws {
    let phone = try phone()
    let cpu = phone.cpus[0]
    cpu.useVectors(1)
    let transfers = cpu.vectorTransfers
    for _ in 0..<10 { cpu.useVectors(2) }
    cpu.call(FirmwareFunction.version)
    cpu.useVectors(3)
    #expect(cpu.vectorTransfers == transfers)
  }

  /// Where nobody else used them, they are still there after a round of turns.
  @Test func unusedByOthersNothingMoves() throws {
    let phone = try phone()
    let cpu = phone.cpus[0]
    let name = phone.running
    cpu.useVectors(5)
    let transfers = cpu.vectorTransfers
    for _ in 0..<3 { phone.advance(turn) }
    #expect(phone.running == name)
    #expect(visible(cpu) == 5)
    #expect(cpu.vectorTransfers == transfers)
  }

  /// A VM that begins anew does not find what it left.
  @Test func zeroAfterAReset() throws {
    let phone = try ScriptedPhone().start()
    let cpu = phone.cpus[0]
    cpu.useVectors(5)
    cpu.call(FirmwareFunction.systemReset)
    phone.settle()
    #expect(visible(cpu) == nil)
    cpu.trap(0x07)
    #expect(cpu.vectors.allSatisfy { $0 == 0 })
  }
}
