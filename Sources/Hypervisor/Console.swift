// One UART for all VMs. Every VM prints into its own channel, and so does the hypervisor; this decides whose
// character goes to the UART next.
//
// Together: whole lines, each behind its VM's name. In front: one VM's characters as they come.

import VirtualDevices

/// What the UART shows.
public struct Console {
  /// The hypervisor's own messages.
  var own: ConsoleChannel
  /// The VM that gets what is typed.
  var front: UInt32 = 0
  /// Whether all VMs are shown, or the one in front.
  var isTogether = true
  /// The channel whose line is open: a VM's index, or `Console.ownChannel`.
  var speaker = Self.ownChannel
  var isLineOpen = false
  /// What has to be sent before the speaker goes on: the end of somebody else's line, a name, a bar.
  private var lead = InlineArray<32, UInt8>(repeating: 0)
  private var leadStart: UInt32 = 0
  private var leadEnd: UInt32 = 0
  /// The escape key was typed.
  var isEscaped = false
  /// The UART interrupts when there is room.
  var isDraining = false

  static var ownChannel: UInt32 { 8 }
  /// Ctrl-].
  static var escapeKey: UInt8 { 0x1D }

  /// - Parameter storage: `ConsoleChannel.capacity` bytes for the hypervisor's messages.
  init(storage: UnsafeMutablePointer<UInt8>) { own = unsafe ConsoleChannel(storage: storage) }

  /// Whether a VM's characters are shown as they come, so that it has to wait when the UART is slow.
  func shows(_ machine: UInt32) -> Bool { isTogether || machine == front }

  /// Puts a character before what the speaker says.
  mutating func lead(with character: UInt8) {
    lead[Int(leadEnd & 31)] = character
    leadEnd &+= 1
  }

  /// The next character of the lead.
  mutating func takeLead() -> UInt8? {
    guard leadStart != leadEnd else { return nil }
    defer { leadStart &+= 1 }
    return lead[Int(leadStart & 31)]
  }
}
