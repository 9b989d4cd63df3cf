/// Whether every VM of a phone can get its turn, whatever the others do.
struct FairShares {
  private let machines: [(layout: MachineLayout, place: SourcePlace)]

  /// - Parameter places: where each VM stands in its file, for messages.
  init(_ machines: [MachineLayout], _ places: [SourcePlace]) {
    self.machines = Array(zip(machines, places))
  }

  /// - Throws: `InputError` that names the VMs.
  func check() throws {
    for machine in machines { try checkRank(of: machine.layout, at: machine.place) }
    let cpus = machines.flatMap(\.layout.placement)
    for cpu in Set(cpus).sorted() { try checkSum(on: cpu) }
  }

  /// Who is served first must leave something over. On any CPUs: a board with fewer shares them otherwise.
  private func checkRank(of machine: MachineLayout, at place: SourcePlace) throws {
    guard machine.budget.map({ $0.percent == 100 }) ?? true else { return }
    guard let lower = machines.first(where: { $0.layout.priority < machine.priority })?.layout else { return }
    throw InputError(
      """
      VM `\(machine.name)` has priority \(machine.priority), above VM `\(lower.name)` with \(lower.priority): \
      it needs a `budget` below 100%, or it could take all the time
      """, at: place)
  }

  private func checkSum(on cpu: Int) throws {
    let sharing = machines.filter { $0.layout.budget != nil && $0.layout.placement.contains(cpu) }
    let sum = sharing.reduce(0) { $0 + ($1.layout.budget?.percent ?? 0) }
    guard sum > 100, let last = sharing.last else { return }
    let list = sharing.map { "`\($0.layout.name)` \($0.layout.budget?.percent ?? 0)%" }.joined(separator: ", ")
    throw InputError("the budgets on CPU \(cpu) are \(sum)% together, more than 100%: \(list)", at: last.place)
  }
}
