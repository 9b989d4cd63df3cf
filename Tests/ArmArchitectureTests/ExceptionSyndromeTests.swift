import Testing

@testable import ArmArchitecture

@Suite struct ExceptionSyndromeTests {
  private func trap(class exceptionClass: UInt64, _ rest: UInt64 = 0) -> Trap {
    ExceptionSyndrome(exceptionClass << 26 | rest).trap
  }

  @Test func everyClass() {
    let known: [UInt64: Trap] = [
      0x01: .wait, 0x07: .floatingPoint, 0x12: .hypervisorCall, 0x16: .hypervisorCall,
      0x13: .secureMonitorCall, 0x17: .secureMonitorCall, 0x20: .instructionAbort,
    ]
    let described: [UInt64] = [0x03, 0x04, 0x05, 0x08, 0x18, 0x24]
    for number in 0..<64 as Range<UInt64> where !described.contains(number) {
      #expect(trap(class: number, 0x1FF_FFFF) == known[number] ?? .undefined, "class \(number)")
    }
  }

  @Test func instructionSize() {
    #expect(ExceptionSyndrome(1 << 25).instructionSize == 4)
    #expect(ExceptionSyndrome(~(1 << 25)).instructionSize == 2)
  }

  /// What lies above bit 31 (ISS2) changes nothing.
  @Test func upperBitsDoNotMatter() {
    #expect(ExceptionSyndrome(0xFFFF_FFFF_5A00_0000).trap == .hypervisorCall)
  }

  @Test func systemRegisterAccess() throws {
    // MRS x7, MDSCR_EL1 (2, 0, c0, c2, 2): op0 21:20, op2 19:17, op1 16:14, CRn 13:10, Rt 9:5, CRm 4:1.
    guard case .systemRegister(let access) = trap(class: 0x18, 2 << 20 | 2 << 17 | 7 << 5 | 2 << 1 | 1) else {
      Issue.record("no system register")
      return
    }
    #expect(access.isRead)
    #expect(access.transfer == RegisterIndex(7))
    #expect(access.register == .monitorDebugControl)
  }

  /// Every encoding survives the way through a syndrome.
  @Test func systemRegistersFromSyndromes() {
    for op0 in 2..<4 as Range<UInt32> {
      for rest in 0..<0x4000 as Range<UInt32> {
        let (op1, cn, cm, op2) = (rest >> 11, rest >> 7 & 15, rest >> 3 & 15, rest & 7)
        let syndrome = op0 << 20 | op2 << 17 | op1 << 14 | cn << 10 | cm << 1
        let access = SystemRegisterAccess(syndrome: syndrome)
        guard access.register == SystemRegister(op0, op1, cn, cm, op2), !access.isRead else {
          Issue.record("\(op0) \(op1) \(cn) \(cm) \(op2)")
          return
        }
      }
    }
  }

  @Test func identificationSpace() {
    #expect(SystemRegister(3, 0, 0, 4, 0).isIdentification)
    #expect(SystemRegister(3, 0, 0, 7, 5).identificationIndex == 7 << 3 | 5)
    #expect(!SystemRegister(3, 0, 1, 4, 0).isIdentification)
    #expect(!SystemRegister(3, 1, 0, 4, 0).isIdentification)
    #expect(!SystemRegister(2, 0, 0, 4, 0).isIdentification)
  }
}

@Suite struct DataAbortTests {
  private func abort(_ bits: UInt32) -> DataAbort { DataAbort(ExceptionSyndrome(UInt64(bits))) }

  @Test func fields() {
    for size in 0..<4 as Range<UInt32> { #expect(abort(size << 22).sizeShift == size) }
    #expect(abort(0x1F << 16).transfer == RegisterIndex(31))
    #expect(abort(1 << 6).isWrite)
    #expect(abort(1 << 8).isCacheMaintenance)
    #expect(abort(1 << 15).isSixtyFourBit)
    #expect(abort(1 << 21).isSignExtended)
    #expect(!abort(0).isWrite && !abort(0).isCacheMaintenance && !abort(0).isSignExtended)
  }

  /// Fault status codes (Arm ARM, ISS of a data abort): 0b0000LL address size, 0b0001LL translation, 0b0010LL
  /// access flag, 0b0011LL permission, 0b010000 external. Only a translation fault of a described access (ISV 24)
  /// that is no table walk (S1PTW 7) can be emulated.
  @Test func faultStatus() {
    for status in 0..<64 as Range<UInt32> {
      let described = abort(1 << 24 | status)
      #expect(described.isEmulatable == (4..<8).contains(status), "status \(status)")
      #expect(described.isPermissionFault == (12..<16).contains(status), "status \(status)")
      #expect(!abort(status).isEmulatable)
      #expect(!abort(1 << 24 | 1 << 7 | status).isEmulatable)
      #expect(!abort(1 << 24 | 1 << 7 | status).isPermissionFault)
    }
  }

  /// Size, signed, 64-bit register, what is on the bus, what arrives.
  @Test(
    arguments: [
      (0, false, false, 0xFFFF_FFFF_FFFF_FF80, 0x80), (1, false, false, 0xFFFF_FFFF_FFFF_8001, 0x8001),
      (2, false, false, 0xFFFF_FFFF_8000_0001, 0x8000_0001),
      (3, false, true, 0x8000_0000_0000_0001, 0x8000_0000_0000_0001),
      (0, true, false, 0x80, 0xFFFF_FF80), (0, true, true, 0x80, 0xFFFF_FFFF_FFFF_FF80),
      (0, true, true, 0x17F, 0x7F),
      (1, true, false, 0x8000, 0xFFFF_8000), (1, true, true, 0x8000, 0xFFFF_FFFF_FFFF_8000),
      (2, true, true, 0x8000_0000, 0xFFFF_FFFF_8000_0000), (2, true, true, 0x7FFF_FFFF, 0x7FFF_FFFF),
    ] as [(UInt32, Bool, Bool, UInt64, UInt64)])
  func extendsWhatIsLoaded(size: UInt32, isSigned: Bool, isWide: Bool, value: UInt64, expected: UInt64) {
    let syndrome = size << 22 | (isSigned ? 1 << 21 : 0) | (isWide ? 1 << 15 : 0)
    #expect(abort(syndrome).extend(value) == expected)
  }
}
