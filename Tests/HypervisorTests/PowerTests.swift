import ArmArchitecture
import Testing

@testable import Hypervisor

/// PSCI and SMCCC as a guest calls them.
@Suite(.reportsHangs) struct PowerTests {
  private static let wide: UInt32 = 0x4000_0000
  private static let entry: UInt64 = 0x4020_0000

  private func phone(_ cpus: Int = 2) throws -> ScriptedPhone {
    try ScriptedPhone([ScriptedVM(name: "work", cpus: cpus, placement: Array(0..<cpus))], cpus: cpus).start()
  }

  @Test(arguments: [false, true]) func versions(bySecureMonitor: Bool) throws {
    let phone = try phone()
    let cpu = phone.cpus[0]
    #expect(cpu.call(FirmwareFunction.version, bySecureMonitor: bySecureMonitor) == 0x1_0001)
    #expect(cpu.call(FirmwareFunction.callingConventionVersion, bySecureMonitor: bySecureMonitor) == 0x1_0002)
    #expect(cpu.call(FirmwareFunction.migrateInfoType, bySecureMonitor: bySecureMonitor) == 2)
  }

  /// `SMC` traps before it, `HVC` behind it: only after an SMC the hypervisor moves on.
  @Test func programCounter() throws {
    let phone = try phone()
    let cpu = phone.cpus[0]
    let start = cpu[.programCounter]
    cpu.call(FirmwareFunction.version)
    #expect(cpu[.programCounter] == start)
    cpu.call(FirmwareFunction.version, bySecureMonitor: true)
    #expect(cpu[.programCounter] == start + 4)
  }

