import Testing

@testable import SoftwareVirtualization

/// What a load or store does. Encodings from an assembler.
@Suite struct RegisterTransferTests {
  @Test(
    arguments: [
      // LDR r3, [r1]; STRB r2, [r1, #4]; LDRH r5, [r0]; LDRSB r6, [r7, r8]; LDRSH r9, [r0, #-2]; STRH r1, [r2]
      (0xE591_3000, 4, false, 3, false), (0xE5C1_2004, 1, false, 2, true), (0xE1D0_50B0, 2, false, 5, false),
      (0xE197_60D8, 1, true, 6, false), (0xE150_90F2, 2, true, 9, false), (0xE1C2_10B0, 2, false, 1, true),
      // LDRNE r0, [r1, r2, LSL #2]
      (0x1791_0102, 4, false, 0, false),
    ] as [(UInt32, UInt32, Bool, UInt32, Bool)])
  func a32(_ word: UInt32, bytes: UInt32, isSigned: Bool, register: UInt32, isWrite: Bool) throws {
    let found = try #require(RegisterTransfer(a32: word))
    #expect(found.bytes == bytes && found.isSigned == isSigned)
    #expect(found.register == register && found.isWrite == isWrite && found.size == 4)
  }

  // LDR r3, [r1], #4; LDR r3, [r1, #4]!; LDRD; LDM; LDR pc; STREX; PLD; MUL; ADD
  @Test(
    arguments: [
      0xE491_3004, 0xE5B1_3004, 0xE1C0_20D0, 0xE891_0006, 0xE591_F000, 0xE182_1F93, 0xF5D1_F000, 0xE000_0291,
      0xE080_0001,
    ] as [UInt32])
  func otherA32(_ word: UInt32) { #expect(RegisterTransfer(a32: word) == nil) }

  @Test(
    arguments: [
      // LDR r1, [r2, #4]; STRB r3, [r0]; LDRH r4, [r5, #2]; LDR r6, [sp, #8]; LDRSB r0, [r1, r2]; STR r7, [r0, r1]
      (0x6851, 0, 4, false, 1, false, 2), (0x7003, 0, 1, false, 3, true, 2), (0x886C, 0, 2, false, 4, false, 2),
      (0x9E02, 0, 4, false, 6, false, 2), (0x5688, 0, 1, true, 0, false, 2), (0x5047, 0, 4, false, 7, true, 2),
      // LDR.W r8, [r1, #100]; LDRSH.W r9, [r2, #-4]; STRB.W r10, [r3, r4, LSL #1]
      (0xF8D1, 0x8064, 4, false, 8, false, 4), (0xF932, 0x9C04, 2, true, 9, false, 4),
      (0xF803, 0xA014, 1, false, 10, true, 4),
    ] as [(UInt32, UInt32, UInt32, Bool, UInt32, Bool, UInt32)])
  func t32(
    _ first: UInt32, _ second: UInt32, bytes: UInt32, isSigned: Bool, register: UInt32, isWrite: Bool,
    size: UInt32
  ) throws {
    let found = try #require(RegisterTransfer(t32: first, second))
    #expect(found.bytes == bytes && found.isSigned == isSigned)
    #expect(found.register == register && found.isWrite == isWrite && found.size == size)
  }

  // PUSH; LDR literal's neighbour ADR; LDR.W r1, [r2], #4; LDRD; LDM.W; a branch
  @Test(
    arguments: [
      (0xB510, 0), (0xA001, 0), (0xF852, 0x1B04), (0xE9D1, 0x2300), (0xE891, 0x0006), (0xE7FE, 0),
    ] as [(UInt32, UInt32)])
  func otherT32(_ first: UInt32, _ second: UInt32) { #expect(RegisterTransfer(t32: first, second) == nil) }

  // LDRSH r9; LDRSB r0; LDRB r3; LDR r0
  @Test(
    arguments: [
      (0xE150_90F2, 0x1234_8765, 0xFFFF_8765), (0xE150_90F2, 0xFFFF_7654, 0x7654),
      (0xE197_60D8, 0x180, 0xFFFF_FF80), (0xE197_60D8, 0x17F, 0x7F), (0xE5D1_3000, 0x1FF, 0xFF),
      (0xE1D0_50B0, 0xF_8000, 0x8000), (0xE591_3000, 0x8000_0001, 0x8000_0001),
    ] as [(UInt32, UInt32, UInt32)])
  func extended(_ word: UInt32, value: UInt32, register: UInt32) throws {
    #expect(try #require(RegisterTransfer(a32: word)).extend(value) == register)
  }

  /// log₂ of 1, 2 and 4 bytes.
  @Test(arguments: [(0xE5D1_3000, 0), (0xE1D0_50B0, 1), (0xE591_3000, 2)] as [(UInt32, UInt32)])
  func sizes(_ word: UInt32, shift: UInt32) throws {
    #expect(try #require(RegisterTransfer(a32: word)).sizeShift == shift)
  }
}
