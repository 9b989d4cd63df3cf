import ArmArchitecture
import Testing

@testable import Hypervisor

/// The guest's interrupt controller, from its registers to its list registers.
@Suite(.reportsHangs) struct InterruptTests {
  private static let turn: UInt64 = 1_000_000 / 256 + 1

  private func single() throws -> ScriptedPhone {
    let phone = try ScriptedPhone().start()
    phone.cpus[0].enableInterrupts()
    return phone
  }

  /// Two virtual CPUs on two CPUs, both with their interrupts on.
  private func pair() throws -> ScriptedPhone {
    let phone = try ScriptedPhone([ScriptedVM(name: "work", cpus: 2, placement: [0, 1])], cpus: 2).start()
    phone.cpus[0].enableInterrupts()
    phone.cpus[0].call(FirmwareFunction.cpuOn, 1, 0x4020_0000, 0)
    phone.settle()
    phone.cpus[1].enableInterrupts()
    return phone
  }

  private func sendSGI(_ interrupt: UInt64, to targets: UInt64, from cpu: ScriptedMachine) {
    cpu.write(system: .softwareInterrupt, interrupt << 24 | targets)
  }

  // MARK: Software-generated

  @Test func toItself() throws {
    let phone = try single()
    let cpu = phone.cpus[0]
    sendSGI(5, to: 1, from: cpu)
    #expect(cpu.acknowledge() == 5)
    #expect(cpu.acknowledge() == 1023)
    cpu.end(5)
    phone.settle()
    #expect(cpu.listed.isEmpty)
  }

  /// What the guest made active itself, more urgent and more than there are list registers, is not what it
  /// ends.
  @Test func activatedOnesAreNotEnded() throws {
    let phone = try single()
    let cpu = phone.cpus[0]
    for word in 10..<12 as Range<UInt64> { cpu.store(GuestMap.distributor + 0x400 + word * 4, 0) }
    cpu.store(GuestMap.distributor + 0x304, 0xFF00)
    sendSGI(1, to: 1, from: cpu)
    #expect(cpu.acknowledge() == 1)
    // All list registers are chosen anew: the one that it serves is in none.
    cpu.store(GuestMap.distributor + 0x284, 1)
    cpu.end(1)
    #expect(cpu.load(GuestMap.distributor + 0x304) == 0xFF00)
    #expect(cpu.load(GuestMap.privateInterrupts(0) + 0x300) == 0)
  }

  @Test func toASibling() throws {
    let phone = try pair()
    sendSGI(3, to: 2, from: phone.cpus[0])
    phone.settle()
    #expect(phone.cpus[0].acknowledge() == 1023)
    #expect(phone.cpus[1].acknowledge() == 3)
  }

  /// IRM: everybody but the sender. Affinities that nobody has name nobody.
  @Test func toAllButItself() throws {
    let phone = try pair()
    sendSGI(4, to: 1 << 40, from: phone.cpus[1])
    sendSGI(6, to: 1 << 16 | 1, from: phone.cpus[1])
    sendSGI(7, to: 1 << 44 | 1, from: phone.cpus[1])
    phone.settle()
    #expect(phone.cpus[0].listed == [4])
    #expect(phone.cpus[1].listed == [])
  }

  @Test func disabledStaysPending() throws {
    let phone = try single()
    let cpu = phone.cpus[0]
    cpu.store(GuestMap.privateInterrupts(0) + 0x180, 1 << 5)
    sendSGI(5, to: 1, from: cpu)
    #expect(cpu.listed.isEmpty)
    #expect(cpu.load(GuestMap.privateInterrupts(0) + 0x200) == 1 << 5)
    cpu.store(GuestMap.privateInterrupts(0) + 0x100, 1 << 5)
    #expect(cpu.listed == [5])
  }

  /// One that comes again while it is active is taken again afterwards.
  @Test func againWhileActive() throws {
    let phone = try single()
    let cpu = phone.cpus[0]
    sendSGI(5, to: 1, from: cpu)
    #expect(cpu.acknowledge() == 5)
    sendSGI(5, to: 1, from: cpu)
    #expect(cpu.acknowledge() == 1023)
    cpu.end(5)
    phone.settle()
    #expect(cpu.acknowledge() == 5)
    cpu.end(5)
    phone.settle()
    #expect(cpu.acknowledge() == 1023)
  }

