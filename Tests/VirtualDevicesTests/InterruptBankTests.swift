import ArmArchitecture
import Testing
import VirtualDevices

@Suite struct InterruptRegisterTests {
  private typealias Kind = InterruptRegister.Kind

  /// The first interrupt of the bank that what belongs to no interrupt has.
  private static let nowhere: UInt32 = 31 * 32

  /// The frame's map, said the other way round: IHI 0069 table 12-25, and IHI 0048 table 4-1 for what only a GICv2 has.
  /// Interrupts are counted from the first.
  private func expected(_ offset: UInt32) -> (kind: Kind, interrupt: UInt32) {
    let bits: [(UInt32, Kind)] = [
      (0x080, .group), (0x100, .setEnable), (0x180, .clearEnable), (0x200, .setPending), (0x280, .clearPending),
      (0x300, .setActive), (0x380, .clearActive),
    ]
    for (start, kind) in bits where (start..<start + 0x80).contains(offset) {
      return (kind, (offset - start) * 8)
    }
    switch offset {
    case 0: return (.control, Self.nowhere)
    case 4: return (.type, Self.nowhere)
    case 8: return (.implementer, Self.nowhere)
    case 0xF00: return (.softwareInterrupt, Self.nowhere)
    case 0xFE8: return (.secondArchitecture, Self.nowhere)
    case 0xFFE8: return (.architecture, Self.nowhere)
    case 0x400..<0x800: return (.priority, offset - 0x400)
    case 0x800..<0xC00: return (.targets, offset - 0x800)
    case 0xC00..<0xD00: return (.configuration, (offset - 0xC00) * 4)
    case 0x6000..<0x8000: return offset % 8 == 0 ? (.route, (offset - 0x6000) / 8) : (.none, 0)
    default: return (.none, Self.nowhere)
    }
  }

  /// The first interrupt that a register tells of.
  private func first(_ register: InterruptRegister) -> UInt32 {
    let isByte = register.kind == .priority || register.kind == .targets
    let unit: UInt32 = isByte ? 4 : register.kind == .configuration ? 16 : 1
    return register.bank * 32 + register.place * unit
  }

  /// Whether only a GICv2, or only a GICv3, has a register.
  private static let onlySecond: [Kind] = [.targets, .softwareInterrupt, .secondArchitecture]
  private static let onlyThird: [Kind] = [.route, .architecture]

  @Test(arguments: [2, 3] as [UInt32]) func everyOffset(generation: UInt32) {
    let missing = generation == 2 ? Self.onlyThird : Self.onlySecond
    for offset in stride(from: 0 as UInt32, to: 0x1_0000, by: 4) {
      let register = InterruptRegister.decode(offset: offset, generation: generation)
      let expected = expected(offset)
      if expected.kind == .none || missing.contains(expected.kind) {
        #expect(register.kind == .none, "offset \(String(offset, radix: 16))")
      } else {
        #expect((register.kind, first(register)) == expected, "offset \(String(offset, radix: 16))")
      }
    }
  }

  /// What a GICv3 does not have, and whose pending state a GICv2 does not let be written.
  @Test func secondGeneration() {
    for offset in stride(from: 0 as UInt32, to: 0x1_0000, by: 4) {
      let register = InterruptRegister.decode(offset: offset, generation: 2)
      let isSecond = (0x800..<0xC00).contains(offset) || offset == 0xF00 || offset == 0xFE8
      #expect(register.kind.isSecond == isSecond, "offset \(String(offset, radix: 16))")
      #expect(register.isPrivatePending == (offset == 0x200 || offset == 0x280))
    }
  }
}

@Suite struct InterruptBankTests {
  private let all = GroupMask(control: 3)

  @Test func raisedByLatchOrLevel() {
    var bank = InterruptBank()
    bank.reset(edge: 0b0010)
    bank.line.store(0b0011, ordering: .relaxed)
    #expect(bank.raised == 0b0001)
    bank.pending.store(0b0110, ordering: .relaxed)
    #expect(bank.raised == 0b0111)
  }

  @Test func reset() {
    var bank = InterruptBank()
    bank.enabled.set(~0)
    bank.active.set(~0)
    bank.priorities[3] = ~0
    bank.reset(edge: 0xFFFF)
    #expect(bank.enabled.load(ordering: .relaxed) == 0)
    #expect(bank.active.load(ordering: .relaxed) == 0)
    #expect(bank.edge.load(ordering: .relaxed) == 0xFFFF)
    #expect(bank.priorities[3] == 0)
  }

  @Test func deliverable() {
    let bank = InterruptBank()
    bank.pending.set(0b1111_1111)
    bank.enabled.set(0b0111_1111)
    bank.group.set(~0)
    bank.active.set(0b0000_0010)
    bank.inFlight.set(0b0000_0100)
    #expect(bank.select(.deliverable, groups: all) == 0b0111_1001)
    #expect(bank.select(.listable, groups: all) == 0b0111_1011)
    #expect(bank.select(.acknowledged, groups: all) == 0b0000_0010)
  }

  /// GICD_CTLR forwards each group for itself; what is active is listed all the same.
  @Test(arguments: [(0, 0), (1, 0b1100), (2, 0b0011), (3, 0b1111)] as [(UInt32, UInt32)])
  func groups(control: UInt32, forwarded: UInt32) {
    let bank = InterruptBank()
    bank.pending.set(0b1111)
    bank.enabled.set(0b1111)
    bank.group.set(0b0011)
    #expect(bank.select(.deliverable, groups: GroupMask(control: control)) == forwarded)
    bank.active.set(0b1000)
    #expect(bank.select(.listable, groups: GroupMask(control: control)) == forwarded | 0b1000)
  }

  @Test func priorities() {
    var bank = InterruptBank()
    bank.priorities[1] = 0x4433_2211
    bank.priorities[7] = 0xAABB_CCDD
    #expect((4..<8).map { bank.priority(of: InterruptNumber($0)) } == [0x11, 0x22, 0x33, 0x44])
    #expect(bank.priority(of: InterruptNumber(31)) == 0xAA)
    #expect(bank.priority(of: InterruptNumber(60)) == 0xDD)
  }
}
