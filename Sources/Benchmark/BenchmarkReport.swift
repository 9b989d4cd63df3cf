import Foundation

/// The tables, for the terminal and as Documentation/Benchmarks.md.
struct BenchmarkReport {
  private let run: BenchmarkRun

  init(_ run: BenchmarkRun) { self.run = run }

  var text: String {
    switch run.settings.onlySection {
    case .devices: return ([DeviceReport(run.devices).text] + failures).joined(separator: "\n\n")
    case .narrow: return ([NarrowReport(run.narrow).text] + failures).joined(separator: "\n\n")
    case nil: break
    }
    var parts = ["One exit (instructions)", exits.markdown]
    if run.settings.measuresLinux {
      parts += ["A whole system, Debian arm64", system.markdown, workload.markdown]
      parts.append(DeviceReport(run.devices).text)
    }
    parts.append(NarrowReport(run.narrow).text)
    parts += ["Budgets (per mille)", shares.markdown]
    if let memory = run.hypervisorMemory { parts.append(memory) }
    return (parts + failures).joined(separator: "\n\n")
  }

  private var failures: [String] { run.failures.map { "not measured: \($0)" } }

  /// The document with what was measured in it; `old` is its text so far, of which what was not measured stays.
  func document(replacing old: String) -> String {
    switch run.settings.onlySection {
    case .devices: Self.replace(DeviceReport.heading, in: old, by: DeviceReport(run.devices).section)
    case .narrow: Self.replace(NarrowReport.heading, in: old, by: NarrowReport(run.narrow).section)
    case nil: document
    }
  }

  /// The document with another section, which goes before the last one if there was none.
  static func replace(_ heading: String, in old: String, by section: String) -> String {
    guard let start = old.range(of: heading + "\n") else {
      guard let last = old.range(of: "\n## ", options: .backwards) else { return old }
      return old.replacingCharacters(in: last.lowerBound..<last.lowerBound, with: "\n\(section)\n")
    }
    let end = old.range(of: "\n## ", range: start.upperBound..<old.endIndex)?.lowerBound ?? old.endIndex
    return old.replacingCharacters(in: start.lowerBound..<end, with: section + "\n")
  }

  private var document: String {
    """
    # Benchmarks

    Written by `make bench`; do not edit. All on QEMU's `\(run.settings.cpu)` with `-accel tcg,thread=single
    -icount shift=0,sleep=off`: one instruction is one nanosecond of virtual time, so differences of CNTVCT
    (16 instructions a tick) count instructions, the hypervisor's included. Lower is better. "native" is the
    same guest at EL1 without a hypervisor, measured in the same run.

    ## One exit, AArch64

    From the operation to the guest's next instruction, averaged over 20,000 rounds (1,600 for the waits, 2,000
    for the IPI), unrolled loops, loop and moves subtracted (`Guests/Sources/Bench`, `GuestMachine/Measure.S`).
    The PL011 row is the flag register of the virtual UART. "entry" is from the first instruction of the
    hypervisor to the first of a guest of a few KB: a kernel is copied from the image at every start, 33 MB of
    Linux cost more.

    \(exits.markdown)

    ## A whole system, Debian arm64

    Debian's kernel with an initramfs of `Guests/Linux/Workload.c` and busybox, \(Settings.linuxMemory) MiB.
    Natively it gets the same device tree as the guest: with `virt`'s own, which has more devices, the kernel
    alone spends 30 million instructions more. "start" is from the machine's start to the first instruction of
    user space, with the hypervisor's own start and its copy of the 33 MB kernel.

    \(system.markdown)

    The parts (instructions for one round; programs run once):

    \(workload.markdown)

    \(DeviceReport(run.devices).section)

    \(NarrowReport(run.narrow).section)

    ## Budgets

    A VM above the others with a budget of 40 % of the CPU measures for itself how much it gets, in windows of 50 ms
    (`Guests/Sources/Load`), beside a VM with two virtual CPUs: both on the same CPU, or one there and one on another.

    \(shares.markdown)

    \(notes)
    """
  }

