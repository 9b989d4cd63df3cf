import ArmArchitecture
import Testing

@testable import Hypervisor

/// What a VM whose EL1 executes AArch32 gets.
@Suite(.reportsHangs) struct NarrowTests {
  private static let vectors: UInt64 = 0xC000_1000
  private static let address: UInt64 = 0x4020_1000
  private static let thumbInBlock: UInt64 = 0x33 | 0x8 << 8 | 1 << 25

  /// A 32-bit VM of two virtual CPUs, and a 64-bit one, on CPU 0; `other` on CPU 1.
  private func phone(feature: UInt64 = 0x22) throws -> ScriptedPhone {
    let phone = try ScriptedPhone(
      [
        ScriptedVM(
          name: "narrow", cpus: 2, placement: [0, 1], restart: "never",
          more: "architecture: arm, kernel-format: raw")
      ], cpus: 2)
    for cpu in phone.cpus { cpu.identifications[4 << 3] = feature }
    phone.start()
    guard phone.cpus[0].current != nil else { return phone }
    phone.cpus[0][.guestVectors] = Self.vectors
    phone.cpus[0][.programCounter] = Self.address
    return phone
  }

  private func registers(_ phone: ScriptedPhone) throws -> (Int) -> UInt64 {
    let guest = try #require(phone.cpus[0].current)
    return { guest.value.registers[$0] }
  }

  @Test func start() throws {
    let phone = try phone()
    let cpu = phone.cpus[0]
    let guest = try #require(cpu.current)
    #expect(cpu[.processorState] == 0x1D3)
    #expect(cpu[.guestControl] == 0xC5_0838)
    #expect(guest.value.registers[0] == 0 && guest.value.registers[1] == 0xFFFF_FFFF)
    #expect(guest.value.registers[2] == guest.value.machine.value.record.argument)
    #expect(cpu[.configuration] >> 31 & 1 == 0, "HCR_EL2.RW")
  }

  /// A CPU that has no AArch32 at EL1 says so and goes no further.
  @Test(arguments: [0x11, 0x12] as [UInt64]) func withoutAArch32(feature: UInt64) throws {
    let phone = try phone(feature: feature)
    #expect(phone.cpus[0].current == nil)
    #expect(phone.output.contains("a VM is 32-bit, but this CPU is not"))
  }

  // MARK: Exceptions

  @Test func undefined() throws {
    let phone = try phone()
    let cpu = phone.cpus[0]
    cpu[.processorState] = 0xF000_0110
    cpu.trap(0x00)
    #expect(cpu[.programCounter] == Self.vectors + 4)
    #expect(try registers(phone)(22) == Self.address + 4)
    #expect(cpu[.undefinedSavedState] == 0xF000_0110)
    #expect(cpu[.processorState] == 0xF000_019B)
  }

  @Test func undefinedInThumb() throws {
    let phone = try phone()
    let cpu = phone.cpus[0]
    cpu[.processorState] = Self.thumbInBlock
    cpu[.guestControl] = 1 << 13
    cpu.trap(0x00)
    #expect(cpu[.programCounter] == 0xFFFF_0004)
    #expect(try registers(phone)(22) == Self.address + 2)
    #expect(cpu[.undefinedSavedState] == Self.thumbInBlock, "with the IT state of the instruction")
    #expect(cpu[.processorState] & 0x600_FC20 == 0)
  }

  /// A load from nowhere, with short and long descriptors.
  @Test(arguments: [false, true]) func dataAbort(isLong: Bool) throws {
    let phone = try phone()
    let cpu = phone.cpus[0]
    cpu[.guestTranslationControl] = isLong ? 1 << 31 : 0
    #expect(cpu.load(0x0A80_0123) == nil)
    #expect(cpu[.programCounter] == Self.vectors + 16)
    #expect(try registers(phone)(20) == Self.address + 8)
    #expect(cpu[.guestSyndrome] == (isLong ? 0x210 : 0x8))
    #expect(cpu[.guestFaultAddress] == cpu[.faultAddress] & 0xFFFF_FFFF)
    #expect(cpu[.abortSavedState] == 0x1D3)
    #expect(cpu[.processorState] == 0x1D7)
  }

  @Test func aStoreToNowhere() throws {
    let phone = try phone()
    #expect(!phone.cpus[0].store(0x0A80_0000, 1))
    #expect(phone.cpus[0][.guestSyndrome] == 0x808)
  }

