/// An address as a guest's device tree and page tables name it (an intermediate physical address).
public struct GuestAddress: Equatable, Sendable {
  public var rawValue: UInt64

  public init(_ rawValue: UInt64) { self.rawValue = rawValue }
}

/// An address on the board's bus.
public struct PhysicalAddress: Equatable, Sendable {
  public var rawValue: UInt64

  public init(_ rawValue: UInt64) { self.rawValue = rawValue }
}

/// Bytes on the board's bus, `start` to `start + size`.
public struct PhysicalRange: Equatable, Sendable {
  public var start: UInt64
  /// Bytes; 0 for a range that is not there.
  public var size: UInt64

  public init(start: UInt64 = 0, size: UInt64 = 0) {
    self.start = start
    self.size = size
  }

  /// One past the last byte; the caller has checked that it does not wrap (`isSane`).
  public var end: UInt64 { start &+ size }

  /// Whether the end lies behind the start and below 2⁵².
  public var isSane: Bool { size < 1 << 52 && start < 1 << 52 }

  public func overlaps(_ other: PhysicalRange) -> Bool {
    start < other.end && other.start < end
  }
}

/// The number by which the interrupt controller names an interrupt (INTID): 0…15 software generated,
/// 16…31 private to a CPU, from 32 shared.
public struct InterruptNumber: Equatable, Sendable {
  public var rawValue: UInt32

  public init(_ rawValue: UInt32) { self.rawValue = rawValue }

  /// No interrupt: what the interrupt controller answers when there is none (INTID 1023).
  @inline(__always) public static var none: InterruptNumber { InterruptNumber(1023) }

  /// The interrupt's bit in a word of its group of 32.
  @inline(__always) public var bit: UInt32 { 1 &<< (rawValue & 31) }
}

/// A general-purpose register as a syndrome names it; 31 is the zero register.
public struct RegisterIndex: Equatable, Sendable {
  public var rawValue: UInt32

  public init(_ rawValue: UInt32) { self.rawValue = rawValue & 31 }
}
