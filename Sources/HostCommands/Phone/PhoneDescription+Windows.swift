// The shared windows of a phone, numbered: those of the device server first, then those of `windows`.
//
// Window 0 keeps the device server's state over its restarts. Every screen has two windows: the odd one begins with
// the frame buffer; the strip that says who is in front is the end of the even one before it, which only the server
// has. So strip and frame buffer are one picture, which no client can change the top of.

extension PhoneDescription {
  /// The VM that serves devices to others.
  var deviceServer: VirtualMachineDescription? { virtualMachines.first(where: \.rules.isDeviceServer) }

  func machine(_ name: String) -> VirtualMachineDescription? { virtualMachines.first { $0.name == name } }

  /// Names of the VMs that have a screen, in their order.
  private var screens: [String] {
    virtualMachines.filter { $0.rules.devices?.screen != nil }.map(\.name)
  }

  /// The number of the window that begins with a VM's frame buffer; nil where it has no screen.
  func frameBuffer(of name: String) -> Int? { screens.firstIndex(of: name).map { 2 * $0 + 1 } }

  /// All windows, by number.
  var allWindows: [WindowDescription] {
    guard let server = deviceServer?.name else { return windows }
    let pairs = screens.flatMap { name in
      [
        WindowDescription(name: "\(name).strip", writers: [server], readers: []),
        WindowDescription(name: "\(name).screen", writers: [server, name], readers: []),
      ]
    }
    let state = WindowDescription(name: "\(server).state", writers: [server], readers: [])
    return [state] + pairs.dropFirst() + windows
  }
}
