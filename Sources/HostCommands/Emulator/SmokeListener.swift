/// Waits until all VMs of a phone are up, and powers off those with a shell, one after the other, as a person
/// would.
struct SmokeListener: ConsoleListener {
  /// What was seen of one VM.
  struct Progress: Equatable {
    let name: String
    /// What it prints when it is up.
    let ready: String
    /// Whether a command powers it off; others stop or stay as they like.
    let hasShell: Bool
    /// When it printed that it is up.
    var up: Duration?
    /// When it stopped, and what the hypervisor said about it.
    var stopped: (time: Duration, reason: String)?

    static func == (left: Progress, right: Progress) -> Bool {
      left.name == right.name && left.up == right.up && left.stopped?.reason == right.stopped?.reason
    }
  }

  private(set) var machines: [Progress]
  /// The last lines of the console, for a person to read when something went wrong.
  private(set) var recentLines: [String] = []
  private let command: [UInt8]
  private var line: [UInt8] = []
  /// The VM that was last told to power off, and when.
  private var told: (machine: Int, time: Duration)?

  private static let recentCount = 40

  /// A shell that was not listening yet is told again after this long.
  private static let patience = Duration.seconds(20)

  /// - Parameters:
  ///   - machines: names, and what those without a shell print when they are up.
  ///   - ready: what the others print.
  ///   - command: the line to type at those, to power them off.
  init(machines: [(name: String, ready: String?)], ready: String, command: String) {
    self.machines = machines.map {
      Progress(name: $0.name, ready: $0.ready ?? ready, hasShell: $0.ready == nil)
    }
    self.command = Array(command.utf8) + [UInt8(ascii: "\r")]
  }

  mutating func heard(_ bytes: ArraySlice<UInt8>, at time: Duration, type: ([UInt8]) -> Void) -> ConsoleVerdict
  {
    for byte in bytes where byte != UInt8(ascii: "\r") {
      if byte == UInt8(ascii: "\n") {
        note(String(decoding: line, as: UTF8.self), at: time)
        line = []
      } else {
        line.append(byte)
      }
    }
    tell(at: time, type: type)
    return isOver(at: time) ? .done : .goOn
  }

  /// Whether nothing more is to be seen. The hypervisor powers the board off behind the last VM, which ends the
  /// session; unless a service runs on, or it fails to.
  private func isOver(at time: Duration) -> Bool {
    guard machines.allSatisfy({ $0.stopped != nil || $0.up != nil && !$0.hasShell }) else { return false }
    let stops = machines.compactMap(\.stopped?.time)
    return stops.count < machines.count || time - (stops.max() ?? .zero) > Self.patience / 2
  }

  /// Reads one whole line: `NAME| text` while all are shown, and the hypervisor's own.
  private mutating func note(_ line: String, at time: Duration) {
    recentLines = recentLines.suffix(Self.recentCount - 1) + [line]
    for index in machines.indices {
      if line.hasPrefix("\(machines[index].name)|"), line.contains(machines[index].ready),
        machines[index].up == nil
      {
        machines[index].up = time
      }
      let stop = "[pocketvisor] \(machines[index].name) stopped: "
      if line.hasPrefix(stop), machines[index].stopped == nil {
        machines[index].stopped = (time, String(line.dropFirst(stop.count)))
      }
    }
  }

  /// Once all are up, brings the first with a shell that still runs to the front and types the command.
  private mutating func tell(at time: Duration, type: ([UInt8]) -> Void) {
    guard machines.allSatisfy({ $0.up != nil || $0.stopped != nil }) else { return }
    guard let next = machines.firstIndex(where: { $0.hasShell && $0.stopped == nil }) else { return }
    if let told, told.machine == next, time - told.time < Self.patience { return }
    type([KeyFilter.escape, UInt8(ascii: "1") + UInt8(next)])
    type(command)
    told = (next, time)
  }
}