  @Test func fetch() throws {
    let phone = try phone()
    let cpu = phone.cpus[0]
    cpu[.faultAddress] = 0x0A80_0000
    cpu.trap(0x20, 0x06)
    #expect(cpu[.programCounter] == Self.vectors + 12)
    #expect(try registers(phone)(20) == Self.address + 4)
    #expect(cpu[.guestInstructionFault] == 8)
    #expect(cpu[.guestFaultAddress] == 0x0A80_0000 << 32)
  }

  // MARK: Instructions

  /// Nothing happens where the condition fails, but the instruction and its place in the IT block are over.
  @Test func aConditionThatFails() throws {
    let phone = try phone()
    let cpu = phone.cpus[0]
    cpu[.processorState] = 0x1D3
    cpu.trap(0x03, 1 << 24 | 0 << 20 | 1 << 17 | 1 << 10 | 3 << 5 | 1)
    #expect(cpu[.programCounter] == Self.address + 4)
    #expect(try registers(phone)(3) == 0)
    // SMC with a condition: no call.
    let guest = try #require(cpu.current)
    guest.value.registers[0] = 0x8400_0000
    cpu.trap(0x13, 1 << 24)
    #expect(guest.value.registers[0] == 0x8400_0000)
    #expect(cpu[.programCounter] == Self.address + 8)
  }

  @Test func theBlockMovesOn() throws {
    let phone = try phone()
    let cpu = phone.cpus[0]
    // ITT EQ, with Z.
    cpu[.processorState] = 0x1F3 | 1 << 30 | (0b100 >> 2) << 10
    #expect(cpu.load(0x0900_0018) != nil)
    #expect(cpu[.processorState] == 0x1F3 | 1 << 30 | (0b1000 >> 2) << 10)
    #expect(cpu.load(0x0900_0018) != nil)
    #expect(cpu[.processorState] == 0x1F3 | 1 << 30)
  }

  @Test func identification() throws {
    let phone = try phone()
    let cpu = phone.cpus[0]
    cpu.identifications[1 << 3 | 1] = 0x1001_1011
    cpu.trap(0x03, 0xE << 20 | 1 << 24 | 1 << 17 | 6 << 5 | 1 << 1 | 1)
    #expect(try registers(phone)(6) == 0x1001_0001, "no security, no virtualization")
  }

  /// QEMU names SP by the instruction's number.
  @Test func aLoadIntoTheStackPointer() throws {
    let phone = try phone()
    let cpu = phone.cpus[0]
    let guest = try #require(cpu.current)
    guest.value.registers[13] = 0x13
    guest.value.registers[19] = 0x19
    _ = cpu.load(0x0900_0FE0, syndrome: (13 & ~5) << 16)  // into 5 or what else is said here
    #expect(guest.value.registers[13] == 0x13)
    #expect(guest.value.registers[19] == 0x11, "UARTPeriphID0")
  }

  /// ICC_SGI1R by MCRR reaches the sibling on the other CPU.
  @Test func softwareInterrupt() throws {
    let phone = try phone()
    let cpu = phone.cpus[0]
    #expect(cpu.call(0x8400_0003, 1, Self.address, 0x77) == 0)
    phone.settle()
    let sibling = try #require(phone.cpus[1].current)
    #expect(sibling.value.registers[0] == 0x77)
    // GICR_IGROUPR0 of the sibling.
    #expect(cpu.store(0x080D_0080, 0xFFFF_FFFF))
    let guest = try #require(cpu.current)
    guest.value.registers[4] = 0xDEAD_0000_0300_0002
    guest.value.registers[7] = 0
    cpu.trap(0x04, 0xE << 20 | 1 << 24 | 7 << 10 | 4 << 5 | 12 << 1)
    #expect(sibling.value.bank.value.pending.load(ordering: .relaxed) >> 3 & 1 == 1)
  }

  // MARK: Firmware

  /// CPU_ON: bit 0 of the entry is Thumb.
  @Test(arguments: [0, 1, 3] as [UInt64]) func turnOn(low: UInt64) throws {
    let phone = try phone()
    let entry = Self.address | low
    #expect(phone.cpus[0].call(0x8400_0003, 1, entry, 5) == 0)
    phone.settle()
    #expect(phone.cpus[1][.processorState] == 0x1D3 | (low & 1) << 5)
    #expect(phone.cpus[1][.programCounter] == entry & ~1)
  }

  /// Functions with 64-bit arguments do not exist.
  @Test func wideFunctions() throws {
    let phone = try phone()
    #expect(phone.cpus[0].call(0xC400_0003, 1, Self.address, 5) == -1)
    #expect(phone.cpus[0].call(0xC400_0004, 0, 0) == -1)
    #expect(phone.cpus[0].call(0x8400_0000) == 0x1_0001)
  }
}
