// A VM as the device server describes it.

/// The bytes of the answer to `describe`.
public struct MachineReport: Equatable, Sendable {
  /// Bytes of a report.
  public static let size = 112
  /// Physical CPUs that a report has room for.
  public static let processorLimit = 8

  /// ASCII, padded with zeros.
  public var name = InlineArray<16, UInt8>(repeating: 0)
  /// The phase in its register page, 0…15.
  public var phase: UInt8 = 0
  public var isPaused = false
  /// Its screen is the one to be seen.
  public var isInFront = false
  /// It is the device server.
  public var isServer = false
  /// It has a console to attach to.
  public var hasConsole = false
  /// It has a screen.
  public var hasScreen = false
  /// Bytes of RAM.
  public var memory: UInt64 = 0
  /// Exits of all its virtual CPUs since it started.
  public var exits: UInt64 = 0
  /// Bytes that its console printed.
  public var printed: UInt64 = 0
  /// Ticks of the counter that it had on each physical CPU.
  public var ticks = InlineArray<8, UInt64>(repeating: 0)

  public init() {}

  /// The truth values as bits.
  private var flags: UInt8 {
    let bits = [isPaused, isInFront, isServer, hasConsole, hasScreen] as InlineArray<5, Bool>
    var flags: UInt8 = 0
    for index in 0..<5 where bits[index] { flags |= 1 &<< UInt8(index) }
    return flags
  }

  /// Appends the report to a frame.
  public func append(to writer: inout FrameWriter, _ sink: inout some ByteSink & ~Copyable) {
    for index in 0..<16 { writer.append(name[index], to: &sink) }
    writer.append(phase, to: &sink)
    writer.append(flags, to: &sink)
    writer.append(0, size: 6, to: &sink)
    writer.append(memory, size: 8, to: &sink)
    writer.append(exits, size: 8, to: &sink)
    writer.append(printed, size: 8, to: &sink)
    for index in 0..<8 { writer.append(ticks[index], size: 8, to: &sink) }
  }

  /// Reads the report behind a message; nil where there are not that many bytes.
  public init?(_ reader: borrowing FrameReader) {
    let start = ControlMessage.headerSize
    guard reader.count >= start + Self.size else { return nil }
    for index in 0..<16 { name[index] = reader.byte(at: start + index) }
    phase = reader.byte(at: start + 16)
    let flags = reader.byte(at: start + 17)
    (isPaused, isInFront, isServer) = (flags & 1 != 0, flags & 2 != 0, flags & 4 != 0)
    (hasConsole, hasScreen) = (flags & 8 != 0, flags & 16 != 0)
    memory = reader.number(at: start + 24, size: 8)
    exits = reader.number(at: start + 32, size: 8)
    printed = reader.number(at: start + 40, size: 8)
    for index in 0..<8 { ticks[index] = reader.number(at: start + 48 + 8 * index, size: 8) }
  }

  public static func == (left: MachineReport, right: MachineReport) -> Bool {
    for index in 0..<16 where left.name[index] != right.name[index] { return false }
    for index in 0..<8 where left.ticks[index] != right.ticks[index] { return false }
    return left.phase == right.phase && left.flags == right.flags && left.memory == right.memory
      && left.exits == right.exits && left.printed == right.printed
  }
}
