import ControlProtocol

/// What VMs cost between two looks at them.
struct LoadTable {
  let machines: [MachineStatus]
  /// The same VMs earlier; none at the first look.
  let earlier: [MachineStatus]
  /// Ticks of the counter in a second.
  let frequency: UInt64

  /// The table, the VM that costs most first.
  var lines: [String] {
    let header = ["VM", "STATE", "CPU %", "CPU TIME", "EXITS/s", "MEMORY", "SCREEN"]
    let rows = machines.map { (machine: $0, load: load(of: $0)) }.sorted { $0.load > $1.load }.map { row in
      [
        row.machine.name, row.machine.state, Self.percent(row.load), time(of: row.machine),
        String(exits(of: row.machine)), row.machine.memory, row.machine.report.isInFront ? "in front" : "",
      ]
    }
    return [processors] + TextTable.lines([header] + rows, numbers: [2, 3, 4, 5])
  }

  /// How much of each CPU the VMs have.
  private var processors: String {
    let used = (0..<MachineReport.processorLimit).filter { cpu in
      machines.contains { $0.report.ticks[cpu] != 0 }
    }
    let shares = used.map { cpu in
      let load = machines.reduce(0.0) { $0 + self.load(of: $1) { $0.report.ticks[cpu] } }
      return "CPU \(cpu) \(Self.percent(load)) %"
    }
    return shares.joined(separator: ", ")
  }

  private func previous(of machine: MachineStatus) -> MachineStatus? {
    earlier.first { $0.place == machine.place && $0.counter < machine.counter }
  }

  /// Per cent of one CPU since the earlier look; since the counter began to count, at the first one.
  private func load(of machine: MachineStatus, _ ticks: (MachineStatus) -> UInt64 = \.ticks) -> Double {
    let previous = previous(of: machine)
    let passed = machine.counter &- (previous?.counter ?? 0)
    let had = ticks(machine) &- (previous.map(ticks) ?? 0)
    return passed == 0 ? 0 : 100 * Double(had) / Double(passed)
  }

  private func exits(of machine: MachineStatus) -> UInt64 {
    let previous = previous(of: machine)
    let passed = Double(machine.counter &- (previous?.counter ?? 0)) / Double(frequency)
    let had = machine.report.exits &- min(previous?.report.exits ?? 0, machine.report.exits)
    return passed == 0 ? 0 : UInt64(clamping: Int64(exactly: (Double(had) / passed).rounded()) ?? 0)
  }

  private func time(of machine: MachineStatus) -> String { Self.time(machine.ticks, frequency) }

  /// Minutes, seconds and hundredths.
  static func time(_ ticks: UInt64, _ frequency: UInt64) -> String {
    let seconds = ticks / frequency
    let hundredths = ticks % frequency &* 100 / frequency
    return "\(seconds / 60):\(padded(seconds % 60)).\(padded(hundredths))"
  }

  private static func padded(_ number: UInt64) -> String { number < 10 ? "0\(number)" : String(number) }

  private static func percent(_ load: Double) -> String {
    let tenths = UInt64(clamping: Int64(exactly: (load * 10).rounded()) ?? 0)
    return "\(tenths / 10).\(tenths % 10)"
  }
}
