/// Follows the VMs of a phone to user space and powers them off one after the other, as a person would.
struct SmokeListener: ConsoleListener {
  /// What was seen of one VM.
  struct Progress: Equatable {
    let name: String
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
  private let ready: String
  private let command: [UInt8]
  private var line: [UInt8] = []
  /// The VM that was last told to power off, and when.
  private var told: (machine: Int, time: Duration)?

  private static let recentCount = 40

  /// A shell that was not listening yet is told again after this long.
  private static let patience = Duration.seconds(20)

  /// - Parameters:
  ///   - ready: what a VM prints when it is up.
  ///   - command: the line to type at a VM that is up, to power it off.
  init(machines: [String], ready: String, command: String) {
    self.machines = machines.map { Progress(name: $0) }
    self.ready = ready
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
    return isLeftOn(at: time) ? .done : .goOn
  }

  /// The hypervisor powers the board off behind the last VM, which ends the session; whether it did not.
  private func isLeftOn(at time: Duration) -> Bool {
    let stops = machines.compactMap(\.stopped?.time)
    return stops.count == machines.count && time - (stops.max() ?? .zero) > Self.patience / 2
  }

  /// Reads one whole line: `NAME| text` while all are shown, and the hypervisor's own.
  private mutating func note(_ line: String, at time: Duration) {
    recentLines = recentLines.suffix(Self.recentCount - 1) + [line]
    for index in machines.indices {
      if line.hasPrefix("\(machines[index].name)|"), line.contains(ready), machines[index].up == nil {
        machines[index].up = time
      }
      let stop = "[pocketvisor] \(machines[index].name) stopped: "
      if line.hasPrefix(stop), machines[index].stopped == nil {
        machines[index].stopped = (time, String(line.dropFirst(stop.count)))
      }
    }
  }

  /// Once all are up, brings the first that still runs to the front and types the command.
  private mutating func tell(at time: Duration, type: ([UInt8]) -> Void) {
    guard machines.allSatisfy({ $0.up != nil || $0.stopped != nil }) else { return }
    guard let next = machines.firstIndex(where: { $0.stopped == nil }) else { return }
    if let told, told.machine == next, time - told.time < Self.patience { return }
    type([KeyFilter.escape, UInt8(ascii: "1") + UInt8(next)])
    type(command)
    told = (next, time)
  }
}
