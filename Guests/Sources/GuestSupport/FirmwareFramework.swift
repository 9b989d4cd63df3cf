// The part of FF-A 1.2 (ARM DEN 0077) that Pocketvisor has: requests and notifications between VMs.

import GuestMachine

/// Function identifiers, and what stands in their place in an answer.
public enum FrameworkFunction {
  public static let error: UInt64 = 0x8400_0060
  public static let success: UInt64 = 0x8400_0061
  public static let success64: UInt64 = 0xC400_0061
  public static let interrupt: UInt64 = 0x8400_0062
  public static let version: UInt64 = 0x8400_0063
  public static let features: UInt64 = 0x8400_0064
  public static let identifier: UInt64 = 0x8400_0069
  public static let wait: UInt64 = 0x8400_006B
  public static let run: UInt64 = 0x8400_006D
  public static let request: UInt64 = 0x8400_006F
  public static let request64: UInt64 = 0xC400_006F
  public static let response: UInt64 = 0x8400_0070
  public static let response64: UInt64 = 0xC400_0070
  public static let bind: UInt64 = 0x8400_007F
  public static let unbind: UInt64 = 0x8400_0080
  public static let set: UInt64 = 0x8400_0081
  public static let get: UInt64 = 0x8400_0082
  public static let partitions: UInt64 = 0xC400_008B
}

/// Codes of `FrameworkFunction.error`.
public enum FrameworkError {
  public static let notSupported: Int32 = -1
  public static let invalidParameters: Int32 = -2
  public static let busy: Int32 = -4
  public static let denied: Int32 = -6
}

/// The registers x0…x7 of a call or of its answer.
public struct FrameworkMessage {
  public var registers: InlineArray<8, UInt64>

  public init(_ function: UInt64, _ first: UInt64 = 0, _ second: UInt64 = 0, _ third: UInt64 = 0) {
    registers = [function, first, second, third, 0, 0, 0, 0]
  }

  /// What this asks for or answers: w0.
  public var function: UInt64 { registers[0] & 0xFFFF_FFFF }
  /// The VM that this comes from, by identifier.
  public var sender: UInt64 { registers[1] &>> 16 & 0xFFFF }
  public var receiver: UInt64 { registers[1] & 0xFFFF }
  public var isRequest: Bool { function | 1 << 30 == FrameworkFunction.request64 }
  public var isSuccess: Bool { function | 1 << 30 == FrameworkFunction.success64 }

  /// A `FrameworkError`, or 0. Who knows no FF-A at all answers -1 as SMCCC says.
  public var error: Int32 {
    if function == 0xFFFF_FFFF { return FrameworkError.notSupported }
    return function == FrameworkFunction.error ? Int32(truncatingIfNeeded: registers[2]) : 0
  }

  /// Calls by HVC; the answer takes the call's place.
  public mutating func call() {
    withUnsafeMutablePointer(to: &registers) {
      // An InlineArray of eight words is the eight words that the routine expects.
      guest_call(UnsafeMutableRawPointer($0).assumingMemoryBound(to: UInt64.self))
    }
  }

  /// The same by SMC; false where there is none.
  public mutating func callSecurely() -> Bool {
    let answer = attempt(guest_secure_call, registers)
    registers = answer.registers
    return !answer.faulted
  }
}
