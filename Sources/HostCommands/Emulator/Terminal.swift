import Foundation

/// Puts a terminal into raw mode: keys arrive one by one, Ctrl-C and Ctrl-Z too.
struct Terminal: ~Copyable {
  private let descriptor: Int32
  private let saved: termios

  /// nil when the descriptor is no terminal.
  init?(raw descriptor: Int32) {
    var settings = termios()
    guard isatty(descriptor) == 1, tcgetattr(descriptor, &settings) == 0 else { return nil }
    self.descriptor = descriptor
    saved = settings
    settings.c_iflag &= ~tcflag_t(IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL | IXON)
    settings.c_lflag &= ~tcflag_t(ECHO | ECHONL | ICANON | IEXTEN | ISIG)
    tcsetattr(descriptor, TCSANOW, &settings)
  }

  /// Gives the terminal back as it was.
  deinit {
    var settings = saved
    tcsetattr(descriptor, TCSANOW, &settings)
  }
}
