// PSCI (ARM DEN 0022), called by HVC.

import GuestMachine

public enum Power {
  public static let version: UInt32 = 0x8400_0000
  public static let systemOff: UInt32 = 0x8400_0008

  /// Calls a function and returns r0.
  @discardableResult
  public static func call(_ function: UInt32, _ first: UInt32 = 0, _ second: UInt32 = 0, _ third: UInt32 = 0)
    -> UInt32
  {
    var registers: InlineArray<4, UInt32> = [function, first, second, third]
    unsafe withUnsafeMutablePointer(to: &registers) {
      // An InlineArray of four words is the four words that the routine expects.
      unsafe guest_call(UnsafeMutableRawPointer($0).assumingMemoryBound(to: UInt32.self))
    }
    return registers[0]
  }

  public static func off() -> Never {
    call(systemOff)
    while true { wait_for_interrupt() }
  }
}
