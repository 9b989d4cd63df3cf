/// The tables of virtio devices, for the terminal and as a section of Documentation/Benchmarks.md.
struct DeviceReport {
  private let devices: DeviceFigures

  init(_ devices: DeviceFigures) { self.devices = devices }

  static let heading = "## Virtio devices"

  private static let operations = [
    ("random read, 4 KiB", "read-4k"), ("random write, 4 KiB", "write-4k"),
    ("sequential read, 1 MiB", "read-1m-piece"), ("sequential write, 1 MiB", "write-1m-piece"),
    ("the same read, scattered", "read-1m"), ("the same write, scattered", "write-1m"), ("ping", "ping"),
    ("TCP, 64 KiB sent", "tcp-send"), ("TCP, 64 KiB received", "tcp-receive"),
  ]

  private static let consoles = [
    ("lines of 64", "hvc-line"), ("lines of 64, raw", "hvc-raw-line"), ("1 KiB at once, raw", "hvc-raw-block"),
  ]

  var text: String {
    let tables = [("Virtio devices", operations), ("Two personas at once", personas), ("Console, key", rest)]
    return tables.map { "\($0) (instructions)\n\n\($1.markdown)" }.joined(separator: "\n\n")
  }

  var section: String {
    """
    \(Self.heading)

    Instructions per operation of Debian's kernel with `Guests/Linux/Devices.c` on one CPU, its own, the steward's and
    the hypervisor's: natively on QEMU's virtio devices, and as a client of the steward, which drives the same ones and
    shares all of the client's memory, or only a DMA window that Linux bounces its buffers through. Disk: `O_DIRECT`, one
    operation after the other, a file on the host; 1 MiB from or to pages allocated in order, or scattered ones. Network:
    QEMU's user network; a ping of its gateway, and TCP to a server on the host, in `write` and `read` of 64 KiB.

    Waiting does not count, whoever waits: a process that only counts its own rounds has the CPU whenever the rest of
    the system sleeps (`SCHED_IDLE`, three instructions a round), and what it has counted is taken off; so is what a
    calm system does by the clock meanwhile, as measured for half a second before. So no CPU ever sleeps, and QEMU's
    clock never jumps to the next timer, as it does otherwise while the host reads its disk. The disk answers at most
    500 requests of 4 KiB a second, so that whoever asked sleeps when the answer comes: otherwise that, and a fifth of
    the figure, depends on the host's load. Everything else is as fast as the host; there the figures differ by some per
    cent from run to run, those of TCP by ten: they depend on how many frames come at once.

    \(operations.markdown)

    Two Debians that do the same at once: all instructions by the operations of both. Beside the same figure of one of
    them, while the other one sleeps. Here a VM below all others counts what nobody wants.

    \(personas.markdown)

    The console is `/dev/hvc0`, drained after each `write`. Linux makes a request of each: two of each line, unless the
    terminal is raw (no `OPOST`), as the carriage return is one of its own. "more" is what the guest spends beyond the
    same kernel on QEMU's own device. The time from key to screen is taken by a persona that looks at the clock all the
    time: the longest interruption of \(devices.interruptions.count) when the home key is pressed and released, from the
    interrupt of QEMU's keyboard until the steward sleeps again, the new picture shown.

    \(rest.markdown)
    """
  }

  private var operations: TextTable {
    var table = TextTable([
      "operation", "native", "share: all", "ratio", "share: window", "ratio", "to reach", "reached",
    ])
    for (name, key) in Self.operations {
      let (native, shared, window) = (devices.native[key], devices.shared[key], devices.window[key])
      let ratio = ratio(shared, native)
      table.add([
        name, FigureText.figure(native), FigureText.figure(shared), FigureText.ratio(ratio),
        FigureText.figure(window), FigureText.ratio(self.ratio(window, native)), "≤ 1.5", verdict(ratio, 1.5),
      ])
    }
    return table
  }

  private var personas: TextTable {
    var table = TextTable(["operation", "one", "two", "extra", "to reach", "reached"])
    for (name, key) in Self.operations {
      let (one, two) = (devices.personas["only." + key], devices.personas["both." + key])
      let extra = FigureText.percentage(one, two)
      table.add([
        name, FigureText.figure(one), FigureText.figure(two), FigureText.percent(extra), "≤ +20 %",
        verdict(extra, 20),
      ])
    }
    return table
  }

  private var rest: TextTable {
    var table = TextTable(["item", "native", "share: all", "more", "to reach", "reached"])
    for (name, key) in Self.consoles {
      let (native, shared) = (devices.native[key], devices.shared[key])
      let more = native.flatMap { native in shared.map { $0 - native } }
      table.add([
        "console, per character, \(name)", FigureText.figure(native), FigureText.figure(shared),
        FigureText.figure(more), "≤ 150", verdict(shared, 150),
      ])
    }
    let longest = devices.interruptions.max()
    table.add([
      "key → screen, at most", "–", FigureText.figure(longest), "–", "≤ 20,000", verdict(longest, 20_000),
    ])
    return table
  }

  private func ratio(_ value: Double?, _ base: Double?) -> Double? {
    value.flatMap { value in base.map { value / $0 } }
  }

  private func verdict(_ value: Double?, _ limit: Double) -> String {
    value.map { $0 <= limit ? "yes" : "no" } ?? "–"
  }
}