  /// What another VM's distributor holds is its own.
  @Test func neverAnotherVM() throws {
    let phone = try ScriptedPhone(
      [ScriptedVM(name: "a", placement: [0]), ScriptedVM(name: "b", placement: [1])], cpus: 2
    )
    .start()
    for cpu in phone.cpus { cpu.enableInterrupts() }
    sendSGI(5, to: 0xFFFF | 1 << 40, from: phone.cpus[0])
    sendSGI(6, to: 0xFFFF, from: phone.cpus[0])
    phone.settle()
    #expect(phone.cpus[1].listed.isEmpty)
    #expect(phone.cpus[1].load(GuestMap.privateInterrupts(0) + 0x200) == 0)
  }

  // MARK: Priorities

  @Test func theMostUrgentFirst() throws {
    let phone = try single()
    let cpu = phone.cpus[0]
    let frame = GuestMap.privateInterrupts(0)
    for (interrupt, priority) in [(1, 0xC0), (2, 0x20), (3, 0x80)] as [(UInt64, UInt64)] {
      cpu.store(frame + 0x400 + interrupt, priority, bytes: 1)
    }
    for interrupt in 1...3 as ClosedRange<UInt64> { sendSGI(interrupt, to: 1, from: cpu) }
    var order: [UInt32] = []
    for _ in 0..<3 {
      let interrupt = cpu.acknowledge()
      order.append(interrupt)
      cpu.end(interrupt)
      phone.settle()
    }
    #expect(order == [2, 3, 1])
  }

  /// Five bits of priority (ICH_VTR_EL2 says so): the others read as zero.
  @Test func priorityBits() throws {
    let cpu = try single()
    let frame = GuestMap.privateInterrupts(0)
    cpu.cpus[0].store(frame + 0x408, 0xFFFF_FFFF)
    #expect(cpu.cpus[0].load(frame + 0x408) == 0xF8F8_F8F8)
  }

  /// Twelve at once and four list registers: all arrive, the most urgent first.
  @Test func moreThanListRegisters() throws {
    let phone = try single()
    let cpu = phone.cpus[0]
    for interrupt in 0..<12 as Range<UInt64> {
      cpu.store(GuestMap.privateInterrupts(0) + 0x400 + interrupt, (11 - interrupt) << 4, bytes: 1)
    }
    for interrupt in 0..<12 as Range<UInt64> { sendSGI(interrupt, to: 1, from: cpu) }
    var order: [UInt32] = []
    for _ in 0..<12 {
      let interrupt = cpu.acknowledge()
      order.append(interrupt)
      cpu.end(interrupt)
      phone.settle()
    }
    #expect(order == Array((0..<12).reversed()))
    #expect(cpu.acknowledge() == 1023)
    #expect(phone.board.violations.isEmpty)
  }

  /// Nested: each preempts the one before, more than list registers hold; all end in their order.
  @Test func moreActiveThanListRegisters() throws {
    let phone = try single()
    let cpu = phone.cpus[0]
    for interrupt in 0..<8 as Range<UInt64> {
      cpu.store(GuestMap.privateInterrupts(0) + 0x400 + interrupt, (8 - interrupt) << 4, bytes: 1)
    }
    for interrupt in 0..<8 as Range<UInt64> {
      sendSGI(interrupt, to: 1, from: cpu)
      phone.settle()
      #expect(cpu.acknowledge() == UInt32(interrupt))
    }
    #expect(cpu.load(GuestMap.privateInterrupts(0) + 0x300) == 0xFF)
    for interrupt in (0..<8 as Range<UInt32>).reversed() {
      cpu.end(interrupt)
      phone.settle()
    }
    #expect(cpu.load(GuestMap.privateInterrupts(0) + 0x300) == 0)
    sendSGI(0, to: 1, from: cpu)
    #expect(cpu.acknowledge() == 0)
    #expect(phone.board.violations.isEmpty)
  }

  // MARK: State

  @Test func groupsAreForwardedByTheDistributor() throws {
    let phone = try single()
    let cpu = phone.cpus[0]
    cpu.store(GuestMap.distributor, 0x10)
    sendSGI(5, to: 1, from: cpu)
    phone.settle()
    #expect(cpu.listed.isEmpty)
    cpu.store(GuestMap.distributor, 0x12)
    phone.settle()
    #expect(cpu.listed == [5])
    cpu.store(GuestMap.distributor, 0x10)
    phone.settle()
    #expect(cpu.listed.isEmpty)
  }

  @Test func disablingWithdraws() throws {
    let phone = try single()
    let cpu = phone.cpus[0]
    sendSGI(5, to: 1, from: cpu)
    #expect(cpu.listed == [5])
    cpu.store(GuestMap.privateInterrupts(0) + 0x180, 1 << 5)
    #expect(cpu.listed.isEmpty)
    #expect(cpu.load(GuestMap.privateInterrupts(0) + 0x200) == 1 << 5)
  }

