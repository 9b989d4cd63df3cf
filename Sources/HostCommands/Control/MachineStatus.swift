import ControlProtocol

/// A VM of a running phone, as its device server describes it.
struct MachineStatus: Equatable {
  /// Its place in the phone.
  var place: UInt8
  var name: String
  var report: MachineReport
  /// The counter when this was so.
  var counter: UInt64

  /// - Parameter received: what the device server answered; its words are not trusted to be printable.
  init?(_ place: UInt8, _ received: ReceivedMessage) {
    guard received.message.status == .done, let report = received.report else { return nil }
    self.place = place
    self.report = report
    counter = received.message.number
    let characters = (0..<16).map { report.name[$0] }.prefix { $0 != 0 }
    let isPrintable = !characters.isEmpty && characters.allSatisfy { (0x21...0x7E).contains($0) }
    name = isPrintable ? String(decoding: characters, as: UTF8.self) : "vm\(place)"
  }

  /// What a VM does: the phases of Documentation/DeviceServer.md.
  enum Phase: UInt8 {
    case stopped, loading, running, stopping, scrubbing, resting

    fileprivate var text: String {
      switch self {
      case .stopped: "stopped"
      case .loading: "loading"
      case .running: "running"
      case .stopping: "stopping"
      case .scrubbing: "scrubbing"
      case .resting: "waits to restart"
      }
    }
  }

  /// nil where the device server says one that this tool does not know.
  var phase: Phase? { Phase(rawValue: report.phase) }

  var state: String { report.isPaused ? "paused" : phase?.text ?? "unknown (\(report.phase))" }

  /// Ticks of the counter that it had on all CPUs.
  var ticks: UInt64 { (0..<MachineReport.processorLimit).reduce(0) { $0 &+ report.ticks[$1] } }

  var memory: String { MemorySize(bytes: report.memory).description }
}
