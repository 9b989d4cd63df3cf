/// The tables of ARMv7 without virtualization extensions, for the terminal and as a section of
/// Documentation/Benchmarks.md.
struct NarrowReport {
  private let figures: NarrowFigures

  init(_ figures: NarrowFigures) { self.figures = figures }

  static let heading = "## ARMv7 without virtualization extensions"

  /// A row: what Xvisor's last version needs, and what is to be reached; nil where there is none.
  private struct Row {
    let name: String
    let key: String
    var xvisor: String?
    var limit: Double?

    init(_ name: String, _ key: String, _ xvisor: String? = nil, _ limit: Double? = nil) {
      self.name = name
      self.key = key
      self.xvisor = xvisor
      self.limit = limit
    }
  }

  private static let operations = [
    Row("MRS CPSR", "status-read", "448", 12),
    Row("MRS, CPSID, MSR: interrupts off and on", "interrupts-off-on", "1372", 40),
    Row("TTBR0 write", "table-write", "510", 200), Row("CONTEXTIDR write", "context-write", "510", 200),
    Row("TLBIMVA, a page nobody touched", "tlb-page", "510", 200),
    Row("GICD_TYPER read", "distributor-type-read", "1000–1160", 350),
    Row("GICC_PMR read", "priority-mask-read", "1000–1160", 350),
    Row("SP804 value read", "timer-read", "1000–1160", 350),
    Row("SVC of User mode → kernel → User mode", "system-call", "1861", 250),
    Row("data abort in the kernel, and back", "kernel-abort", "2523", 500),
    Row("data abort in User mode, and back", "user-abort", "2523", 500),
    Row("first touch of a page, of 512 KiB", "fill-512k", "2187", 700),
    Row("first touch of a page, of 2 MiB", "fill-2m", "> 2187", 700),
    Row("timer tick in User mode", "tick-user", "11,926", 1500),
    Row("timer tick in the kernel", "tick-kernel", "11,926", 1500),
    Row("instruction of user code", "user-code", "1", 1),
    Row("SVC, all registers saved", "system-call-saving"), Row("LDM, STM of User mode's SP, LR", "user-bank"),
    Row("MSR SPSR", "saved-status-write"), Row("BL, BX LR", "call-return"),
    Row("BL, PUSH, POP PC", "call-push-pop"),
    Row("LDREX, STREX", "exclusive-access"), Row("LDRT", "user-load"),
    Row("DACR: closed, opened", "domains-close-open"),
    Row("TPIDRURO write", "thread-write"), Row("change of the address space, one load", "space-change"),
    Row("load of a page, TLBIMVA", "tlb-page-touch"), Row("load of a section, TLBIMVA", "tlb-section-touch"),
    Row("the same 4 MiB from code", "tlb-4m-from-code"), Row("TLBIASID", "tlb-space"),
    Row("TLBIALL", "tlb-all"),
  ]

  private static let system = [
    Row("system call: 1 byte into a pipe and out", "write-read", "23.5", 3),
    Row("empty system call", "system-calls"), Row("fork, exec, wait", "fork-exec", "11.6", 4),
    Row("kernel's clock → init", "start", "2.45", 2), Row("machine's start → init", "board-start"),
    Row("pipe, two processes", "pipe"), Row("first touch of a page", "first-touch"), Row("md5sum", "md5sum"),
    Row("gzip", "gzip"), Row("shell loop", "shell-loop"), Row("shell pipes", "shell-pipes"),
    Row("console, per character", "console"),
  ]

  var text: String {
    let tables = [("One operation, ARMv7", operationTable), ("Debian armhf, ARMv7", systemTable)]
    return tables.map { "\($0) (instructions)\n\n\($1.markdown)" }.joined(separator: "\n\n")
  }

  var section: String {
    """
    \(Self.heading)

    On QEMU's `\(NarrowMachine.board)`, a Cortex-A9, where one instruction is a nanosecond, too. Natively the same guest
    runs in the privileged modes. Xvisor is its last version for such CPUs.

    Operations of a small kernel (`Guests/ARMv7/Bench.S`, its names in [Guests](../Guests/README.md)), by an SP804 of
    1 MHz: 800 to 200,000 of each, loop subtracted. "first touch" is what User mode pays for each page after TLBIALL. A
    tick is what a busy loop loses by an interrupt of the SP804 and its handler.

    \(operationTable.markdown)

    Debian's unmodified `armmp` kernel with an initramfs of `Guests/Linux/Workload.c` and busybox, \(Settings.linuxMemory)
    MiB. Natively it gets the guest's device tree, with its devices where the board has them. "kernel's clock" begins with
    the SP804, after the kernel has set up its memory; "machine's start" has the decompressor in it, and the hypervisor's
    own start (the board's counter, read at the first instruction of user space). Programs run once, of the others it is
    one round.

    \(systemTable.markdown)
    """
  }

  private var operationTable: TextTable {
    var table = TextTable(["operation", "native", "Pocketvisor", "Xvisor", "to reach", "reached"])
    for row in Self.operations {
      let ours = figures.guest[row.key]
      table.add([
        row.name, FigureText.figure(figures.native[row.key]), FigureText.figure(ours), row.xvisor ?? "–",
        row.limit.map { "≤ \(FigureText.figure($0))" } ?? "–", verdict(ours, row.limit, tolerance: 0.005),
      ])
    }
    return table
  }

  private var systemTable: TextTable {
    var table = TextTable(["item", "native", "Pocketvisor", "ratio", "Xvisor", "to reach", "reached"])
    for row in Self.system {
      let (native, ours) = (figures.native[row.key], figures.guest[row.key])
      let ratio = native.flatMap { native in ours.map { $0 / native } }
      table.add([
        row.name, FigureText.figure(native), FigureText.figure(ours), FigureText.ratio(ratio),
        row.xvisor ?? "–",
        row.limit.map { "≤ \(FigureText.figure($0))" } ?? "–", verdict(ratio, row.limit),
      ])
    }
    return table
  }

  /// - Parameter tolerance: how precise the value is.
  private func verdict(_ value: Double?, _ limit: Double?, tolerance: Double = 0) -> String {
    guard let value, let limit else { return "–" }
    return value <= limit + tolerance ? "yes" : "no"
  }
}
