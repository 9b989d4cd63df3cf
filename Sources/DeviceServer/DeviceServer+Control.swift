// What the host's tool asks for (DeviceServer.md, "Control channel"). Whatever arrives, the server answers what makes sense
// and drops the rest; an answer that there is no room for keeps that line's next request waiting, and nothing else.

import Appliance
import ControlProtocol
import Virtio

extension DeviceServer {
  /// Bytes of one line that are looked at in a turn.
  private static var inputLimit: Int { 1024 }

  /// Starts the line to the host, if the board has one.
  mutating func startControl() {
    guard let device = board.device(DeviceKind.console, of: machine) else { return }
    do {
      control = try ControlDevice(
        DriverTransport(machine.registers(at: device.address)), interrupt: device.event, arena: &arena
      ).flatMap { arena.take(of: $0) }
    } catch {
      return report("control", error)
    }
    guard control != nil else { return report("no memory for the line to the host") }
    if device.interrupt != 0 { machine.enable(interrupt: device.interrupt) }
  }

  /// Answers what the host asked since the last turn.
  mutating func pollControl() {
    guard let control else { return }
    control.value.takeEvents()
    for port in 0..<4 where control.value.ports[port].isNamed {
      control.value.ports[port].reclaim()
      listen(port, control)
    }
  }

  /// Sends what watched consoles have printed.
  mutating func finishControl() {
    guard let control else { return }
    for port in 0..<4 where control.value.ports[port].isNamed {
      control.value.ports[port].reclaim()
      sendOutput(port, control)
    }
    machine.barrier()
    control.value.notify()
  }

  private typealias Device = Resident<ControlDevice<Machine.Registers>>

  private mutating func listen(_ port: Int, _ control: Device) {
    for _ in 0..<Self.inputLimit {
      guard control.value.ports[port & 3].hasRoom, let byte = control.value.ports[port & 3].next() else {
        return
      }
      guard control.value.ports[port & 3].session.reader.take(byte),
        let message = ControlMessage(control.value.ports[port & 3].session.reader), !message.isAnswer
      else { continue }
      answer(port, message, control)
    }
  }

  // MARK: Requests

  private mutating func answer(_ port: Int, _ message: ControlMessage, _ control: Device) {
    if message.kind == .hello { return sayHello(port, message, control) }
    if message.kind == .watch { return watch(port, message, control) }
    guard message.machine < 8, served &>> UInt32(message.machine) & 1 != 0 else {
      return send(port, message.answer(.unknownMachine), control)
    }
    let client = Int(message.machine)
    switch message.kind {
    case .describe: describe(port, message, client, control)
    case .log: sendLog(port, message, client, control)
    case .input: type(port, message, client, control)
    case .bringToFront:
      send(port, message.answer(bringToFront(client) ? .done : .notPossible), control)
    default: send(port, message.answer(command(message.kind, client)), control)
    }
  }

  /// Sends a message without bytes.
  private func send(_ port: Int, _ message: ControlMessage, _ control: Device) {
    var buffer = control.value.ports[port & 3].buffer()
    var writer = message.begin(to: &buffer)
    writer.finish(to: &buffer)
    control.value.ports[port & 3].send(buffer)
  }

  private func sayHello(_ port: Int, _ message: ControlMessage, _ control: Device) {
    var answer = message.answer(number: machine.frequency)
    answer.machine = UInt8(truncatingIfNeeded: 32 &- served.leadingZeroBitCount)
    send(port, answer, control)
  }

  private func describe(_ port: Int, _ message: ControlMessage, _ client: Int, _ control: Device) {
    var buffer = control.value.ports[port & 3].buffer()
    var writer = message.answer(number: machine.counter).begin(to: &buffer)
    report(on: client).append(to: &writer, &buffer)
    writer.finish(to: &buffer)
    control.value.ports[port & 3].send(buffer)
  }

  private func report(on client: Int) -> MachineReport {
    let description = clients[client & 7].description
    let page = clients[client & 7].page
    var report = MachineReport()
    for index in 0..<min(description.label.length, 16) {
      report.name[index & 15] = tree.byte(at: description.label.offset &+ index)
    }
    report.phase = UInt8(truncatingIfNeeded: page.phase & 15)
    report.isPaused = page.phase & MachinePhase.paused != 0
    report.isInFront = front == client
    report.isServer = machine.place == client
    report.hasConsole = consoles != nil && description.hasConsole
    report.hasScreen = description.screen != 0
    report.memory = description.memory
    for index in 0..<8 {
      report.exits &+= page.exits(index)
      report.ticks[index] = page.ticks(index)
    }
    report.printed = consoles?.value.kept.value.clients[client & 7].printed ?? 0
    return report
  }

