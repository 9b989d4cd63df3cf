// Things that may fault: the exception ends the attempt and nothing else.

import GuestMachine

public enum Attempt {
  /// What the exception interrupted that ended the last one.
  nonisolated(unsafe) public internal(set) static var end = ExceptionFrame(
    registers: InlineArray(repeating: 0), link: 0, programCounter: 0, status: 0)

  /// Runs the code at an address, bit 0 set for T32, which returns by LR.
  /// - Parameter registers: r0…r7, which get what they are afterwards; after an exception they are as they were.
  /// - Returns: 0, or the kind of exception that ended it.
  public static func run(_ code: UInt32, _ registers: inout InlineArray<8, UInt32>) -> UInt32 {
    unsafe withUnsafeMutablePointer(to: &registers) {
      // An InlineArray of eight words is the eight words that the routine expects.
      unsafe guest_attempt(code, UnsafeMutableRawPointer($0).assumingMemoryBound(to: UInt32.self))
    }
  }
}
