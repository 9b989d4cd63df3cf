// Things that may fault: the exception ends the attempt and nothing else.

import GuestMachine

/// How an attempt ended.
public struct AttemptResult {
  /// ESR_EL1 of the exception, or 0 when there was none; bit 63 marks an SError.
  public let syndrome: UInt64
  /// x0…x7 afterwards; what they were before where an exception ended the attempt.
  public let registers: InlineArray<8, UInt64>

  /// Exception class (ESR_EL1.EC); 0 also for UNDEFINED, so ask `faulted` first.
  public var exceptionClass: UInt64 { syndrome &>> 26 & 0x3F }
  public var faultStatus: UInt64 { syndrome & 0x3F }
  public var faulted: Bool { syndrome != 0 }
  /// An UNDEFINED instruction: class 0, with IL set.
  public var isUndefined: Bool { faulted && exceptionClass == 0 }
  /// A synchronous external abort on a data access at EL1.
  public var isExternalAbort: Bool { exceptionClass == 0x25 && faultStatus == 0x10 }
}

public typealias Routine = @convention(c) () -> Void

/// Runs a routine of entry.S, x0…x3 given.
public func attempt(
  _ routine: Routine, _ first: UInt64 = 0, _ second: UInt64 = 0, _ third: UInt64 = 0, _ fourth: UInt64 = 0
) -> AttemptResult {
  attempt(code: unsafeBitCast(routine, to: UInt64.self), first, second, third, fourth)
}

/// Runs a routine of entry.S, x0…x7 given.
public func attempt(_ routine: Routine, _ registers: InlineArray<8, UInt64>) -> AttemptResult {
  attempt(code: unsafeBitCast(routine, to: UInt64.self), registers)
}

/// Runs the instructions at an address, which end with `ret`.
public func attempt(
  code: UInt64, _ first: UInt64 = 0, _ second: UInt64 = 0, _ third: UInt64 = 0, _ fourth: UInt64 = 0
) -> AttemptResult {
  attempt(code: code, [first, second, third, fourth, 0, 0, 0, 0])
}

/// Runs the instructions at an address, x0…x7 given.
public func attempt(code: UInt64, _ arguments: InlineArray<8, UInt64>) -> AttemptResult {
  var registers = arguments
  let syndrome = withUnsafeMutablePointer(to: &registers) {
    // An InlineArray of eight words is the eight words that the routine expects.
    guest_attempt(code, UnsafeMutableRawPointer($0).assumingMemoryBound(to: UInt64.self))
  }
  return AttemptResult(syndrome: syndrome, registers: registers)
}

/// An exception that nobody expected: reported, and the end of this guest.
@c(guest_unexpected)
public func reportUnexpected(vector: UInt64, syndrome: UInt64, instruction: UInt64, address: UInt64) {
  Console.write("unexpected exception: vector ")
  Console.write(hex: vector)
  Console.write(" syndrome ")
  Console.write(hex: syndrome)
  Console.write(" at ")
  Console.write(hex: instruction &- image_address())
  Console.write(" address ")
  Console.write(hex: address)
  Console.write("\n")
  PowerInterface.systemOff()
}
