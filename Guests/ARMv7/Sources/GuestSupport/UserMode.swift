// User mode, entered from the kernel and left by a call.

import GuestMachine

public enum UserMode {
  /// r0…r12, SP, LR, PC, CPSR: where it begins, and r0…r12 as they were when it ended.
  nonisolated(unsafe) public static var context = InlineArray<17, UInt32>(repeating: 0)

  /// Runs until `end`.
  /// - Parameter usesRFE: enters by RFE, not by SUBS PC, LR.
  public static func run(usesRFE: Bool) {
    unsafe withUnsafeMutablePointer(to: &context) {
      // An InlineArray of 17 words is the 17 words that the routine expects.
      unsafe guest_run_user(UnsafeMutableRawPointer($0).assumingMemoryBound(to: UInt32.self), usesRFE ? 1 : 0)
    }
  }

  /// What a handler of exceptions does so that `run` returns.
  public static func end(_ frame: inout ExceptionFrame) {
    for index in 0..<13 { context[index] = frame.registers[index] }
    frame.programCounter = user_end_address() & ~1
    frame.status = kernelStatus
  }

  /// SP of User mode.
  public static var stackPointer: UInt32 {
    var bank: InlineArray<2, UInt32> = [0, 0]
    unsafe withUnsafeMutablePointer(to: &bank) {
      // An InlineArray of two words is the two words that the routine expects.
      unsafe guest_read_user_bank(UnsafeMutableRawPointer($0).assumingMemoryBound(to: UInt32.self))
    }
    return bank[0]
  }
}
