import ControlProtocol
import Foundation

/// What can be asked of a running phone.
struct PhoneControl {
  let client: ControlClient
  /// Ticks of the counter in a second.
  let frequency: UInt64
  private let count: UInt8

  /// VMs that a phone may have.
  private static let limit: UInt8 = 8

  /// - Throws: `InputError` when its device server does not answer, or makes no sense.
  init(_ client: ControlClient) throws {
    self.client = client
    let answer = try client.ask(ControlMessage(.hello)).message
    frequency = answer.number
    count = answer.machine
    guard (1...Self.limit).contains(count), (1...1 << 40).contains(frequency) else {
      throw InputError("the device server makes no sense: \(count) VMs, a counter of \(frequency) Hz")
    }
  }

  init(_ phone: RunningPhone) throws { try self.init(ControlClient(phone)) }

  /// All VMs, by place.
  func machines() throws -> [MachineStatus] { try (0..<count).compactMap(status) }

  private func status(_ place: UInt8) throws -> MachineStatus? {
    MachineStatus(place, try client.ask(ControlMessage(.describe, machine: place)))
  }

  /// The VM with this name.
  /// - Throws: `InputError` that names those that there are.
  func machine(_ name: String) throws -> MachineStatus {
    let machines = try machines()
    if let found = machines.first(where: { $0.name == name }) { return found }
    let names = machines.map(\.name)
    let meant = Spelling.nearest(to: name, among: names).map { "; did you mean `\($0)`?" } ?? ""
    throw InputError("the phone has no VM `\(name)`, but \(names.joined(separator: ", "))\(meant)")
  }

  /// Asks for something to be done to a VM.
  /// - Throws: `InputError` with `refusal` where it is not possible.
  func command(_ kind: ControlKind, _ machine: MachineStatus, refusal: String) throws {
    let status = try client.ask(ControlMessage(kind, machine: machine.place)).message.status
    switch status {
    case .done: return
    case .notPossible: throw InputError(refusal)
    default: throw InputError("the device server does not know how; it is of another version than this tool")
    }
  }

  /// Waits until a VM is as wanted.
  /// - Returns: how it is then, or when the time is over.
  func wait(for machine: MachineStatus, within limit: Duration, until isWanted: (MachineStatus) -> Bool) throws
    -> MachineStatus
  {
    let end = ContinuousClock.now + limit
    while true {
      let now = try status(machine.place) ?? machine
      if isWanted(now) || ContinuousClock.now > end { return now }
      if let signal = Signals.pending { throw InputError("ended by signal \(signal)") }
      Thread.sleep(forTimeInterval: 0.02)
    }
  }

  /// What a VM's console printed, from a position on.
  /// - Returns: the bytes, and the position of the first of them; fewer than there are.
  func log(_ machine: MachineStatus, from position: UInt64) throws -> (position: UInt64, bytes: [UInt8]) {
    let request = ControlMessage(.log, machine: machine.place, number: position)
    let answer = try client.ask(request)
    guard answer.message.status == .done else { throw Self.noConsole(machine) }
    return (answer.message.number, answer.bytes)
  }

  /// Has what a VM's console prints from now on sent as output.
  /// - Returns: the position of the first byte.
  func watch(_ machine: MachineStatus) throws -> UInt64 {
    let request = ControlMessage(.watch, machine: machine.place, number: machine.report.printed)
    let answer = try client.ask(request).message
    guard answer.status == .done else { throw Self.noConsole(machine) }
    return answer.number
  }

  /// Types at a VM's console.
  /// - Returns: how many of the bytes were taken.
  func type(_ bytes: ArraySlice<UInt8>, at machine: MachineStatus) throws -> Int {
    let part = Array(bytes.prefix(ControlMessage.payloadLimit))
    let answer = try client.ask(ControlMessage(.input, machine: machine.place), part).message
    guard answer.status == .done else { throw Self.noConsole(machine) }
    return min(Int(clamping: answer.number), part.count)
  }

  private static func noConsole(_ machine: MachineStatus) -> InputError {
    InputError(
      "VM `\(machine.name)` has no console of the device server (`console: true` in its `devices`); what it prints "
        + "goes to the terminal of `pocketvisor run`")
  }
}
