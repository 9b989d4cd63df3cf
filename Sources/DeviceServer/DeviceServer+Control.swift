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
    for index in 0..<4 where control.value.ports[index].value.isNamed {
      control.value.ports[index].value.reclaim()
      listen(control.value.ports[index])
    }
  }

  /// Sends what watched consoles have printed.
  mutating func finishControl() {
    guard let control else { return }
    for index in 0..<4 where control.value.ports[index].value.isNamed {
      control.value.ports[index].value.reclaim()
      sendOutput(control.value.ports[index])
    }
    machine.barrier()
    control.value.notify()
  }

  private typealias Line = Resident<ControlPort>

  private mutating func listen(_ port: Line) {
    for _ in 0..<Self.inputLimit {
      guard port.value.hasRoom, let byte = port.value.next() else {
        return
      }
      guard port.value.session.reader.take(byte),
        let message = ControlMessage(port.value.session.reader), !message.isAnswer
      else { continue }
      answer(port, message)
    }
  }

  // MARK: Requests

  private mutating func answer(_ port: Line, _ message: ControlMessage) {
    if message.kind == .hello { return sayHello(port, message) }
    if message.kind == .watch { return watch(port, message) }
    guard message.machine < 8, served &>> UInt32(message.machine) & 1 != 0 else {
      return send(port, message.answer(.unknownMachine))
    }
    let client = Int(message.machine)
    switch message.kind {
    case .describe: describe(port, message, client)
    case .log: sendLog(port, message, client)
    case .input: type(port, message, client)
    case .bringToFront:
      send(port, message.answer(bringToFront(client) ? .done : .notPossible))
    default: send(port, message.answer(command(message.kind, client)))
    }
  }

  /// Sends a message without bytes.
  private func send(_ port: Line, _ message: ControlMessage) {
    var buffer = port.value.buffer()
    var writer = message.begin(to: &buffer)
    writer.finish(to: &buffer)
    port.value.send(buffer)
  }

  private func sayHello(_ port: Line, _ message: ControlMessage) {
    var answer = message.answer(number: machine.frequency)
    answer.machine = UInt8(truncatingIfNeeded: 32 &- served.leadingZeroBitCount)
    send(port, answer)
  }

  private func describe(_ port: Line, _ message: ControlMessage, _ client: Int) {
    var buffer = port.value.buffer()
    var writer = message.answer(number: machine.counter).begin(to: &buffer)
    report(on: client).append(to: &writer, &buffer)
    writer.finish(to: &buffer)
    port.value.send(buffer)
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

  private func sendLog(_ port: Line, _ message: ControlMessage, _ client: Int) {
    guard hasConsole(client) else { return send(port, message.answer(.notPossible)) }
    let position = kept(message.number, of: client)
    _ = sendBytes(port, message.answer(number: position), client)
  }

  /// Sends a message with as many bytes from its number on as it has room for; answers how many.
  private func sendBytes(_ port: Line, _ message: ControlMessage, _ client: Int) -> UInt64 {
    guard let consoles else { return 0 }
    let printed = consoles.value.kept.value.clients[client & 7].printed
    let count = min(printed &- message.number, UInt64(ControlMessage.payloadLimit))
    let log = consoles.value.clients[client & 7].log
    var buffer = port.value.buffer()
    var writer = message.begin(to: &buffer)
    for index in 0..<count { writer.append(log.byte(at: message.number &+ index), to: &buffer) }
    writer.finish(to: &buffer)
    port.value.send(buffer)
    return count
  }

  private func watch(_ port: Line, _ message: ControlMessage) {
    port.value.session.watched = 8
    guard message.machine != ControlMessage.noMachine else { return send(port, message.answer()) }
    let client = Int(message.machine)
    guard client < 8, served &>> UInt32(client) & 1 != 0 else {
      return send(port, message.answer(.unknownMachine))
    }
    guard hasConsole(client) else { return send(port, message.answer(.notPossible)) }
    port.value.session.watched = client
    port.value.session.position = kept(message.number, of: client)
    port.value.session.tag = message.tag
    send(port, message.answer(number: kept(message.number, of: client)))
  }

  /// A tool that reads too slowly misses what the log no longer has; nobody waits for it.
  private func sendOutput(_ port: Line) {
    let client = port.value.session.watched
    guard client < 8, let consoles else { return }
    while port.value.hasRoomForOutput {
      let position = kept(port.value.session.position, of: client)
      guard position != consoles.value.kept.value.clients[client & 7].printed else { return }
      let message = ControlMessage(
        .output, tag: port.value.session.tag, machine: UInt8(client), number: position)
      let count = sendBytes(port, message, client)
      port.value.session.position = position &+ count
    }
  }

  private mutating func type(_ port: Line, _ message: ControlMessage, _ client: Int) {
    guard let consoles, hasConsole(client) else { return send(port, message.answer(.notPossible)) }
    let bytes = UInt64(port.value.session.reader.count &- ControlMessage.headerSize)
    let count = min(bytes, consoles.value.clients[client & 7].room)
    for index in 0..<Int(count) {
      let byte = port.value.session.reader.byte(at: ControlMessage.headerSize &+ index)
      consoles.value.clients[client & 7].type(byte)
    }
    clients[client & 7].doorbells |= 1 &<< UInt64(Place.console &* 8 &+ ConsoleDevice.receive)
    send(port, message.answer(number: count))
  }
}