  @Test func clearingPendingWithdraws() throws {
    let phone = try single()
    let cpu = phone.cpus[0]
    sendSGI(5, to: 1, from: cpu)
    cpu.store(GuestMap.privateInterrupts(0) + 0x280, 1 << 5)
    #expect(cpu.listed.isEmpty)
    #expect(cpu.load(GuestMap.privateInterrupts(0) + 0x200) == 0)
  }

  /// ISACTIVER and ICACTIVER on what is in a list register.
  @Test func activeStateIsRead() throws {
    let phone = try single()
    let cpu = phone.cpus[0]
    sendSGI(5, to: 1, from: cpu)
    #expect(cpu.acknowledge() == 5)
    #expect(cpu.load(GuestMap.privateInterrupts(0) + 0x300) == 1 << 5)
    cpu.store(GuestMap.privateInterrupts(0) + 0x380, 1 << 5)
    #expect(cpu.load(GuestMap.privateInterrupts(0) + 0x300) == 0)
    #expect(cpu.listed.isEmpty)
  }

  /// A turn of somebody else between acknowledge and end: the active state waits in the bank.
  @Test func activeStateSurvivesATurn() throws {
    let phone = try ScriptedPhone([ScriptedVM(name: "a"), ScriptedVM(name: "b")]).start()
    let cpu = phone.cpus[0]
    cpu.enableInterrupts()
    sendSGI(5, to: 1, from: cpu)
    #expect(cpu.acknowledge() == 5)
    phone.advance(Self.turn)
    #expect(phone.running == ["b.0"])
    #expect(cpu.listed.isEmpty)
    phone.advance(Self.turn)
    #expect(phone.running == ["a.0"])
    #expect(cpu.lists.contains { $0 >> 62 == 2 && $0 & 0xFFFF == 5 })
    cpu.end(5)
    phone.settle()
    #expect(cpu.load(GuestMap.privateInterrupts(0) + 0x300) == 0)
  }

  /// A sibling's pending interrupt on another CPU is withdrawn there; RWP tells when that is done.
  @Test func aSiblingsInterruptIsWithdrawn() throws {
    let phone = try pair()
    let (first, second) = (phone.cpus[0], phone.cpus[1])
    second.enableShared(40, target: 1)
    second.store(GuestMap.distributor + 0x204, 1 << 8)
    phone.settle()
    #expect(second.listed == [40])
    first.store(GuestMap.distributor + 0x184, 1 << 8)
    #expect((first.load(GuestMap.distributor) ?? 0xBAD) >> 31 == 1)
    phone.settle()
    #expect((first.load(GuestMap.distributor) ?? 0xBAD) >> 31 == 0)
    #expect(second.listed.isEmpty)
  }

  // MARK: Shared

  @Test func routing() throws {
    let phone = try pair()
    phone.cpus[0].enableShared(41, target: 1)
    #expect(phone.cpus[0].load(GuestMap.distributor + 0x6000 + 41 * 8, bytes: 8) == 1)
    phone.cpus[0].store(GuestMap.distributor + 0x204, 1 << 9)
    phone.settle()
    #expect(phone.cpus[0].listed.isEmpty)
    #expect(phone.cpus[1].acknowledge() == 41)
    phone.cpus[0].store(GuestMap.distributor + 0x6000 + 41 * 8, 0, bytes: 8)
    phone.cpus[1].end(41)
    phone.settle()
    phone.cpus[0].store(GuestMap.distributor + 0x204, 1 << 9)
    phone.settle()
    #expect(phone.cpus[0].acknowledge() == 41)
  }

  /// Rerouted while it waits for its CPU.
  @Test func reroutingAPendingInterrupt() throws {
    let phone = try pair()
    phone.cpus[0].enableShared(41, target: 0x55)
    phone.cpus[0].store(GuestMap.distributor + 0x204, 1 << 9)
    phone.settle()
    #expect(phone.cpus[0].listed.isEmpty && phone.cpus[1].listed.isEmpty)
    phone.cpus[0].store(GuestMap.distributor + 0x6000 + 41 * 8, 1, bytes: 8)
    phone.settle()
    #expect(phone.cpus[1].listed == [41])
  }

