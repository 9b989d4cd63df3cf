import Testing

@testable import ArmArchitecture

@Suite struct NarrowStateTests {
  /// The conditions as the manual words them (F2.3.1).
  private static func holds(_ condition: UInt64, _ n: Bool, _ z: Bool, _ c: Bool, _ v: Bool) -> Bool {
    switch condition {
    case 0: z
    case 1: !z
    case 2: c
    case 3: !c
    case 4: n
    case 5: !n
    case 6: v
    case 7: !v
    case 8: c && !z
    case 9: !c || z
    case 10: n == v
    case 11: n != v
    case 12: !z && n == v
    case 13: z || n != v
    default: true
    }
  }

  /// Classes 0x03 to 0x08 and 0x13 have conditions, from the syndrome or from the IT state.
  @Test(arguments: [0x03, 0x04, 0x05, 0x06, 0x08, 0x13] as [UInt64]) func conditions(kind: UInt64) {
    for condition in 0..<16 as Range<UInt64> {
      for flags in 0..<16 as Range<UInt64> {
        let expected = Self.holds(
          condition, flags & 8 != 0, flags & 4 != 0, flags & 2 != 0, flags & 1 != 0)
        let state = flags << 28 | 0x13
        let valid = ExceptionSyndrome(kind << 26 | 1 << 24 | condition << 20)
        #expect(NarrowState(state).passes(valid) == expected, "\(condition) \(flags)")
        // The last instruction of an IT block.
        let inBlock = state | 1 << 5 | ((condition << 4 | 8) >> 2) << 10
        #expect(NarrowState(inBlock).passes(ExceptionSyndrome(kind << 26)) == expected, "\(condition) \(flags)")
      }
    }
  }

  @Test func withoutACondition() {
    for kind in 0..<64 as Range<UInt64> where !(3...8).contains(kind) && kind != 0x13 {
      #expect(NarrowState(0x13).passes(ExceptionSyndrome(kind << 26 | 1 << 24)), "\(kind)")
    }
    #expect(NarrowState(0x13).passes(ExceptionSyndrome(3 << 26)), "outside of an IT block")
  }

  /// ITTET EQ: conditions EQ, EQ, NE, EQ, then none.
  @Test func block() {
    var state = NarrowState(Self.state(block: 0b0000_0101))
    var conditions: [UInt64] = []
    while state.rawValue & 0x600_FC00 != 0 {
      conditions.append(Self.block(of: state) >> 4)
      state = state.advanced
      #expect(conditions.count < 5)
    }
    #expect(conditions == [0, 0, 1, 0])
    #expect(state == NarrowState(0xF00F_0233))
    #expect(state.advanced == state)
  }

  private static func state(block: UInt64) -> UInt64 { 0xF00F_0233 | (block >> 2) << 10 | (block & 3) << 25 }
  private static func block(of state: NarrowState) -> UInt64 {
    (state.rawValue >> 10 & 63) << 2 | state.rawValue >> 25 & 3
  }

  /// In Supervisor mode 13 and 14 are its own SP and LR.
  @Test func banked() {
    for number in 0..<32 as Range<UInt64> {
      let syndrome = ExceptionSyndrome(0x9380_0046 | number << 16)
      let expected: UInt64 = number == 13 ? 19 : number == 14 ? 18 : number
      #expect(NarrowState(0x1D3).banked(syndrome).rawValue == 0x9380_0046 | expected << 16)
      #expect(NarrowState(0x1D0).banked(syndrome).rawValue == syndrome.rawValue)
      let other = ExceptionSyndrome(0x0E00_0001 | number << 16)
      #expect(NarrowState(0x1D3).banked(other).rawValue == other.rawValue)
    }
  }

  /// Flags stay; instruction set and byte order are SCTLR's; IT and mode go.
  @Test func entering() {
    let state = NarrowState(0xF80F_0000 | 0x600_FC00 | 0x2D3 | 0x20)
    #expect(state.entering(0x9B, control: 0).rawValue == 0xF80F_00DB)
    #expect(state.entering(0x197, control: 1 << 30 | 1 << 25).rawValue == 0xF80F_03F7)
    #expect(NarrowState(0x10).entering(0x9B, control: 0).rawValue == 0x9B)
  }

