import ArmArchitecture
import Testing

@testable import Hypervisor

extension ScriptedPhone {
  /// Lets the clock run in steps of 10 µs.
  /// - Returns: the share of the time that a CPU was in each virtual CPU.
  func shares(over ticks: UInt64, cpu: Int = 0) -> [String: Double] {
    var counts: [String: Double] = [:]
    let steps = ticks / 10
    for _ in 0..<steps {
      counts[running[cpu] ?? "asleep", default: 0] += 1
      advance(10)
    }
    return counts.mapValues { $0 / Double(steps) }
  }

  /// Goes on with a virtual CPU (`work.0`), by letting the others' turns pass.
  func bring(_ name: String) throws -> ScriptedMachine {
    for _ in 0..<20 where !running.contains(name) { advance(4_000) }
    return cpus[try #require(running.firstIndex(of: name), "\(name) does not run")]
  }
}

/// A VM's share of a CPU.
@Suite(.reportsHangs) struct BudgetTests {
  /// 10 ms at the scripted frequency of 1 MHz.
  private let period: UInt64 = 10_000

  private func isNear(_ share: Double?, _ expected: Double) -> Bool { abs((share ?? 0) - expected) <= 0.01 }

  /// Ticks until the first VM gets its next budget on CPU 0.
  private func restOfThePeriod(_ phone: ScriptedPhone) -> UInt64 {
    (phone.cpus[0].core?.cpu.value.periodEnd[0] ?? 0) - phone.board.clock
  }

  private func urgent(_ budget: Int = 40, cpus: Int = 1, placement: [Int]? = nil) -> ScriptedVM {
    ScriptedVM(name: "high", cpus: cpus, priority: 2, placement: placement, budget: budget)
  }

  /// One that spins and one that is less urgent: each gets its part.
  @Test(arguments: [1, 10, 40, 90]) func aboveALowerPriority(percent: Int) throws {
    let phone = try ScriptedPhone([urgent(percent), ScriptedVM(name: "low")]).start()
    let shares = phone.shares(over: period * 20)
    #expect(isNear(shares["high.0"], Double(percent) / 100), "\(shares)")
    #expect(isNear(shares["low.0"], 1 - Double(percent) / 100), "\(shares)")
    #expect(shares["asleep"] == nil)
  }

  @Test func besideAnEqual() throws {
    let phone = try ScriptedPhone([ScriptedVM(name: "a", budget: 40), ScriptedVM(name: "b")]).start()
    let shares = phone.shares(over: period * 20)
    #expect(isNear(shares["a.0"], 0.4), "\(shares)")
    #expect(isNear(shares["b.0"], 0.6), "\(shares)")
  }

  @Test func severalBudgets() throws {
    let machines = [
      ScriptedVM(name: "a", priority: 3, budget: 20, period: 5), ScriptedVM(name: "b", priority: 2, budget: 30),
      ScriptedVM(name: "c"),
    ]
    let shares = try ScriptedPhone(machines).start().shares(over: period * 20)
    #expect(isNear(shares["a.0"], 0.2), "\(shares)")
    #expect(isNear(shares["b.0"], 0.3), "\(shares)")
    #expect(isNear(shares["c.0"], 0.5), "\(shares)")
  }

  /// Among equals a budget is a bound: whose turn comes late gets less, never more.
  @Test func aBoundAmongEquals() throws {
    let machines = [
      ScriptedVM(name: "a", budget: 20, period: 5), ScriptedVM(name: "b", budget: 30), ScriptedVM(name: "c"),
    ]
    let shares = try ScriptedPhone(machines).start().shares(over: period * 20)
    #expect((0.1...0.21).contains(shares["a.0"] ?? 0), "\(shares)")
    #expect((0.2...0.31).contains(shares["b.0"] ?? 0), "\(shares)")
    #expect(shares["asleep"] == nil)
  }

  /// Alone it does not get more, and the CPU sleeps.
  @Test func alone() throws {
    let phone = try ScriptedPhone([ScriptedVM(name: "work", budget: 40)]).start()
    let shares = phone.shares(over: period * 20)
    #expect(isNear(shares["work.0"], 0.4), "\(shares)")
    #expect(isNear(shares["asleep"], 0.6), "\(shares)")
  }

  /// `WFI` of a VM with a budget is not spent: the CPU is given away even where nobody else is ready.
  @Test func waitingIsTrapped() throws {
    let phone = try ScriptedPhone([ScriptedVM(name: "work", budget: 40)]).start()
    #expect(phone.cpus[0][.configuration] & (1 << 13) != 0)
  }

