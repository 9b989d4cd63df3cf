// What the host's tool and the device server say to each other: Documentation/DeviceServer.md, "Control channel".

/// What a message asks for, tells or answers. An answer has the kind of its request.
public enum ControlKind: UInt8, Sendable {
  /// Asks who is there. The answer's number: the counter's frequency in Hz; its machine: how many VMs there are.
  case hello = 1
  /// Asks for a VM. The answer's number: the counter; its bytes: a `MachineReport`.
  case describe = 2
  case start = 3
  case stop = 4
  case restart = 5
  case pause = 6
  case resume = 7
  /// Brings a VM's screen to the front.
  case bringToFront = 8
  /// Asks what a VM's console printed, from the number on. The answer: bytes, and the number of the first of them;
  /// none where there are no more.
  case log = 9
  /// Has everything that a VM's console prints sent as `output`, from the number on. Another such request, also
  /// one that names no VM, ends it.
  case watch = 10
  /// Types bytes at a VM's console. The answer's number: how many of them were taken.
  case input = 11
  /// From the server, unasked: bytes that a watched console printed, and the number of the first of them.
  case output = 12
}

/// How a request ended.
public enum ControlStatus: UInt8, Sendable {
  case done = 0
  /// The server does not know this kind of request, or this version.
  case unknownRequest = 1
  /// There is no VM with this number.
  case unknownMachine = 2
  /// Not with this VM: the server itself cannot be stopped, nor one without a screen be brought to the front.
  case notPossible = 3
}

/// A message without its bytes.
public struct ControlMessage: Equatable, Sendable {
  /// Of the protocol.
  public static let version: UInt8 = 1
  /// Bytes of a message before its own.
  public static let headerSize = 16
  /// The most bytes that a message carries.
  public static let payloadLimit = FrameSize.content - headerSize
  /// In the place of a VM where none is meant.
  public static let noMachine: UInt8 = 0xFF
  /// The bit that tells an answer's kind from a request's.
  private static let answerBit: UInt8 = 0x80

  public var kind: ControlKind
  public var isAnswer: Bool
  /// Chosen by who asks; the answer has the same.
  public var tag: UInt16
  /// A VM by its place in the phone.
  public var machine: UInt8
  public var status: ControlStatus
  /// What the kind says it is.
  public var number: UInt64

  public init(_ kind: ControlKind, tag: UInt16 = 0, machine: UInt8 = noMachine, number: UInt64 = 0) {
    (self.kind, self.tag, self.machine, self.number) = (kind, tag, machine, number)
    isAnswer = false
    status = .done
  }

  /// The answer to this request.
  public func answer(_ status: ControlStatus = .done, number: UInt64 = 0) -> ControlMessage {
    var answer = self
    answer.isAnswer = true
    answer.status = status
    answer.number = number
    return answer
  }

  /// Begins a frame with this; the bytes are to follow.
  public func begin(to sink: inout some ByteSink & ~Copyable) -> FrameWriter {
    var writer = FrameWriter(to: &sink)
    writer.append(Self.version, to: &sink)
    writer.append(kind.rawValue | (isAnswer ? Self.answerBit : 0), to: &sink)
    writer.append(UInt64(tag), size: 2, to: &sink)
    writer.append(machine, to: &sink)
    writer.append(status.rawValue, to: &sink)
    writer.append(0, size: 2, to: &sink)
    writer.append(number, size: 8, to: &sink)
    return writer
  }

  /// Reads the frame that `reader` has found; nil where it is no message of this version.
  public init?(_ reader: borrowing FrameReader) {
    let kind = ControlKind(rawValue: reader.byte(at: 1) & ~Self.answerBit)
    let status = ControlStatus(rawValue: reader.byte(at: 5))
    guard reader.count >= Self.headerSize, reader.byte(at: 0) == Self.version, let kind, let status else {
      return nil
    }
    self.init(
      kind, tag: UInt16(truncatingIfNeeded: reader.number(at: 2, size: 2)), machine: reader.byte(at: 4),
      number: reader.number(at: 8, size: 8))
    isAnswer = reader.byte(at: 1) & Self.answerBit != 0
    self.status = status
  }
}
