import ArmArchitecture
import Testing

@testable import Hypervisor

/// The guest's watchdog, from its registers to the end of its VM.
@Suite(.reportsHangs) struct WatchdogTests {
  private func phone(_ machines: [ScriptedVM] = [ScriptedVM(name: "work", restart: "never")], cpus: Int = 1)
    throws -> ScriptedPhone
  {
    try ScriptedPhone(machines, cpus: cpus).start()
  }

  /// Sets the time and enables the watchdog and its interrupt.
  private func arm(_ cpu: ScriptedMachine, _ ticks: UInt64, target: UInt64 = 0) {
    cpu.enableInterrupts()
    cpu.enableShared(41, target: target)
    cpu.store(GuestMap.watchdogControl + 8, ticks)
    cpu.store(GuestMap.watchdogControl, 1)
  }

  @Test func firstInterruptsThenStops() throws {
    let phone = try phone()
    let cpu = phone.cpus[0]
    arm(cpu, 1_000)
    phone.advance(999)
    #expect(cpu.listed.isEmpty)
    #expect(cpu.load(GuestMap.watchdogControl) == 1)
    phone.advance(1)
    #expect(cpu.acknowledge() == 41)
    #expect(cpu.load(GuestMap.watchdogControl) == 3)
    phone.advance(999)
    #expect(phone.running == ["work.0"])
    phone.advance(1)
    #expect(phone.output.contains("work stopped: watchdog, vCPU 0"))
    #expect(phone.board.isOff)
  }

  /// A guest that hangs: no exit but the hypervisor's own timer.
  @Test func aGuestThatHangs() throws {
    let phone = try phone([ScriptedVM(name: "work")])
    phone.cpus[0].store(GuestMap.watchdogControl + 8, 1_000)
    phone.cpus[0].store(GuestMap.watchdogControl, 1)
    phone.cpus[0].current?.value.registers[9] = 9
    for _ in 0..<300 { phone.advance(10) }
    #expect(phone.output.contains("work stopped: watchdog"))
    #expect(phone.running == ["work.0"])
    #expect(phone.cpus[0].current?.value.registers[9] == 0)
  }

  @Test func feeding() throws {
    let phone = try phone()
    let cpu = phone.cpus[0]
    arm(cpu, 1_000)
    for _ in 0..<20 {
      phone.advance(900)
      #expect(cpu.listed.isEmpty)
      cpu.store(GuestMap.watchdogRefresh, 1)
    }
    #expect(phone.running == ["work.0"])
  }

  /// Fed after the first time: the interrupt goes, and the next is a first one again.
  @Test func feedingLate() throws {
    let phone = try phone()
    let cpu = phone.cpus[0]
    arm(cpu, 1_000)
    for _ in 0..<5 {
      phone.advance(1_500)
      #expect(cpu.acknowledge() == 41)
      cpu.store(GuestMap.watchdogRefresh, 0)
      #expect(cpu.load(GuestMap.watchdogControl) == 1)
      cpu.end(41)
      phone.settle()
      #expect(cpu.acknowledge() == 1023)
    }
    #expect(phone.running == ["work.0"])
  }

  @Test func disabled() throws {
    let phone = try phone()
    let cpu = phone.cpus[0]
    cpu.store(GuestMap.watchdogControl + 8, 10)
    phone.advance(100_000)
    cpu.store(GuestMap.watchdogControl, 1)
    cpu.store(GuestMap.watchdogControl, 0)
    phone.advance(100_000)
    #expect(cpu.load(GuestMap.watchdogControl) == 0)
    #expect(cpu[.alarm] == ~0)
    #expect(phone.running == ["work.0"])
  }

  @Test func theAlarm() throws {
    let phone = try phone()
    let cpu = phone.cpus[0]
    let now = phone.board.clock
    cpu.store(GuestMap.watchdogControl + 8, 0xFFFF_FFFF)
    cpu.store(GuestMap.watchdogControl, 1)
    #expect(cpu[.alarm] == now + 0xFFFF_FFFF)
    #expect(cpu.load(GuestMap.watchdogControl + 0x10, bytes: 4) == (now + 0xFFFF_FFFF) & 0xFFFF_FFFF)
    #expect(cpu.load(GuestMap.watchdogControl + 0x14, bytes: 4) == (now + 0xFFFF_FFFF) >> 32)
    cpu.store(GuestMap.watchdogControl, 0)
    #expect(cpu[.alarm] == ~0)
  }

