// One UART for all VMs.
//
// Every VM prints into its own channel. From there its characters move to the output, which the UART drains: together,
// whole lines, each behind its VM's name; in front, the characters of one VM as they come. What moves is a copy of
// characters only as long as the output has room, so a slow UART makes VMs wait and never the hypervisor.

import VirtualDevices

/// What the UART shows.
public struct Console {
  /// What is on its way to the UART; the hypervisor's own messages begin here.
  var output: ConsoleChannel
  /// The VM that gets what is typed.
  var front: UInt32 = 0
  /// Whether all VMs are shown, or the one in front.
  var isTogether = true
  /// The last character was not the end of a line.
  var isLineOpen = false
  /// The escape key was typed.
  var isEscaped = false
  /// The UART interrupts when there is room, and until then nothing moves: the VMs take turns.
  var isDraining = false
  /// The VM whose turn it is when there is room, counted around.
  var turn: UInt32 = 0

  /// Ctrl-].
  static var escapeKey: UInt8 { 0x1D }

  /// - Parameter storage: `ConsoleChannel.capacity` bytes for the output.
  init(storage: UnsafeMutablePointer<UInt8>) { output = unsafe ConsoleChannel(storage: storage) }

  /// Whether a VM's characters are shown as they come, so that it has to wait when the UART is slow.
  func shows(_ machine: UInt32) -> Bool { isTogether || machine == front }

  /// Adds a character to the output.
  @inline(never) mutating func put(_ character: UInt8) {
    output.append(character)
    isLineOpen = character != 0x0A
  }
}
