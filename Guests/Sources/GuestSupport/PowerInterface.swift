// PSCI (ARM DEN 0022) and SMCCC (ARM DEN 0028), called by HVC.

import GuestMachine

/// Function identifiers.
public enum PowerFunction {
  public static let version: UInt64 = 0x8400_0000
  public static let suspend64: UInt64 = 0xC400_0001
  public static let off: UInt64 = 0x8400_0002
  public static let on64: UInt64 = 0xC400_0003
  public static let on32: UInt64 = 0x8400_0003
  public static let affinityInfo64: UInt64 = 0xC400_0004
  public static let affinityInfo32: UInt64 = 0x8400_0004
  public static let migrateInfoType: UInt64 = 0x8400_0006
  public static let systemOff: UInt64 = 0x8400_0008
  public static let systemReset: UInt64 = 0x8400_0009
  public static let features: UInt64 = 0x8400_000A
  public static let callVersion: UInt64 = 0x8000_0000
  public static let callFeatures: UInt64 = 0x8000_0001
}

/// Answers below zero.
public enum PowerError {
  public static let notSupported: Int64 = -1
  public static let invalidParameters: Int64 = -2
  public static let denied: Int64 = -3
  public static let alreadyOn: Int64 = -4
  public static let onPending: Int64 = -5
  public static let invalidAddress: Int64 = -9
}

public enum PowerInterface {
  /// Calls a function and returns x0.
  @discardableResult
  public static func call(_ function: UInt64, _ first: UInt64 = 0, _ second: UInt64 = 0, _ third: UInt64 = 0)
    -> Int64
  {
    var registers: InlineArray<8, UInt64> = [function, first, second, third, 0, 0, 0, 0]
    withUnsafeMutablePointer(to: &registers) {
      // An InlineArray of eight words is the eight words that the routine expects.
      guest_call(UnsafeMutableRawPointer($0).assumingMemoryBound(to: UInt64.self))
    }
    return Int64(bitPattern: registers[0])
  }

  /// An answer of a 32-bit function: only w0 counts.
  public static func call32(_ function: UInt64, _ first: UInt64 = 0, _ second: UInt64 = 0, _ third: UInt64 = 0)
    -> Int64
  {
    Int64(Int32(truncatingIfNeeded: call(function, first, second, third)))
  }

  public static func systemOff() -> Never {
    call(PowerFunction.systemOff)
    while true { wait_for_interrupt() }
  }

  /// Starts another CPU of this machine at `body`, with its own stack, MMU on, interrupts masked.
  public static func startProcessor(
    _ index: Int, argument: UInt64 = 0, _ body: @convention(c) (UInt64) -> Void
  ) -> Int64 {
    let state = Processors.state(index)
    state.pointee.index = UInt64(index)
    state.pointee.start = body
    state.pointee.argument = argument
    synchronize()
    return call(PowerFunction.on64, UInt64(index), secondary_entry(), UInt64(UInt(bitPattern: state)))
  }
}

/// The state that this guest keeps of each of its CPUs.
public enum Processors {
  public static func state(_ index: Int) -> UnsafeMutablePointer<Processor> {
    processor_state(UInt64(index))
  }

  /// Of the CPU that runs this.
  public static var current: UnsafeMutablePointer<Processor> {
    // TPIDR_EL1 holds it since entry.
    UnsafeMutablePointer(bitPattern: UInt(read_TPIDR_EL1())).unsafelyUnwrapped
  }

  /// How many CPUs AFFINITY_INFO knows: every answer but INVALID_PARAMETERS stands for one.
  public static var count: Int {
    var count = 1
    while count < 8, PowerInterface.call(PowerFunction.affinityInfo64, UInt64(count), 0) >= 0 { count += 1 }
    return count
  }
}