  @Test func theWholeTimeIsNoBound() throws {
    let phone = try ScriptedPhone([ScriptedVM(name: "work", budget: 100)]).start()
    #expect(isNear(phone.shares(over: period * 10)["work.0"], 1))
  }

  /// What a VM used too much, because nobody could interrupt it in time, it lacks in the periods that follow.
  @Test func anOverrunIsTakenFromTheNextPeriods() throws {
    let phone = try ScriptedPhone([urgent(), ScriptedVM(name: "low")]).start()
    #expect(phone.running == ["high.0"])
    phone.advance(8_000)
    #expect(phone.running == ["low.0"])
    let second = phone.shares(over: restOfThePeriod(phone) + period - 20)
    #expect(second["high.0"] == nil, "the second period is used up: \(second)")
    phone.advance(40)
    #expect(phone.running == ["high.0"])
    #expect(isNear(phone.shares(over: period * 10)["high.0"], 0.4))
  }

  /// Interrupting by its own exits does not help it.
  @Test func exitsAreCharged() throws {
    let phone = try ScriptedPhone([urgent(), ScriptedVM(name: "low")]).start()
    var high = 0
    for _ in 0..<(period * 20 / 10) {
      if phone.running == ["high.0"] { high += 1 }
      phone.cpus[0].call(FirmwareFunction.version)
      phone.cpus[0].trap(0x01, 1)
      phone.advance(10)
    }
    #expect(isNear(Double(high) / Double(period * 20 / 10), 0.4), "\(high)")
  }

  /// Nobody pays while the CPU sleeps: afterwards the rest of the budget is there.
  @Test func sleepIsChargedToNobody() throws {
    let phone = try ScriptedPhone([ScriptedVM(name: "work", budget: 40)]).start()
    let cpu = phone.cpus[0]
    cpu.enableInterrupts()
    phone.advance(1_000)
    cpu.setVirtualTimer(phone.board.clock + 5_000)
    cpu.waitForever()
    #expect(phone.running == [nil])
    phone.advance(5_000)
    #expect(phone.running == ["work.0"])
    #expect(cpu.core?.cpu.value.spent[0] == 1_000)
  }

  @Test func everyCPUHasItsOwn() throws {
    let phone = try ScriptedPhone(
      [urgent(30, cpus: 2, placement: [0, 1]), ScriptedVM(name: "low", cpus: 2, placement: [0, 1])], cpus: 2
    ).start()
    phone.cpus[0].call(FirmwareFunction.cpuOn, 1, 0x4020_0000, 0)
    try phone.bring("low.0").call(FirmwareFunction.cpuOn, 1, 0x4020_0000, 0)
    #expect(isNear(phone.shares(over: period * 50, cpu: 0)["high.0"], 0.3))
    #expect(isNear(phone.shares(over: period * 50, cpu: 1)["high.1"], 0.3))
    // Asleep on one CPU, it has no more on the other.
    try phone.bring("high.0").waitForever()
    let shares = phone.shares(over: period * 50, cpu: 1)
    #expect(isNear(shares["high.1"], 0.3), "\(shares)")
    #expect(isNear(shares["low.1"], 0.7), "\(shares)")
  }

  /// Two virtual CPUs of a VM on one CPU share its budget there.
  @Test func siblingsShareIt() throws {
    let phone = try ScriptedPhone([urgent(40, cpus: 2, placement: [0, 0]), ScriptedVM(name: "low")]).start()
    phone.cpus[0].call(FirmwareFunction.cpuOn, 1, 0x4020_0000, 0)
    let shares = phone.shares(over: period * 20)
    #expect(isNear((shares["high.0"] ?? 0) + (shares["high.1"] ?? 0), 0.4), "\(shares)")
    #expect(isNear(shares["low.0"], 0.6), "\(shares)")
  }

  /// Loading and scrubbing for a VM is its own time; a restart gives it no new budget.
  @Test func restartsAreNoLoophole() throws {
    let phone = try ScriptedPhone([urgent(), ScriptedVM(name: "low")]).start()
    phone.advance(3_990)
    #expect(phone.running == ["high.0"])
    phone.cpus[0].call(FirmwareFunction.systemReset)
    phone.advance(20)
    #expect(phone.running == ["low.0"])
    #expect(phone.shares(over: restOfThePeriod(phone) - 20)["high.0"] == nil)
  }
}
