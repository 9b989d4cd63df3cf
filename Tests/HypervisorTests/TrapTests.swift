import ArmArchitecture
import Testing

@testable import Hypervisor

/// What the guest gets for what it may not do: an exception of its own, at the vector that it expects.
@Suite(.reportsHangs) struct TrapTests {
  private static let vectors: UInt64 = 0xFFFF_8000_0801_0000
  private static let unmapped: UInt64 = 0x0A80_0000

  private func phone() throws -> ScriptedPhone {
    let phone = try ScriptedPhone().start()
    phone.cpus[0][.guestVectors] = Self.vectors
    phone.cpus[0][.programCounter] = 0x4020_1000
    return phone
  }

  /// EL0, EL1 with SP_EL0, EL1, AArch32 user mode.
  static let states: [(state: UInt64, offset: UInt64)] = [
    (0x3C0, 0x400), (0x3C4, 0x000), (0x3C5, 0x200), (0x6000_0010, 0x600), (0x10, 0x600),
  ]

  @Test(arguments: states.indices) func undefined(index: Int) throws {
    let phone = try phone()
    let cpu = phone.cpus[0]
    cpu[.processorState] = Self.states[index].state
    cpu.trap(0x00)
    #expect(cpu[.programCounter] == Self.vectors + Self.states[index].offset)
    #expect(cpu[.guestExceptionLink] == 0x4020_1000)
    #expect(cpu[.guestSavedState] == Self.states[index].state)
    #expect(cpu[.guestSyndrome] == 0x0200_0000)
    #expect(cpu[.processorState] == 0x3C5)
  }

  /// A load from nowhere: class, level, direction and address, as the hardware reports an external abort.
  @Test(arguments: states.indices) func abort(index: Int) throws {
    let phone = try phone()
    let cpu = phone.cpus[0]
    let (state, offset) = Self.states[index]
    cpu[.processorState] = state
    #expect(cpu.load(Self.unmapped + 0x123) == nil)
    #expect(cpu[.programCounter] == Self.vectors + offset)
    #expect(cpu[.guestFaultAddress] == cpu[.faultAddress])
    let isFromUser = state & 0x1F == 0x10 || state & 0xF == 0
    #expect(cpu[.guestSyndrome] >> 26 == (isFromUser ? 0x24 : 0x25))
    #expect(cpu[.guestSyndrome] & 0x3F == 0x10)
    #expect(cpu[.guestSyndrome] >> 6 & 1 == 0)
    #expect(cpu[.guestSyndrome] >> 25 & 1 == 1)
  }

  @Test func aStoreToNowhere() throws {
    let phone = try phone()
    let cpu = phone.cpus[0]
    #expect(!cpu.store(Self.unmapped, 1))
    #expect(cpu[.guestSyndrome] >> 6 & 1 == 1)
  }

  @Test func instructionAbort() throws {
    let phone = try phone()
    let cpu = phone.cpus[0]
    cpu[.processorState] = 0x3C0
    cpu[.faultAddress] = 0x1234_5678
    cpu.trap(0x20, 7)
    #expect(cpu[.guestSyndrome] >> 26 == 0x20)
    #expect(cpu[.guestFaultAddress] == 0x1234_5678)
    #expect(cpu[.programCounter] == Self.vectors + 0x400)
  }

  /// Without ISV the access cannot be emulated, and on the guest's table walk neither.
  @Test(arguments: [0, 1 << 24 | 1 << 7] as [UInt64]) func undescribed(syndrome: UInt64) throws {
    let phone = try phone()
    let cpu = phone.cpus[0]
    cpu[.faultPage] = (GuestMap.uart >> 12) << 4
    cpu[.faultAddress] = GuestMap.uart
    cpu.trap(0x24, syndrome | 7)
    #expect(cpu[.programCounter] == Self.vectors + 0x200)
    #expect(cpu[.guestSyndrome] & 0x3F == 0x10)
  }

  /// Cache maintenance by address on a device does nothing.
  @Test func cacheMaintenance() throws {
    let phone = try phone()
    let cpu = phone.cpus[0]
    cpu[.faultPage] = (GuestMap.uart >> 12) << 4
    cpu.trap(0x24, 1 << 8 | 1 << 6 | 7)
    #expect(cpu[.programCounter] == 0x4020_1004)
  }

  /// A write to the flash page, which is read-only, is ignored.
  @Test func flash() throws {
    let phone = try phone()
    let cpu = phone.cpus[0]
    cpu[.faultPage] = (0x0400_0000 >> 12) << 4
    cpu.trap(0x24, 1 << 24 | 1 << 6 | 15)
    #expect(cpu[.programCounter] == 0x4020_1004)
  }

  /// Nothing but the map: each 64 KiB of the first 4 GiB without RAM.
  @Test func nothingElseAnswers() throws {
    let phone = try phone()
    let cpu = phone.cpus[0]
    let devices: Set<UInt64> = [0x800, 0x900, 0x80A, 0x80B, 0x90C, 0x90D]
    for frame in 0..<0x4000 as Range<UInt64> {
      let isLoaded = cpu.load(frame << 16) != nil
      #expect(isLoaded == devices.contains(frame), "frame \(String(frame, radix: 16))")
    }
    #expect(cpu.load(GuestMap.uart + 0x1000) == nil)
    #expect(cpu.load(1 << 35) == nil)
  }

