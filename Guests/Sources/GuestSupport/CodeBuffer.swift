// Instructions made up at run time (ARM ARM, C4), followed by a return.

import GuestMachine

public enum CodeBuffer {
  public static let returnInstruction: UInt32 = 0xD65F_03C0
  /// How many instructions fit beside the return.
  public static let limit = 63

  /// This CPU's, where instructions may be executed.
  public static var address: UInt64 { code_address(Processors.current.pointee.index) }

  /// Writes the instructions and what ends them, a return, and gives their address.
  public static func make<let count: Int>(
    _ instructions: InlineArray<count, UInt32>, end: UInt32 = returnInstruction
  ) -> UInt64 {
    let buffer = self.address
    var address = buffer
    for index in 0..<min(count, limit) {
      write32(address, instructions[index])
      address += 4
    }
    write32(address, end)
    publish_instructions(buffer, 256)
    return buffer
  }

  /// `MRS Xt` (reading) or `MSR` of the register that `op0:op1:CRn:CRm:op2` (16 bits) names.
  public static func systemRegister(_ encoding: UInt32, reading: Bool, register: UInt32 = 1) -> UInt32 {
    0xD500_0000 | (reading ? 1 << 21 : 0) | (encoding & 0xFFFF) << 5 | register
  }

  /// The 16 bits that name a system register.
  public static func encoding(_ op0: UInt32, _ op1: UInt32, _ crn: UInt32, _ crm: UInt32, _ op2: UInt32)
    -> UInt32
  {
    op0 << 14 | op1 << 11 | crn << 7 | crm << 3 | op2
  }

  /// Reads a system register that may not exist; the value is register 1 of the result.
  public static func read(_ encoding: UInt32) -> AttemptResult {
    attempt(code: make([systemRegister(encoding, reading: true)]))
  }

  /// Writes a system register that may not exist.
  public static func write(_ encoding: UInt32, _ value: UInt64) -> AttemptResult {
    attempt(code: make([systemRegister(encoding, reading: false)]), 0, value)
  }
}