  private var shares: TextTable {
    var table = TextTable(["the other VM", "CPUs", "budget", "least", "most"])
    for share in run.shares {
      let (least, most) = (share.measured.min() ?? 0, share.measured.max() ?? 0)
      table.add([share.attack, String(share.cpus), "400", String(least), String(most)])
    }
    return table
  }

  private var notes: String {
    let memory = run.hypervisorMemory.map { "RAM of the hypervisor, as it reports: `\($0)`\n" } ?? ""
    return memory + run.failures.map { "Not measured: \($0)\n" }.joined()
  }

  /// The figures of the table of exits.
  private var exits: TextTable {
    var table = TextTable(["operation", "native", "Pocketvisor"] + Peers.exitNames + ["to reach", "reached"])
    for row in Peers.exits {
      let ours = row.key == "entry" ? entry : run.guest[row.key]
      let native = row.key == "entry" ? nil : run.native[row.key]
      let verdict = ours.map { $0 <= row.target ? "yes" : "no" } ?? "–"
      table.add(
        [row.name, FigureText.figure(native), FigureText.figure(ours)] + row.peers + [
          "≤ \(FigureText.figure(row.target))", verdict,
        ])
    }
    return table
  }

  /// Instructions from the machine's start to a guest's first instruction, less those of a native start.
  private var entry: Double? {
    guard let guest = run.guest["entry-ticks"] else { return nil }
    let offset = run.guest["clock-offset-ticks"] ?? 0
    return (guest + offset - (run.native["entry-ticks"] ?? 0)) * 16
  }

  private var system: TextTable {
    var table = TextTable([
      "item", "native", "Pocketvisor", "extra", "KVM A57", "Xen A57", "to reach", "reached",
    ])
    let keys = Peers.workloadKeys
    table.add(
      ratio(
        "processes, system calls, pipes, md5sum, gzip, shell", run.native.total(of: keys),
        run.guest.total(of: keys), ["+0.66 %", "+1.12 %"], limit: 0.3))
    table.add(
      ratio("start → user space", run.native["start"], run.guest["start"], ["+2.67 %", "+4.51 %"], limit: 1))
    table.add(touch)
    table.add(absolute("console, per character", "console", ["32,000", "1,600"], limit: 300))
    table.add(absolute("pipe ping across CPUs, per round", "pipe-across", ["32,200", "–"], limit: 23_000))
    return table
  }

  private func ratio(_ name: String, _ native: Double?, _ ours: Double?, _ peers: [String], limit: Double)
    -> [String]
  {
    let extra = FigureText.percentage(native, ours)
    let verdict = extra.map { $0 <= limit ? "yes" : "no" } ?? "–"
    return [name, FigureText.millions(native), FigureText.millions(ours), FigureText.percent(extra)] + peers + [
      "≤ +\(limit) %", verdict,
    ]
  }

  private func absolute(_ name: String, _ key: String, _ peers: [String], limit: Double) -> [String] {
    let native = run.native[key]
    let ours = run.guest[key]
    let verdict = ours.map { $0 <= limit ? "yes" : "no" } ?? "–"
    let extra = FigureText.percent(FigureText.percentage(native, ours))
    return [name, FigureText.figure(native), FigureText.figure(ours), extra] + peers + [
      "≤ \(FigureText.figure(limit))", verdict,
    ]
  }

  /// Pages are given to a VM at its start, so that touching one costs nothing more.
  private var touch: [String] {
    let native = run.native["first-touch"]
    let ours = run.guest["first-touch"]
    let extra = native.flatMap { native in ours.map { $0 - native } }
    let verdict = extra.map { $0 < 10 ? "yes" : "no" } ?? "–"
    return [
      "first touch of a page", FigureText.figure(native), FigureText.figure(ours), FigureText.figure(extra),
      "640", "91", "0", verdict,
    ]
  }

  private var workload: TextTable {
    var table = TextTable(["part", "native", "Pocketvisor", "extra"])
    for key in Peers.workloadKeys + ["first-touch", "console", "pipe-across", "start"] {
      let native = run.native[key]
      let ours = run.guest[key]
      table.add([
        key, FigureText.figure(native), FigureText.figure(ours),
        FigureText.percent(FigureText.percentage(native, ours)),
      ])
    }
    return table
  }
}
