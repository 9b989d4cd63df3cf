// The instructions that are patched in and out, in both states. A word of T32 has its first halfword on top.

import GuestMachine
import GuestSupport

/// A32 or T32.
struct InstructionSet {
  let isT32: Bool

  /// An address as a branch wants it.
  func entry(_ address: UInt32) -> UInt32 { isT32 ? address | 1 : address }

  /// MOVW.
  func move(_ register: UInt32, _ value: UInt32) -> UInt32 {
    guard isT32 else { return 0xE300_0000 | (value &>> 12) &<< 16 | register &<< 12 | value & 0xFFF }
    let upper = 0xF240_0000 | (value &>> 12) &<< 16 | (value &>> 11 & 1) &<< 26
    return upper | (value &>> 8 & 7) &<< 12 | register &<< 8 | value & 0xFF
  }

  /// ADD of a small constant.
  func add(_ register: UInt32, _ value: UInt32) -> UInt32 {
    isT32
      ? 0xF100_0000 | register &<< 16 | register &<< 8 | value
      : 0xE280_0000 | register &<< 16 | register &<< 12 | value
  }

  /// BX LR, with a NOP behind it where it is short.
  var back: UInt32 { isT32 ? 0x4770_BF00 : 0xE12F_FF1E }
  var nothing: UInt32 { isT32 ? 0xF3AF_8000 : 0xE320_F000 }
  /// UDF and BKPT, with a NOP behind it where it is short.
  var undefined: UInt32 { isT32 ? 0xF7F0_A000 : 0xE7F0_01F8 }
  var breakpoint: UInt32 { isT32 ? 0xBE00_BF00 : 0xE120_0070 }
  /// PUSH {LR}, POP {PC}, of 32 bits.
  var push: UInt32 { isT32 ? 0xF84D_ED04 : 0xE52D_E004 }
  var pop: UInt32 { isT32 ? 0xF85D_FB04 : 0xE49D_F004 }
  /// SVC #0; in T32 behind a NOP, so that it is as long.
  var call: UInt32 { isT32 ? 0xBF00_DF00 : 0xEF00_0000 }
  /// SVC #1 likewise.
  var callForMaintenance: UInt32 { call | 1 }
  /// STR r1, [r0].
  var store: UInt32 { isT32 ? 0xF8C0_1000 : 0xE580_1000 }
  /// DCCMVAU, ICIMVAU and BPIALL of R0; DSB; ISB.
  var maintenance: InlineArray<5, UInt32> {
    isT32
      ? [0xEE07_0F3B, 0xEE07_0F35, 0xEE07_0FD5, 0xF3BF_8F4F, 0xF3BF_8F6F]
      : [0xEE07_0F3B, 0xEE07_0F35, 0xEE07_0FD5, 0xF57F_F04F, 0xF57F_F06F]
  }

  func branch(from address: UInt32, to target: UInt32) -> UInt32 {
    isT32 ? wideBranch(target &- address &- 4) & ~0x4000 : 0xEA00_0000 | offset(address, target)
  }

  func call(from address: UInt32, to target: UInt32) -> UInt32 {
    isT32 ? wideBranch(target &- address &- 4) : 0xEB00_0000 | offset(address, target)
  }

  private func offset(_ address: UInt32, _ target: UInt32) -> UInt32 {
    (target &- address &- 8) &>> 2 & 0xFF_FFFF
  }

  /// BL: S, J1, J2 (A8.8.25).
  private func wideBranch(_ offset: UInt32) -> UInt32 {
    let sign = offset &>> 24 & 1
    let first = (~(offset &>> 23) ^ sign) & 1
    let second = (~(offset &>> 22) ^ sign) & 1
    return 0xF000_D000 | sign &<< 26 | (offset &>> 12 & 0x3FF) &<< 16 | first &<< 13 | second &<< 11
      | offset &>> 1 & 0x7FF
  }

  /// An instruction as a word of memory.
  func inMemory(_ word: UInt32) -> UInt32 { isT32 ? word &<< 16 | word &>> 16 : word }

  /// Writes an instruction where no program does.
  func write(_ address: UInt32, _ word: UInt32) { write32(address, inMemory(word)) }

  /// A function that returns a number.
  @discardableResult func function(at address: UInt32, giving value: UInt32) -> UInt32 {
    var program = Program(at: entry(address))
    program.add(move(0, value))
    program.add(back)
    program.publish()
    return entry(address)
  }
}