  /// The UART's level: it comes again after its end as long as the condition holds, and goes with it.
  @Test func levelOfTheUART() throws {
    let phone = try single()
    let cpu = phone.cpus[0]
    cpu.enableShared(33)
    cpu.store(GuestMap.uart + 0x2C, 0x70)
    cpu.store(GuestMap.uart + 0x38, 0x50)
    phone.type("hi")
    for _ in 0..<3 {
      #expect(cpu.acknowledge() == 33)
      cpu.end(33)
      phone.settle()
    }
    #expect(cpu.load(GuestMap.uart) == UInt64(UInt8(ascii: "h")))
    #expect(cpu.load(GuestMap.uart) == UInt64(UInt8(ascii: "i")))
    phone.settle()
    #expect(cpu.acknowledge() == 1023)
  }

  // MARK: Timers

  /// The timer's physical interrupt is the guest's to end, and is signalled again while the condition holds.
  @Test func timer() throws {
    let phone = try single()
    let cpu = phone.cpus[0]
    cpu.setVirtualTimer(phone.board.clock + 100)
    phone.advance(99)
    #expect(cpu.listed.isEmpty)
    phone.advance(1)
    #expect(cpu.acknowledge() == 27)
    #expect(cpu.active.contains(27))
    cpu.end(27)
    phone.settle()
    #expect(cpu.acknowledge() == 27)
    cpu.live[SystemSlot.virtualTimerControl.rawValue] = 0
    cpu.end(27)
    phone.settle()
    #expect(cpu.acknowledge() == 1023)
    #expect(!cpu.active.contains(27))
  }

  /// A timer that one VM has active does not keep the next one's from interrupting.
  @Test func anActiveTimerIsSwitched() throws {
    let phone = try ScriptedPhone([ScriptedVM(name: "a"), ScriptedVM(name: "b")]).start()
    let cpu = phone.cpus[0]
    for _ in 0..<2 {
      cpu.enableInterrupts()
      phone.advance(Self.turn)
    }
    cpu.setVirtualTimer(phone.board.clock)
    phone.settle()
    #expect(cpu.acknowledge() == 27)
    cpu.acknowledged = []
    phone.advance(Self.turn)
    #expect(phone.running == ["b.0"])
    cpu.setVirtualTimer(phone.board.clock)
    phone.settle()
    #expect(cpu.acknowledge() == 27)
    cpu.live[SystemSlot.virtualTimerControl.rawValue] = 0
    cpu.end(27)
    phone.advance(Self.turn)
    #expect(phone.running == ["a.0"])
    #expect(cpu.active.contains(27))
    cpu.live[SystemSlot.virtualTimerControl.rawValue] = 0
    cpu.end(27)
    phone.settle()
    #expect(!cpu.active.contains(27))
  }

  // MARK: The frames

  @Test func identification() throws {
    let phone = try ScriptedPhone([ScriptedVM(name: "work", cpus: 2)]).start()
    let cpu = phone.cpus[0]
    #expect((cpu.load(GuestMap.distributor + 0xFFE8) ?? 0xBAD) >> 4 & 15 == 3)
    #expect((cpu.load(GuestMap.distributor + 4) ?? 0xBAD) & 31 == 2)
    #expect(cpu.load(GuestMap.redistributor(0) + 8, bytes: 8) == 0)
    #expect(cpu.load(GuestMap.redistributor(1) + 8, bytes: 8) == 1 << 32 | 1 << 8 | 0x10)
    #expect(cpu.load(GuestMap.redistributor(2) + 8, bytes: 8) == nil)
    #expect(cpu.load(GuestMap.redistributor(0) + 0x14) == 0)
  }

  /// SGIs are edges for good; what a shared interrupt is can be set.
  @Test func configuration() throws {
    let cpu = try single()
    cpu.cpus[0].store(GuestMap.distributor + 0xC08, 0xAAAA_AAAA)
    #expect(cpu.cpus[0].load(GuestMap.distributor + 0xC08) == 0xAAAA_AAAA)
    cpu.cpus[0].store(GuestMap.distributor + 0xC09, 0, bytes: 1)
    #expect(cpu.cpus[0].load(GuestMap.distributor + 0xC08) == 0xAAAA_00AA)
    #expect(cpu.cpus[0].load(GuestMap.privateInterrupts(0) + 0xC00) == 0xAAAA_AAAA)
  }

  /// Every offset of every frame can be loaded and stored with every width, and nothing gets out of hand.
  @Test func everyOffsetAndWidth() throws {
    let phone = try pair()
    let cpu = phone.cpus[0]
    let frames =
      [GuestMap.distributor] + (0..<2).flatMap { [GuestMap.redistributor($0), GuestMap.privateInterrupts($0)] }
    for frame in frames {
      guard cpu.answersEveryWidth(of: frame, by: 4) else { return }
    }
    phone.settle()
    #expect(phone.board.violations.isEmpty)
    #expect(phone.running == ["work.0", "work.1"])
  }
}
