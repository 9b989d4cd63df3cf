import Testing

@testable import SoftwareVirtualization

@Suite struct SystemControlTests {
  private struct TestCPU: Identification {
    func identification(_ index: UInt32) -> UInt32 { 0x4100_0000 | index }
    func cacheLevels() -> UInt32 { 0x0920_0003 }
    func cacheSize(_ selection: UInt32) -> UInt32 { 0x700F_E019 | selection }
  }

  /// An MCR or MRC of r0.
  private static func word(_ cn: UInt32, _ opc1: UInt32, _ cm: UInt32, _ opc2: UInt32, read: Bool) -> UInt32 {
    0xEE00_0F10 | cn << 16 | opc1 << 21 | cm | opc2 << 5 | (read ? 1 << 20 : 0)
  }

  private func write(
    _ system: inout SystemRegisters, _ cn: UInt32, _ opc1: UInt32, _ cm: UInt32, _ opc2: UInt32, _ value: UInt32
  ) -> SystemEffect {
    var value = value
    return system.access(
      CoprocessorAccess(word: Self.word(cn, opc1, cm, opc2, read: false)), &value, TestCPU())
  }

  private func read(
    _ system: inout SystemRegisters, _ cn: UInt32, _ opc1: UInt32, _ cm: UInt32, _ opc2: UInt32
  ) -> UInt32? {
    var value: UInt32 = 0xDEAD_BEEF
    let access = CoprocessorAccess(word: Self.word(cn, opc1, cm, opc2, read: true))
    return system.access(access, &value, TestCPU()) == .undefined ? nil : value
  }

  @Test func controlKeepsWhatItDoesNotHave() {
    var system = SystemRegisters()
    let reset = system.control
    #expect(write(&system, 1, 0, 0, 0, ~0) == .control(changed: 0x7000_3807 & ~reset))
    #expect(read(&system, 1, 0, 0, 0) == reset | 0x7000_3807)
    #expect(write(&system, 1, 0, 0, 0, reset | 1) == .control(changed: 0x7000_3806))
    #expect(read(&system, 1, 0, 0, 0) == reset | 1)
  }

  @Test func vectors() {
    var system = SystemRegisters()
    #expect(system.vectors == 0)
    #expect(write(&system, 12, 0, 0, 0, 0x8000_1234) == .vectors)
    #expect(system.vectors == 0x8000_1220)
    _ = write(&system, 1, 0, 0, 0, 1 << 13 | 1 << 30)
    #expect(system.vectors == 0xFFFF_0001)
  }

  @Test func spaces() {
    var system = SystemRegisters()
    #expect(write(&system, 2, 0, 0, 0, 0x4000_4059) == .space)
    #expect(write(&system, 13, 0, 0, 1, 0x1234_5607) == .space)
    #expect(system.spaceKey == 0x4000_4007)
    #expect(read(&system, 13, 0, 0, 1) == 0x1234_5607)
    #expect(system.regime(domains: 0x55).table0 == 0x4000_4059)
  }

  @Test func maintenance() {
    var system = SystemRegisters()
    for row: UInt32 in [3, 5, 6, 7] {
      #expect(write(&system, 8, 0, row, 0, 0) == .invalidateAll)
      #expect(write(&system, 8, 0, row, 1, 0x1234_5678) == .invalidatePage(0x1234_5000))
      #expect(write(&system, 8, 0, row, 2, 5) == .invalidateAll)
      #expect(write(&system, 8, 0, row, 3, 0x1234_5678) == .invalidatePage(0x1234_5000))
    }
    #expect(write(&system, 8, 0, 4, 0, 0) == .undefined)
    #expect(read(&system, 8, 0, 7, 0) == nil)
    #expect(write(&system, 7, 0, 8, 3, 0xC000_0000) == .translate(0xC000_0000, isWrite: true, isUser: true))
  }

  @Test func identification() {
    var system = SystemRegisters()
    system.affinity = 1
    #expect(read(&system, 0, 0, 0, 0) == 0x4100_0000)
    #expect(read(&system, 0, 0, 1, 4) == 0x4100_0014)
    #expect(read(&system, 0, 0, 0, 5) == 0x8000_0001)
    _ = write(&system, 0, 2, 0, 0, 2)
    #expect(read(&system, 0, 1, 0, 0) == 0x700F_E01B)
    #expect(read(&system, 0, 1, 0, 1) == 0x0920_0003)
    #expect(write(&system, 0, 0, 0, 0, 1) == .undefined)
  }

  /// Whatever a guest writes and reads: an answer, and performance counters that are not there.
  @Test func everyRegisterHasAnAnswer() {
    var system = SystemRegisters()
    for bits: UInt32 in 0..<(1 << 14) {
      let (cn, opc1, cm, opc2) = (bits >> 10, bits >> 7 & 7, bits >> 3 & 15, bits & 7)
      _ = write(&system, cn, opc1, cm, opc2, ~bits)
      _ = read(&system, cn, opc1, cm, opc2)
    }
    #expect(read(&system, 9, 0, 12, 0) == 0)
    var value: UInt32 = 5
    let debug = CoprocessorAccess(word: 0xEE10_0E10)
    #expect(system.access(debug, &value, TestCPU()) == .nothing && value == 0)
  }
}