  /// Offset of the vector, what LR gets, mode, LR's place: as the manual's table G1-8 has them.
  @Test func exceptions() {
    let undefined = NarrowException(syndrome: 0x0200_0000, isThumb: false)
    #expect(
      undefined.offset == 4 && undefined.link == 4 && undefined.mode & 31 == 0x1B
        && undefined.linkRegister == 22)
    #expect(NarrowException(syndrome: 0, isThumb: true).link == 2)
    for kind in [0x20, 0x21] as [UInt64] {
      let fetch = NarrowException(syndrome: kind << 26, isThumb: true)
      #expect(fetch.offset == 12 && fetch.link == 4 && fetch.mode & 31 == 0x17 && fetch.linkRegister == 20)
    }
    for kind in [0x24, 0x25] as [UInt64] {
      let data = NarrowException(syndrome: kind << 26, isThumb: true)
      #expect(data.offset == 16 && data.link == 8 && data.mode & 31 == 0x17 && data.linkRegister == 20)
    }
  }

  // MARK: Syndromes

  private func access(_ kind: UInt64, _ rest: UInt64) -> SystemRegisterAccess? {
    guard case .systemRegister(let access) = ExceptionSyndrome(kind << 26 | rest).trap else { return nil }
    return access
  }

  /// MRC p15: Opc2 19:17, Opc1 16:14, CRn 13:10, Rt 9:5, CRm 4:1. What stands in 24:20 is a condition.
  @Test func coprocessorRegisters() throws {
    for condition in 0..<32 as Range<UInt64> {
      let control = try #require(access(0x03, condition << 20 | 1 << 17 | 1 << 10 | 3 << 5 | 1))
      #expect(control.register == .auxiliaryControl && control.isRead && control.transfer == RegisterIndex(3))
      let debug = try #require(access(0x05, condition << 20 | 2 << 17 | 2 << 1))
      #expect(debug.register == .monitorDebugControl && !debug.isRead)
    }
    let feature = try #require(access(0x03, 1 << 17 | 1 << 1 | 1))
    #expect(feature.register.isIdentification && feature.register.identificationIndex == 1 << 3 | 1)
  }

  /// VMRS of MVFR0, MVFR1, MVFR2.
  @Test func floatingPointFeatures() throws {
    for index in 0..<3 as Range<UInt64> {
      let feature = try #require(access(0x08, 0xE << 20 | 1 << 24 | (7 - index) << 10 | 9 << 5 | 1))
      #expect(
        feature.register.identificationIndex == 3 << 3 | UInt32(index) && feature.register.isIdentification)
      #expect(feature.transfer == RegisterIndex(9))
    }
  }

  /// MCRR p15: Opc1 19:16, Rt2 14:10, Rt 9:5, CRm 4:1. Only three of them are registers.
  @Test func pairs() throws {
    for opcode in 0..<16 as Range<UInt64> {
      for cm in 0..<16 as Range<UInt64> {
        let syndrome = 0xE << 20 | opcode << 16 | 7 << 10 | 4 << 5 | cm << 1
        let register = try #require(access(0x04, syndrome)).register
        let isKnown = [
          SystemRegister.softwareInterruptGroup1, .softwareInterruptAlias, .softwareInterruptGroup0,
        ].contains(register)
        #expect(isKnown == (cm == 12 && opcode & 7 < 3), "\(opcode) \(cm)")
        #expect(!register.isIdentification && !register.isDebug && register != .auxiliaryControl)
        let pair = try #require(ExceptionSyndrome(4 << 26 | syndrome).registerPair)
        #expect(pair.lower == RegisterIndex(4) && pair.upper == RegisterIndex(7))
      }
    }
    #expect(ExceptionSyndrome(3 << 26).registerPair == nil)
  }
}
