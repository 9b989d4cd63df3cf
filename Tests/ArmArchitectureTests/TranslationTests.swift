import Testing

@testable import ArmArchitecture

/// Stage-2 descriptors against the manual (Arm ARM D8.3), and list registers (IHI 0069 12.4.3).
@Suite struct StageTwoTests {
  @Test func levels() {
    #expect((1...3).map { StageTwo.shift(level: $0) } == [30, 21, 12])
  }

  @Test func leaves() {
    #expect(StageTwo.leaf(0x4000_0000, level: 1, .memory) & 3 == 1)
    #expect(StageTwo.leaf(0x4020_0000, level: 2, .memory) & 3 == 1)
    #expect(StageTwo.leaf(0x4020_1000, level: 3, .memory) & 3 == 3)
    #expect(StageTwo.leaf(0x8_4020_0000, level: 2, .memory) & 0xFFFF_FFFF_F000 == 0x8_4020_0000)
  }

  /// MemAttr 5:2 write-back, S2AP 7:6, SH 9:8 inner shareable, AF 10, XN 54:53 clear.
  @Test(arguments: [(StageTwo.Attributes.memory, 3 as UInt64), (.readOnlyMemory, 1)])
  func attributes(_ attributes: StageTwo.Attributes, access: UInt64) {
    let leaf = StageTwo.leaf(0, level: 2, attributes)
    #expect(leaf >> 2 & 15 == 15)
    #expect(leaf >> 6 & 3 == access)
    #expect(leaf >> 8 & 3 == 3)
    #expect(leaf >> 10 & 1 == 1)
    #expect(leaf >> 53 == 0)
  }

  @Test func tables() {
    #expect(StageTwo.table(of: StageTwo.table(0x4123_4000)) == 0x4123_4000)
    #expect(StageTwo.table(of: 0) == nil)
    #expect(StageTwo.table(of: StageTwo.leaf(0x4000_0000, level: 2, .memory)) == nil)
  }
}

@Suite struct ListRegisterTests {
  private func list(_ number: UInt32, pending: Bool, active: Bool, signalsEnd: Bool = false) -> ListRegister {
    ListRegister(
      InterruptNumber(number), priority: 0xA0, isGroup1: true, pending: pending, active: active,
      signalsEnd: signalsEnd)
  }

  @Test func fields() {
    let raw = list(33, pending: true, active: false, signalsEnd: true).rawValue
    #expect(raw & 0xFFFF_FFFF == 33)
    #expect(raw >> 48 & 0xFF == 0xA0)
    #expect(raw >> 60 & 1 == 1)
    #expect(raw >> 62 == 1)
    #expect(raw >> 41 & 1 == 1)
    #expect(raw >> 61 & 1 == 0)
  }

  @Test(arguments: [(false, false), (true, false), (false, true), (true, true)])
  func state(pending: Bool, active: Bool) {
    let list = list(5, pending: pending, active: active)
    #expect(list.isPending == pending)
    #expect(list.isActive == active)
    #expect(list.isEmpty == (!pending && !active))
    #expect(list.interrupt == InterruptNumber(5))
  }

  /// With HW set, 41:32 name the physical interrupt, and bit 41 is no longer EOI.
  @Test func tiedToPhysical() {
    var list = list(27, pending: true, active: false, signalsEnd: true)
    #expect(!list.isPhysical)
    list.tieToPhysical()
    #expect(list.isPhysical)
    #expect(list.rawValue >> 32 & 0x3FF == 27)
    #expect(list.interrupt == InterruptNumber(27))
  }
}

@Suite struct AddressTests {
  @Test func overlaps() {
    let range = PhysicalRange(start: 0x1000, size: 0x1000)
    #expect(range.overlaps(PhysicalRange(start: 0x1FFF, size: 1)))
    #expect(!range.overlaps(PhysicalRange(start: 0x2000, size: 1)))
    #expect(!range.overlaps(PhysicalRange(start: 0, size: 0x1000)))
    #expect(range.overlaps(PhysicalRange(start: 0, size: 0x1_0000)))
  }

  @Test func sanity() {
    #expect(PhysicalRange(start: (1 << 52) - 1, size: (1 << 52) - 1).isSane)
    #expect(!PhysicalRange(start: 1 << 52, size: 1).isSane)
    #expect(!PhysicalRange(start: ~0, size: 2).isSane)
  }

  @Test func registerIndexIsFiveBits() {
    #expect(RegisterIndex(0xFFFF_FFE3) == RegisterIndex(3))
  }
}
