// What the vectors hand over.

import GuestMachine

/// By the number of the vector.
public enum ExceptionKind {
  public static let undefined: UInt32 = 1
  public static let supervisorCall: UInt32 = 2
  public static let prefetchAbort: UInt32 = 3
  public static let dataAbort: UInt32 = 4
  public static let interrupt: UInt32 = 6
}

/// What was interrupted, and goes on.
public struct ExceptionFrame {
  /// r0…r12.
  public var registers: InlineArray<13, UInt32>
  /// Of Supervisor mode.
  public var link: UInt32
  public var programCounter: UInt32
  public var status: UInt32

  public var isT32: Bool { status & 1 &<< 5 != 0 }
  public var isUser: Bool { status & 0x1F == 0x10 }

  /// ITSTATE.
  public var ifThen: UInt32 { status &>> 25 & 3 | status &>> 8 & 0xFC }
}

/// Supervisor mode in T32, interrupts masked.
public let kernelStatus: UInt32 = 0x1F3

public enum Exceptions {
  /// What a guest does with an exception that ends no attempt.
  public typealias Handler = (UInt32, UnsafeMutablePointer<ExceptionFrame>) -> Void

  nonisolated(unsafe) public static var handler: Handler = reportUnexpected
}

@c(guest_exception)
public func takeException(_ kind: UInt32, _ frame: UnsafeMutableRawPointer) {
  let frame = unsafe frame.assumingMemoryBound(to: ExceptionFrame.self)
  // Its own code, not what User mode or an interrupt does meanwhile.
  guard attempt_stack() != 0, kind != ExceptionKind.interrupt, unsafe !frame.pointee.isUser else {
    return unsafe Exceptions.handler(kind, frame)
  }
  Attempt.end = unsafe frame.pointee
  unsafe frame.pointee.registers[0] = kind
  unsafe frame.pointee.programCounter = attempt_end_address() & ~1
  unsafe frame.pointee.status = kernelStatus
}

/// An exception that nobody expected: reported, and the end of this guest.
public func reportUnexpected(_ kind: UInt32, _ frame: UnsafeMutablePointer<ExceptionFrame>) {
  Console.write("FAIL unexpected exception ")
  Console.write(decimal: kind)
  tell(" pc ", unsafe frame.pointee.programCounter)
  tell(" cpsr ", unsafe frame.pointee.status)
  tell(" dfsr ", read_data_fault_status())
  tell(" dfar ", read_data_fault_address())
  tell(" ifsr ", read_instruction_fault_status())
  tell(" ifar ", read_instruction_fault_address())
  Console.write("\n")
  Power.off()
}

private func tell(_ label: StaticString, _ value: UInt32) {
  Console.write(label)
  Console.write(hex: value)
}
