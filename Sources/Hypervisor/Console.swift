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
  /// What has to be sent before the speaker goes on.
  var lead = Lead.nothing
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
}

/// Steps of what precedes a line: the end of somebody else's, the VM's name, a bar.
enum Lead {
  static var lineFeed: UInt32 { 1 }
  static var name: UInt32 { 2 }
  static var bar: UInt32 { 18 }
  static var space: UInt32 { 19 }
  static var nothing: UInt32 { 20 }
}
