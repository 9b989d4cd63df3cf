// Instructions that are made up.

import GuestMachine

/// Writes code, one instruction after the other.
public struct Program {
  /// Bit 0 set for T32.
  public let start: UInt32
  public private(set) var address: UInt32

  /// - Parameter address: bit 0 set for T32.
  public init(at address: UInt32) {
    start = address
    self.address = address & ~1
  }

  public var isT32: Bool { start & 1 != 0 }

  /// An A32 instruction; in a T32 program, what its words are there: first the halfword on top.
  public mutating func add(_ word: UInt32) {
    guard isT32 else {
      write32(address, word)
      address = address &+ 4
      return
    }
    half(word &>> 16)
    half(word)
  }

  public mutating func add<let count: Int>(_ words: InlineArray<count, UInt32>) {
    for index in 0..<count { add(words[index]) }
  }

  public mutating func half(_ value: UInt32) {
    write16(address, UInt16(truncatingIfNeeded: value))
    address = address &+ 2
  }

  /// An instruction that is the same in both states but for its condition: of a coprocessor, LDM, STM, LDR, STR.
  public mutating func add(both word: UInt32) { add(isT32 ? word & 0x0FFF_FFFF | 0xE000_0000 : word) }

  /// What was written is about to be executed.
  public func publish() { GuestSupport.publish(start & ~1, bytes: address &- start & ~1 &+ 2) }

  /// SVC, and so far that what is before it may begin a long instruction.
  public mutating func end() {
    for _ in 0..<2 { isT32 ? half(0xDF00) : add(0xEF00_0000) }
    if isT32 { half(0xDF00) }
    publish()
  }
}
