// The A32 instructions that the translator writes, without a condition (bits 31:28 are 14).

enum A32 {
  static func moveWord(_ register: UInt32, _ value: UInt32) -> UInt32 {
    0xE300_0000 | register &<< 12 | (value & 0xF000) &<< 4 | value & 0xFFF
  }
  static func moveTop(_ register: UInt32, _ value: UInt32) -> UInt32 {
    moveWord(register, value &>> 16) | 0x40_0000
  }
  static func move(_ destination: UInt32, _ source: UInt32) -> UInt32 {
    0xE1A0_0000 | destination &<< 12 | source
  }
  /// ADD of a constant of eight bits, rotated as encoded in 12 bits.
  static func add(_ destination: UInt32, _ source: UInt32, encoded: UInt32) -> UInt32 {
    0xE280_0000 | source &<< 16 | destination &<< 12 | encoded
  }
  static func subtract(_ destination: UInt32, _ source: UInt32, encoded: UInt32) -> UInt32 {
    0xE240_0000 | source &<< 16 | destination &<< 12 | encoded
  }
  /// LDR from a register and up to 4095 bytes.
  static func load(_ destination: UInt32, _ base: UInt32, _ offset: UInt32 = 0) -> UInt32 {
    0xE590_0000 | base &<< 16 | destination &<< 12 | offset
  }
  static func store(_ source: UInt32, _ base: UInt32, _ offset: UInt32 = 0) -> UInt32 {
    0xE580_0000 | base &<< 16 | source &<< 12 | offset
  }
  /// LDMIA and STMIA, without write-back.
  static func loadMultiple(_ base: UInt32, _ list: UInt32) -> UInt32 { 0xE890_0000 | base &<< 16 | list }
  static func storeMultiple(_ base: UInt32, _ list: UInt32) -> UInt32 { 0xE880_0000 | base &<< 16 | list }
  static func branch(from address: UInt32, to target: UInt32) -> UInt32 {
    0xEA00_0000 | (target &- address &- 8) &>> 2 & 0xFF_FFFF
  }
  /// An exit from the cache.
  static func exit(_ code: UInt32) -> UInt32 { 0xEF00_0000 | code & 0xFF_FFFF }
  /// `SUB pc, pc, #3`: the next word is T32 code.
  static var enterT32: UInt32 { 0xE24F_F003 }
  static var instructionBarrier: UInt32 { 0xF57F_F06F }
}

/// The same in T32; a pair of halfwords has the first one in its lower half, as a word in memory.
enum T32 {
  /// `BX pc`: with a halfword of padding behind it, the next word is A32 code.
  static var enterA32: UInt32 { 0x4778 }
  static var nothing: UInt32 { 0xBF00 }
  static func ifThen(_ condition: UInt32) -> UInt32 { 0xBF08 | condition &<< 4 }
  static func moveWord(_ register: UInt32, _ value: UInt32) -> UInt32 {
    0xF240 | value &>> 12 & 0xF | (value &>> 11 & 1) &<< 10
      | ((value &>> 8 & 7) &<< 12 | register &<< 8 | value & 0xFF) &<< 16
  }
  static func moveTop(_ register: UInt32, _ value: UInt32) -> UInt32 {
    moveWord(register, value &>> 16) | 0x80
  }
  /// LDR from a word behind the instruction: `offset` from the PC, aligned down to a word.
  static func load(_ register: UInt32, offset: UInt32) -> UInt32 {
    0xF8DF | (register &<< 12 | offset) &<< 16
  }
}
