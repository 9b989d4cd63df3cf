import Foundation

/// Something that listens to a device's console, and may type and end the session.
protocol ConsoleListener {
  /// Called with what the device printed, and about four times a second with nothing.
  mutating func heard(_ bytes: ArraySlice<UInt8>, at time: Duration, type: ([UInt8]) -> Void) -> ConsoleVerdict
}

enum ConsoleVerdict {
  case goOn
  /// The session has reached what it was for.
  case done
}

/// How a session ended.
enum SessionEnd: Equatable {
  /// QEMU ended by itself, with this status.
  case emulatorEnded(Int32)
  /// The listener was content.
  case done
  case timeout
  /// The user pressed the keys for it.
  case quit
  case signal(Int32)
}

/// Connects a running QEMU with a listener, the keyboard and the screen until one of them ends it.
struct ConsoleSession<Listener: ConsoleListener> {
  var listener: Listener
  /// Read for keys, unless nil.
  var keyboard: Int32?
  /// Gets everything that the device prints, unless nil.
  var screen: Int32?
  var timeout: Duration?
  /// Types into a silence, unless nil.
  var nudge: Nudge?
  private var keys = KeyFilter()
  private let start = ContinuousClock.now

  init(listener: Listener, keyboard: Int32?, screen: Int32?, timeout: Duration?) {
    self.listener = listener
    self.keyboard = keyboard
    self.screen = screen
    self.timeout = timeout
  }

  /// Runs until the end. QEMU is gone afterwards.
  mutating func run(_ emulator: EmulatorProcess) -> SessionEnd {
    defer { emulator.stop() }
    while true {
      if let signal = Signals.pending { return .signal(signal) }
      if let timeout, ContinuousClock.now - start > timeout { return .timeout }
      if let end = step(emulator) { return end }
    }
  }

  /// Waits for output or keys, at most a quarter of a second, and handles them.
  private mutating func step(_ emulator: EmulatorProcess) -> SessionEnd? {
    var sources = [pollfd(fd: emulator.output, events: Int16(POLLIN), revents: 0)]
    if let keyboard { sources.append(pollfd(fd: keyboard, events: Int16(POLLIN), revents: 0)) }
    _ = poll(&sources, nfds_t(sources.count), 250)
    if sources.count > 1, sources[1].revents != 0, !typed(on: emulator) { return .quit }
    guard sources[0].revents != 0 else { return hear([], emulator) }
    guard let bytes = readBytes(emulator.output) else { return .emulatorEnded(emulator.wait()) }
    if let screen, !writeBytes(bytes, to: screen) { return .signal(SIGPIPE) }
    return hear(bytes, emulator)
  }

  private mutating func hear(_ bytes: ArraySlice<UInt8>, _ emulator: EmulatorProcess) -> SessionEnd? {
    let time = ContinuousClock.now - start
    if nudge?.isDue(isSilent: bytes.isEmpty, at: time) ?? false { emulator.type(Nudge.keys) }
    return listener.heard(bytes, at: time, type: emulator.type) == .done ? .done : nil
  }

  /// Forwards keys; false when they were the ones to quit with.
  private mutating func typed(on emulator: EmulatorProcess) -> Bool {
    guard let keyboard, let bytes = readBytes(keyboard) else {
      self.keyboard = nil
      return true
    }
    guard let forwarded = keys.filter(bytes) else { return false }
    emulator.type(forwarded)
    return true
  }
}

/// Finds Ctrl-] q among the keys; everything else is the device's, Ctrl-] with another key included.
struct KeyFilter {
  static let escape: UInt8 = 0x1D
  private var escaped = false

  /// What is to be forwarded; nil when the user quits.
  mutating func filter(_ bytes: some Sequence<UInt8>) -> [UInt8]? {
    var forwarded: [UInt8] = []
    for byte in bytes {
      if escaped {
        if byte == UInt8(ascii: "q") { return nil }
        forwarded += [Self.escape, byte]
        escaped = false
      } else if byte == Self.escape {
        escaped = true
      } else {
        forwarded.append(byte)
      }
    }
    return forwarded
  }
}

/// Reads what is there; nil at the end.
private func readBytes(_ descriptor: Int32) -> ArraySlice<UInt8>? {
  var buffer = [UInt8](repeating: 0, count: 16384)
  let count = read(descriptor, &buffer, buffer.count)
  if count < 0, errno == EINTR || errno == EAGAIN { return [] }
  return count > 0 ? buffer[..<count] : nil
}

/// Writes all; false when nobody reads any more.
private func writeBytes(_ bytes: ArraySlice<UInt8>, to descriptor: Int32) -> Bool {
  var rest = bytes
  while !rest.isEmpty {
    let written = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
    guard written > 0 || errno == EINTR else { return false }
    rest = rest.dropFirst(max(written, 0))
  }
  return true
}