  @Test func features() throws {
    let phone = try phone()
    let cpu = phone.cpus[0]
    let present =
      [
        0x8400_0000, 0x8400_0001, 0xC400_0001, 0x8400_0002, 0x8400_0003, 0xC400_0003, 0x8400_0004,
        0xC400_0004, 0x8400_0006, 0x8400_0008, 0x8400_0009, 0x8400_000A, 0x8000_0000,
      ] as [UInt64]
    for function in present { #expect(cpu.call(FirmwareFunction.features, function) == 0, "\(function)") }
    let absent =
      [0x8400_0005, 0xC400_0002, 0xC400_0008, 0x8400_0007, 0x8400_000B, 0xC400_000E, 0x8400_0012, 0]
      as [UInt64]
    for function in absent { #expect(cpu.call(FirmwareFunction.features, function) == -1, "\(function)") }
    #expect(cpu.call(FirmwareFunction.callingConventionFeatures, 0x8000_0000) == 0)
    #expect(cpu.call(FirmwareFunction.callingConventionFeatures, 0x8000_8000) == -1)
  }

  @Test func unknownFunctions() throws {
    let phone = try phone()
    let cpu = phone.cpus[0]
    for function in [0, 1, 0x8400_0005, 0x8400_0007, 0x8400_000C, 0xC400_0000, 0x8600_0000, ~0] as [UInt32] {
      #expect(cpu.call(function) == -1, "\(function)")
    }
  }

  /// Only w0 names the function.
  @Test func upperHalfOfTheFunction() throws {
    let phone = try phone()
    let cpu = phone.cpus[0]
    let guest = try #require(cpu.current)
    guest.value.registers[0] = 0xFFFF_FFFF_8400_0000
    cpu.trap(0x16)
    #expect(guest.value.registers[0] == 0x1_0001)
  }

  @Test(arguments: [0, wide]) func turnsOn(convention: UInt32) throws {
    let phone = try phone()
    let (first, second) = (phone.cpus[0], phone.cpus[1])
    #expect(first.call(FirmwareFunction.affinityInfo | convention, 1, 0) == 1)
    #expect(first.call(FirmwareFunction.cpuOn | convention, 1, Self.entry, 0x1234) == 0)
    phone.settle()
    #expect(phone.running == ["work.0", "work.1"])
    #expect(first.call(FirmwareFunction.affinityInfo | convention, 1, 0) == 0)
    #expect(second.current?.value.registers[0] == 0x1234)
    #expect(second[.programCounter] == Self.entry)
    #expect(second.live[SystemSlot.affinity.rawValue] == 0x8000_0001)
    #expect(first.call(FirmwareFunction.cpuOn | convention, 1, Self.entry, 0) == -4)
    #expect(second.call(FirmwareFunction.cpuOn | convention, 0, Self.entry, 0) == -4)
  }

  /// Before its CPU has seen the alert, a virtual CPU is on its way.
  @Test func onTheWay() throws {
    let phone = try phone()
    let cpu = phone.cpus[0]
    #expect(cpu.call(FirmwareFunction.cpuOn, 1, Self.entry, 0) == 0)
    #expect(cpu.call(FirmwareFunction.affinityInfo, 1, 0) == 2)
    #expect(cpu.call(FirmwareFunction.cpuOn, 1, Self.entry, 0) == -5)
  }

  @Test func parameters() throws {
    let phone = try phone()
    let cpu = phone.cpus[0]
    for affinity in [2, 0x100, 0xFF, 1 << 32 | 1, ~0] as [UInt64] {
      #expect(cpu.call(FirmwareFunction.cpuOn | Self.wide, affinity, Self.entry, 0) == -2, "\(affinity)")
      #expect(cpu.call(FirmwareFunction.affinityInfo | Self.wide, affinity, 0) == -2, "\(affinity)")
    }
    for entry in [0, 0x3FFF_FFFC, 0x4040_0000, 0x4020_0002, ~3] as [UInt64] {
      #expect(cpu.call(FirmwareFunction.cpuOn | Self.wide, 1, entry, 0) == -9, "\(entry)")
    }
    #expect(cpu.call(FirmwareFunction.affinityInfo, 1, 1) == -2)
  }

  /// With the 32-bit convention only the lower halves count.
  @Test func narrowArguments() throws {
    let phone = try phone()
    let garbage: UInt64 = 0xABCD_0000_0000_0000
    #expect(phone.cpus[0].call(FirmwareFunction.cpuOn, garbage | 1, garbage | Self.entry, garbage | 7) == 0)
    phone.settle()
    #expect(phone.cpus[1].current?.value.registers[0] == 7)
  }

  @Test func turnsOffAndOnAgain() throws {
    let phone = try phone()
    phone.cpus[0].call(FirmwareFunction.cpuOn, 1, Self.entry, 1)
    phone.settle()
    phone.cpus[1].current?.value.registers[9] = 99
    phone.cpus[1].call(FirmwareFunction.cpuOff)
    phone.settle()
    #expect(phone.running == ["work.0", nil])
    #expect(phone.cpus[0].call(FirmwareFunction.affinityInfo, 1, 0) == 1)
    phone.cpus[0].call(FirmwareFunction.cpuOn, 1, Self.entry, 2)
    phone.settle()
    #expect(phone.cpus[1].current?.value.registers[0] == 2)
    #expect(phone.cpus[1].current?.value.registers[9] == 0)
  }

  /// CPU_SUSPEND is a standby state: an interrupt ends it with success.
  @Test func suspends() throws {
    let phone = try phone(1)
    let cpu = phone.cpus[0]
    cpu.enableInterrupts()
    cpu.setVirtualTimer(phone.board.clock + 100)
    let guest = try #require(cpu.current)
    cpu.call(FirmwareFunction.suspend, 0)
    #expect(phone.running == [nil])
    phone.advance(200)
    #expect(phone.running == ["work.0"])
    #expect(guest.value.registers[0] == 0)
  }
}

@Suite(.reportsHangs) struct LifeCycleTests {
  private func two() throws -> ScriptedPhone {
    try ScriptedPhone([ScriptedVM(name: "work"), ScriptedVM(name: "personal")]).start()
  }

  /// Goes on with the VM of this name, by letting the others' turns pass.
  private func bring(_ name: String, _ phone: ScriptedPhone) throws -> ScriptedMachine {
    for _ in 0..<10 where phone.running[0] != name + ".0" { phone.advance(5_000) }
    try #require(phone.running[0] == name + ".0")
    return phone.cpus[0]
  }

  @Test func offLeavesARecordAndTheOtherGoesOn() throws {
    let phone = try two()
    let cpu = try bring("work", phone)
    cpu.current?.value.registers[7] = 0xCAFE
    cpu[.programCounter] = 0x4020_1234
    cpu.call(FirmwareFunction.systemOff)
    phone.settle()
    #expect(phone.running == ["personal.0"])
    for text in ["work stopped: SYSTEM_OFF, vCPU 0", "40201234", "cafe"] {
      #expect(phone.output.contains(text))
    }
    for _ in 0..<5 {
      phone.advance(5_000)
      #expect(phone.running == ["personal.0"])
    }
    #expect(!phone.board.isOff)
    #expect(phone.board.violations.isEmpty)
  }

  @Test func memoryIsScrubbed() throws {
    let phone = try two()
    let cpu = try bring("work", phone)
    let memory = try #require(cpu.current).value.machine.value.memory
    cpu.call(FirmwareFunction.systemOff)
    phone.settle()
    #expect(phone.board.read(memory.start, Int(memory.size)).allSatisfy { $0 == 0 })
  }

  @Test func theBoardGoesOffBehindTheLast() throws {
    let phone = try two()
    try bring("work", phone).call(FirmwareFunction.systemOff)
    try bring("personal", phone).call(FirmwareFunction.systemOff)
    #expect(phone.board.isOff)
    #expect(phone.output.hasSuffix("the board goes off\r\n"))
  }

  @Test func resetBeginsAnew() throws {
    let phone = try two()
    let cpu = try bring("work", phone)
    let machine = try #require(cpu.current).value.machine
    let memory = machine.value.memory
    phone.board.write([1, 2, 3], at: memory.start + 0x30_0000)
    phone.board.write([0xFF, 0xFF], at: memory.start + 0x20_0100)
    cpu.enableInterrupts()
    cpu.store(GuestMap.uart + 0x38, 0x7FF)
    cpu.call(FirmwareFunction.systemReset)
    _ = try bring("personal", phone)
    _ = try bring("work", phone)
    #expect(cpu[.programCounter] == 0x4020_0000)
    #expect(phone.output.contains("work stopped: SYSTEM_RESET"))
    let kernel = Array(DeviceImageBuilder.kernel(ScriptedVM(name: "work")))
    #expect(phone.board.read(memory.start + 0x20_0000, kernel.count) == kernel)
    #expect(phone.board.read(memory.start + 0x30_0000, 3) == [0, 0, 0])
    #expect(cpu.load(GuestMap.distributor) == 0x50)
    #expect(cpu.load(GuestMap.privateInterrupts(0) + 0x100) == 0)
    #expect(cpu.load(GuestMap.uart + 0x38) == 0)
  }

  /// All virtual CPUs of a VM leave their CPUs, wherever they are.
  @Test func siblingsStopToo() throws {
    let machines = [
      ScriptedVM(name: "work", cpus: 2, placement: [0, 1]), ScriptedVM(name: "personal", placement: [1]),
    ]
    let phone = try ScriptedPhone(machines, cpus: 2).start()
    phone.cpus[0].call(FirmwareFunction.cpuOn, 1, 0x4020_0000, 0)
    phone.advance(5_000)
    phone.cpus[0].call(FirmwareFunction.systemOff)
    phone.settle()
    #expect(phone.running == [nil, "personal.0"])
    phone.advance(100_000)
    #expect(phone.running == [nil, "personal.0"])
  }

  /// A restart begins with one virtual CPU; the others are off until they are started again.
  @Test func siblingsAreOffAfterAReset() throws {
    let phone = try ScriptedPhone([ScriptedVM(name: "work", cpus: 2, placement: [0, 1])], cpus: 2).start()
    phone.cpus[0].call(FirmwareFunction.cpuOn, 1, 0x4020_0000, 0)
    phone.settle()
    phone.cpus[1].call(FirmwareFunction.systemReset)
    phone.settle()
    #expect(phone.running == ["work.0", nil])
    #expect(phone.cpus[0].call(FirmwareFunction.affinityInfo, 1, 0) == 1)
  }

  /// It begins anew, while the other goes on.
  @Test func anSErrorStopsItsVMOnly() throws {
    let phone = try two()
    let cpu = try bring("work", phone)
    let (guest, other) = (try #require(cpu.current), try bring("personal", phone).current)
    cpu.current?.value.registers[9] = 99
    _ = try bring("work", phone)
    cpu.current?.value.registers[9] = 99
    cpu.step { $0.handleSystemError(guest) }
    phone.settle()
    #expect(phone.output.contains("work stopped: SError"))
    #expect(try bring("work", phone).current?.value.registers[9] == 0)
    #expect(other?.value.registers[9] == 99)
  }
}