  /// It also counts while all virtual CPUs of the VM wait, and its interrupt wakes.
  @Test func whileTheGuestWaits() throws {
    let phone = try phone()
    arm(phone.cpus[0], 1_000)
    phone.cpus[0].waitForever()
    #expect(phone.running == [nil])
    phone.advance(1_000)
    #expect(phone.running == ["work.0"])
    #expect(phone.cpus[0].acknowledge() == 41)
    phone.cpus[0].waitForever()
    phone.advance(1_000)
    #expect(phone.output.contains("work stopped: watchdog"))
  }

  /// Nor can a VM of a higher priority keep it from stopping.
  @Test func behindAHigherPriority() throws {
    let phone = try phone([
      ScriptedVM(name: "high", priority: 2, budget: 50), ScriptedVM(name: "low", restart: "never"),
    ])
    arm(try phone.bring("low.0"), 1_000)
    phone.advance(1_000)
    phone.advance(1_000)
    phone.settle()
    #expect(phone.output.contains("low stopped: watchdog"))
    #expect(!phone.output.contains("high stopped"))
  }

  /// Where a VM is on two CPUs both look after it, and one time is one time.
  @Test func onTwoCPUs() throws {
    let phone = try phone([ScriptedVM(name: "work", cpus: 2, placement: [0, 1], restart: "never")], cpus: 2)
    phone.cpus[0].call(FirmwareFunction.cpuOn, 1, 0x4020_0000, 0)
    phone.settle()
    phone.cpus[1].enableInterrupts()
    arm(phone.cpus[0], 1_000, target: 1)
    phone.advance(1_000)
    #expect(phone.running == ["work.0", "work.1"])
    #expect(phone.cpus[1].acknowledge() == 41)
    phone.cpus[0].store(GuestMap.watchdogRefresh, 1)
    phone.cpus[1].end(41)
    phone.advance(999)
    #expect(phone.running == ["work.0", "work.1"])
    phone.advance(1)
    phone.advance(1_000)
    #expect(phone.output.contains("work stopped: watchdog"))
  }

  /// A neighbour's is its own.
  @Test func ofAnotherVM() throws {
    let phone = try phone(
      [
        ScriptedVM(name: "a", placement: [0], restart: "never"),
        ScriptedVM(name: "b", placement: [1], restart: "never"),
      ], cpus: 2)
    arm(phone.cpus[0], 1_000)
    #expect(phone.cpus[1].load(GuestMap.watchdogControl) == 0)
    phone.cpus[1].store(GuestMap.watchdogRefresh, 1)
    phone.advance(1_000)
    phone.advance(1_000)
    #expect(phone.running == [nil, "b.0"])
  }

  /// A time of zero does not keep the hypervisor busy: the VM stops.
  @Test func noTimeAtAll() throws {
    let phone = try phone([
      ScriptedVM(name: "work", placement: [0], restart: "never"), ScriptedVM(name: "b", placement: [0]),
    ])
    let cpu = try phone.bring("work.0")
    cpu.store(GuestMap.watchdogControl, 1)
    phone.settle()
    phone.advance(10_000)
    #expect(phone.output.contains("work stopped: watchdog"))
    #expect(phone.running == ["b.0"])
    #expect(phone.board.violations.isEmpty)
  }

  @Test func identification() throws {
    let phone = try phone()
    let cpu = phone.cpus[0]
    #expect(cpu.load(GuestMap.watchdogControl + 0xFCC) == 0x43B)
    #expect(cpu.load(GuestMap.watchdogRefresh + 0xFCC) == 0x43B)
    #expect(cpu.load(GuestMap.watchdogRefresh) == 0)
    cpu.store(GuestMap.watchdogRefresh + 8, 7)
    #expect(cpu.load(GuestMap.watchdogControl + 8) == 0)
    cpu.store(GuestMap.watchdogControl + 0x10, 7)
    #expect(cpu.load(GuestMap.watchdogControl + 0x14) == 0)
    #expect(phone.board.violations.isEmpty)
  }

  /// Every offset of both frames, with every width.
  @Test func everyOffsetAndWidth() throws {
    let phone = try phone([ScriptedVM(name: "work")])
    let cpu = phone.cpus[0]
    for frame in [GuestMap.watchdogRefresh, GuestMap.watchdogControl] {
      guard cpu.answersEveryWidth(of: frame, by: 1) else { return }
    }
    #expect(phone.board.violations.isEmpty)
    #expect(phone.running == ["work.0"])
  }
}
