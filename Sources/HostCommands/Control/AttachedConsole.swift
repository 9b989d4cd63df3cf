import Foundation

/// The terminal of this program as that of a VM, until the user detaches it.
struct AttachedConsole {
  /// Detaches: Ctrl-].
  static let escape: UInt8 = 0x1D
  /// Without a keyboard, how long the VM must have been silent for the end.
  private static let silence = Duration.seconds(1)
  /// Keys that are kept for a VM that does not take them.
  private static let limit = 4096

  let control: PhoneControl
  let machine: MachineStatus
  /// What is read for keys, until it ends.
  private var keyboard: Int32?
  private var keys: [UInt8] = []
  private var isDetached = false
  private var position: UInt64 = 0
  private var lastOutput = ContinuousClock.now

  init(_ control: PhoneControl, _ machine: MachineStatus, keyboard: Int32) {
    self.control = control
    self.machine = machine
    self.keyboard = keyboard
  }

  /// Runs until Ctrl-], a signal, or, where the keys come from no terminal, their end and a silent VM.
  /// - Throws: `InputError` when the phone is gone.
  mutating func run() throws {
    position = try control.watch(machine)
    lastOutput = .now
    while !isDone {
      wait()
      readKeys()
      try typeKeys()
      _ = try control.client.receive(within: .milliseconds(1))
      show()
    }
    show()
  }

  private var isDone: Bool {
    if Signals.pending != nil { return true }
    guard keys.isEmpty else { return false }
    return isDetached || keyboard == nil && ContinuousClock.now - lastOutput > Self.silence
  }

  /// Waits for keys or output; not long where keys are to be typed again.
  private func wait() {
    var sources = [pollfd(fd: control.client.descriptor, events: Int16(POLLIN), revents: 0)]
    if let keyboard, keys.count < Self.limit, !isDetached {
      sources.append(pollfd(fd: keyboard, events: Int16(POLLIN), revents: 0))
    }
    _ = poll(&sources, nfds_t(sources.count), keys.isEmpty ? 250 : 20)
  }

  private mutating func readKeys() {
    guard let keyboard, keys.count < Self.limit, !isDetached else { return }
    var source = pollfd(fd: keyboard, events: Int16(POLLIN), revents: 0)
    guard poll(&source, 1, 0) > 0 else { return }
    var buffer = [UInt8](repeating: 0, count: 1024)
    let count = read(keyboard, &buffer, buffer.count)
    guard count > 0 else {
      if count == 0 || errno != EINTR && errno != EAGAIN { self.keyboard = nil }
      return
    }
    let typed = buffer[..<count].prefix { $0 != Self.escape }
    keys += typed
    if typed.count < count {
      isDetached = true
      // Whoever wants to leave does not wait for a VM that takes no keys.
      keys = []
    }
  }

  private mutating func typeKeys() throws {
    guard !keys.isEmpty else { return }
    keys.removeFirst(try control.type(keys[...], at: machine))
    lastOutput = .now
  }

  private mutating func show() {
    for output in control.client.takeOutput() {
      lastOutput = .now
      let lost = output.message.number &- position
      if lost != 0 { write(Array("\r\n[\(lost) bytes of output were lost]\r\n".utf8)) }
      position = output.message.number &+ UInt64(output.bytes.count)
      write(output.bytes)
    }
  }

  private func write(_ bytes: [UInt8]) { try? FileHandle.standardOutput.write(contentsOf: Data(bytes)) }
}
