import Testing

@testable import HostCommands

/// Exact, because the board counts instructions.
@Suite(.enabled(if: Repository.isBuilt)) struct BudgetTests {
  /// A VM with a budget of 40% gets just that, whatever the other VM does on its CPU, or to its CPU from another one.
  @Test(arguments: ["spin", "hypercalls", "registers", "interrupts", "distributor", "cpus"], [1, 2])
  func budget(beside mode: String, cpus: Int) throws {
    let phone = PhoneText.phone(
      PhoneText.guest(
        "load", as: "meter", "mode=measure every=50 windows=3 stretch=\(cpus == 1 ? 20 : 1000)",
        more: ", priority: 1, budget: 40%"),
      PhoneText.guest("load", as: "attacker", "mode=\(mode)", cpus: 2))
    let recording = try EmulatedBoard(cpus: cpus, countsInstructions: true).run(
      phone: phone, script: Script(until: ["load: done"]))
    #expect(recording.missing.isEmpty, "\(recording.tail)")
    let shares = recording.output.matches(of: /load: ([0-9]+) per mille/).compactMap { Int($0.1) }
    #expect(shares.count == 3)
    #expect(shares.allSatisfy { (390...410).contains($0) }, "\(shares)")
  }
}