  /// Starts, stops, pauses: the hypervisor does what is not the case already.
  private mutating func command(_ kind: ControlKind, _ client: Int) -> ControlStatus {
    guard client != machine.place else { return .notPossible }
    switch kind {
    case .start: clients[client & 7].signal.control |= MachineControl.start
    case .stop: clients[client & 7].signal.control |= MachineControl.stop
    case .restart: clients[client & 7].signal.control |= MachineControl.restart
    case .pause: clients[client & 7].signal.control |= MachineControl.pause
    case .resume: clients[client & 7].signal.control |= MachineControl.resume
    default: return .unknownRequest
    }
    return .done
  }

  // MARK: Consoles

  private func hasConsole(_ client: Int) -> Bool {
    consoles != nil && clients[client & 7].description.hasConsole
  }

  /// The first byte from a position on that is still kept.
  private func kept(_ position: UInt64, of client: Int) -> UInt64 {
    let printed = consoles?.value.kept.value.clients[client & 7].printed ?? 0
    return min(max(position, printed &- min(printed, Consoles.logSize)), printed)
  }

  private func sendLog(_ port: Int, _ message: ControlMessage, _ client: Int, _ control: Device) {
    guard hasConsole(client) else { return send(port, message.answer(.notPossible), control) }
    let position = kept(message.number, of: client)
    _ = sendBytes(port, message.answer(number: position), client, control)
  }

  /// Sends a message with as many bytes from its number on as it has room for; answers how many.
  private func sendBytes(_ port: Int, _ message: ControlMessage, _ client: Int, _ control: Device) -> UInt64 {
    guard let consoles else { return 0 }
    let printed = consoles.value.kept.value.clients[client & 7].printed
    let count = min(printed &- message.number, UInt64(ControlMessage.payloadLimit))
    let log = consoles.value.clients[client & 7].log
    var buffer = control.value.ports[port & 3].buffer()
    var writer = message.begin(to: &buffer)
    for index in 0..<count { writer.append(log.byte(at: message.number &+ index), to: &buffer) }
    writer.finish(to: &buffer)
    control.value.ports[port & 3].send(buffer)
    return count
  }

  private func watch(_ port: Int, _ message: ControlMessage, _ control: Device) {
    control.value.ports[port & 3].session.watched = 8
    guard message.machine != ControlMessage.noMachine else { return send(port, message.answer(), control) }
    let client = Int(message.machine)
    guard client < 8, served &>> UInt32(client) & 1 != 0 else {
      return send(port, message.answer(.unknownMachine), control)
    }
    guard hasConsole(client) else { return send(port, message.answer(.notPossible), control) }
    control.value.ports[port & 3].session.watched = client
    control.value.ports[port & 3].session.position = kept(message.number, of: client)
    control.value.ports[port & 3].session.tag = message.tag
    send(port, message.answer(number: kept(message.number, of: client)), control)
  }

  /// A tool that reads too slowly misses what the log no longer has; nobody waits for it.
  private func sendOutput(_ port: Int, _ control: Device) {
    let client = control.value.ports[port & 3].session.watched
    guard client < 8, let consoles else { return }
    while control.value.ports[port & 3].hasRoomForOutput {
      let position = kept(control.value.ports[port & 3].session.position, of: client)
      guard position != consoles.value.kept.value.clients[client & 7].printed else { return }
      let message = ControlMessage(
        .output, tag: control.value.ports[port & 3].session.tag, machine: UInt8(client), number: position)
      let count = sendBytes(port, message, client, control)
      control.value.ports[port & 3].session.position = position &+ count
    }
  }

  private mutating func type(_ port: Int, _ message: ControlMessage, _ client: Int, _ control: Device) {
    guard let consoles, hasConsole(client) else { return send(port, message.answer(.notPossible), control) }
    let bytes = UInt64(control.value.ports[port & 3].session.reader.count &- ControlMessage.headerSize)
    let count = min(bytes, consoles.value.clients[client & 7].room)
    for index in 0..<Int(count) {
      let byte = control.value.ports[port & 3].session.reader.byte(at: ControlMessage.headerSize &+ index)
      consoles.value.clients[client & 7].type(byte)
    }
    clients[client & 7].doorbells |= 1 &<< UInt64(Place.console &* 8 &+ ConsoleDevice.receive)
    send(port, message.answer(number: count), control)
  }
}