  /// x31 is the zero register in both directions.
  @Test func zeroRegister() throws {
    let phone = try phone()
    let cpu = phone.cpus[0]
    cpu[.faultPage] = (GuestMap.uart >> 12) << 4
    cpu[.faultAddress] = 0x24
    cpu.trap(0x24, 1 << 24 | 2 << 22 | 31 << 16 | 1 << 6 | 7)
    #expect(cpu.load(GuestMap.uart + 0x24) == 0)
    cpu.trap(0x24, 1 << 24 | 2 << 22 | 31 << 16 | 7)
    #expect(cpu[.programCounter] == 0x4020_1000 + 12)
  }

  /// A load is cut to its size and extended as the syndrome says.
  @Test func narrowLoads() throws {
    let phone = try phone()
    let cpu = phone.cpus[0]
    cpu.store(GuestMap.uart + 0x24, 0x80F0)
    #expect(cpu.load(GuestMap.uart + 0x24, bytes: 2) == 0x80F0)
    #expect(cpu.load(GuestMap.uart + 0x24, bytes: 2, syndrome: 1 << 21) == 0xFFFF_80F0)
    #expect(cpu.load(GuestMap.uart + 0x24, bytes: 2, syndrome: 1 << 21 | 1 << 15) == 0xFFFF_FFFF_FFFF_80F0)
    #expect(cpu.load(GuestMap.uart + 0x24, bytes: 1) == 0xF0)
  }
}

@Suite(.reportsHangs) struct SystemRegisterTests {
  private func phone() throws -> ScriptedPhone { try ScriptedPhone().start() }

  /// ID registers by their rule, never written.
  @Test func identification() throws {
    let phone = try phone()
    let cpu = phone.cpus[0]
    #expect((cpu.read(system: RegisterName(3, 0, 0, 4, 0)) ?? 0xBAD) >> 8 & 0xFF == 0)
    #expect((cpu.read(system: RegisterName(3, 0, 0, 7, 0)) ?? 0xBAD) & 15 == 1)
    #expect(!cpu.write(system: RegisterName(3, 0, 0, 4, 0), 1))
  }

  /// The whole space of ID registers can be read.
  @Test func identificationSpace() throws {
    let phone = try phone()
    for index in 8..<64 as Range<UInt64> {
      #expect(phone.cpus[0].read(system: RegisterName(3, 0, 0, index >> 3, index & 7)) != nil, "\(index)")
    }
  }

  /// Debug registers read as zero and ignore writes; so does ACTLR_EL1.
  @Test(arguments: [
    RegisterName(2, 0, 0, 0, 4), RegisterName(2, 0, 0, 0, 5), RegisterName(2, 0, 1, 0, 4),
    RegisterName(2, 0, 1, 3, 4), RegisterName(3, 0, 1, 0, 1),
  ])
  func readAsZero(_ register: RegisterName) throws {
    let phone = try phone()
    #expect(phone.cpus[0].write(system: register, ~0))
    #expect(phone.cpus[0].read(system: register) == 0)
  }

  /// MDSCR_EL1 keeps what software step needs.
  @Test func debugControl() throws {
    let phone = try phone()
    #expect(phone.cpus[0].write(system: .debugControl, ~0))
    #expect(phone.cpus[0].read(system: .debugControl) == 0x2001)
  }

  /// PMU, AMU, MPAM, RAS, MTE, PAuth and EL2 registers do not exist.
  @Test(arguments: [
    RegisterName(3, 3, 9, 12, 0), RegisterName(3, 3, 9, 13, 0), RegisterName(3, 3, 13, 2, 0),
    RegisterName(3, 0, 10, 5, 1), RegisterName(3, 0, 5, 3, 0), RegisterName(3, 0, 5, 6, 0),
    RegisterName(3, 0, 2, 1, 0), RegisterName(3, 4, 1, 1, 0), RegisterName(3, 6, 1, 1, 0),
    RegisterName(3, 0, 15, 0, 0), RegisterName(3, 1, 15, 2, 0),
  ])
  func undefined(_ register: RegisterName) throws {
    let phone = try phone()
    #expect(phone.cpus[0].read(system: register) == nil)
    #expect(!phone.cpus[0].write(system: register, 0))
  }

  @Test func softwareInterruptsCannotBeRead() throws {
    let phone = try phone()
    #expect(phone.cpus[0].read(system: .softwareInterrupt) == nil)
  }

  /// Every encoding: an answer or UNDEFINED, with the next instruction or the guest's vector.
  @Test func everyEncoding() throws {
    let phone = try phone()
    let cpu = phone.cpus[0]
    cpu[.guestVectors] = 0x4030_0000
    for code in 0x8000..<0x1_0000 as Range<UInt64> {
      let register = RegisterName(code >> 14, code >> 11 & 7, code >> 7 & 15, code >> 3 & 15, code & 7)
      cpu[.programCounter] = 0x4020_0000
      _ = cpu.read(system: register)
      #expect([0x4020_0004, 0x4030_0200].contains(cpu[.programCounter]), "\(code)")
      cpu[.programCounter] = 0x4020_0000
      cpu.write(system: register, 0)
      #expect([0x4020_0004, 0x4030_0200].contains(cpu[.programCounter]), "\(code)")
    }
    #expect(phone.running == ["work.0"])
  }
}
