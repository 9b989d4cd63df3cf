import ControlProtocol
import Foundation

/// A message with its bytes.
struct ReceivedMessage: Equatable {
  var message: ControlMessage
  var bytes: [UInt8]
  /// The bytes as a VM's description; nil where they are none.
  var report: MachineReport?

  init?(_ reader: FrameReader) {
    guard let message = ControlMessage(reader) else { return nil }
    self.message = message
    bytes = (ControlMessage.headerSize..<reader.count).map(reader.byte(at:))
    report = MachineReport(reader)
  }
}

/// The tool's end of the control channel (Documentation/DeviceServer.md). Whatever the other end says, this one ends in an
/// answer or an error.
final class ControlClient {
  private let line: ControlLine
  private let phone: String
  private var reader = FrameReader()
  private var tag = UInt16.random(in: 0...UInt16.max)
  private let patience: Duration
  /// What arrived and was no answer: output of a watched console.
  private(set) var output: [ReceivedMessage] = []

  /// - Parameter patience: how long an answer may take.
  init(_ line: ControlLine, phone: String, patience: Duration = .seconds(10)) {
    self.line = line
    self.phone = phone
    self.patience = patience
  }

  /// - Throws: `InputError` when there is no way to its device server.
  convenience init(_ phone: RunningPhone) throws {
    self.init(try phone.connectToControl(), phone: phone.phone)
  }

  /// What to wait for with `poll`.
  var descriptor: Int32 { line.socket.descriptor }

  /// Sends a request and waits for its answer.
  /// - Throws: `InputError` when none comes.
  func ask(_ request: ControlMessage, _ bytes: [UInt8] = []) throws -> ReceivedMessage {
    tag &+= 1
    var request = request
    request.tag = tag
    var frame = FrameBytes()
    var writer = request.begin(to: &frame)
    for byte in bytes { writer.append(byte, to: &frame) }
    writer.finish(to: &frame)
    try line.socket.write(frame.bytes)
    return try answer(to: request)
  }

  private func answer(to request: ControlMessage) throws -> ReceivedMessage {
    let end = ContinuousClock.now + patience
    while true {
      let left = end - .now
      guard left > .zero, Signals.pending == nil else { throw silence }
      for received in try receive(within: left) {
        let message = received.message
        if message.isAnswer, message.kind == request.kind, message.tag == request.tag { return received }
      }
    }
  }

  private var silence: InputError {
    InputError("the device server of \(phone) does not answer; is it up yet? Its console says `steward: ready`")
  }

  /// Takes what has arrived; output goes to `output`.
  /// - Parameter limit: how long to wait for something.
  /// - Returns: everything else.
  /// - Throws: `InputError` when the phone is gone.
  func receive(within limit: Duration) throws -> [ReceivedMessage] {
    var source = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    guard poll(&source, 1, Int32(max(1, min(limit, .milliseconds(250)) / .milliseconds(1)))) > 0 else {
      return []
    }
    var others: [ReceivedMessage] = []
    for byte in try line.socket.read() where reader.take(byte) {
      guard let received = ReceivedMessage(reader) else { continue }
      if received.message.kind == .output, !received.message.isAnswer {
        output.append(received)
      } else {
        others.append(received)
      }
    }
    return others
  }

  /// Takes the output that has arrived.
  func takeOutput() -> [ReceivedMessage] {
    defer { output = [] }
    return output
  }
}

/// A frame as bytes in memory.
private struct FrameBytes: ByteSink {
  var bytes: [UInt8] = []
  mutating func append(_ byte: UInt8) { bytes.append(byte) }
}
