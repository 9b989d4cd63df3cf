import ArmArchitecture
import SeededRandom
import Testing
import VirtualDevices

@testable import Hypervisor

/// Offsets of GICC.
private enum Register {
  static let control: UInt32 = 0x00, mask: UInt32 = 0x04, binaryPoint: UInt32 = 0x08, acknowledge: UInt32 = 0x0C
  static let end: UInt32 = 0x10, running: UInt32 = 0x14, highest: UInt32 = 0x18, aliasBinaryPoint: UInt32 = 0x1C
  static let aliasAcknowledge: UInt32 = 0x20, aliasEnd: UInt32 = 0x24, aliasHighest: UInt32 = 0x28
  static let active: UInt32 = 0xD0, identification: UInt32 = 0xFC, deactivate: UInt32 = 0x1000
}

/// The CPU interface of a guest on a board without virtualization extensions, and its interrupts.
private final class Interface {
  let board: ScriptedNarrowBoard
  let machine: ScriptedNarrowMachine
  let core: Core<ScriptedNarrowMachine>
  let guest: VirtualCPUReference

  init() throws {
    board = ScriptedNarrowBoard(.vexpress, image: try DeviceImageBuilder.image(generation: 2))
    machine = board.start()
    core = try #require(machine.core)
    guest = try #require(core.phone.value.machines[0]).value.virtualCPU(0)
    guest.value.machine.value.distributorControl.store(3, ordering: .relaxed)
    guest.value.state.store(VirtualCPUState.running, ordering: .relaxed)
    core.cpu.value.loaded = guest
    core.refill(guest)
  }

  subscript(_ offset: UInt32) -> UInt32 {
    get { access(offset, isStore: false, 0) }
    set { _ = access(offset, isStore: true, newValue) }
  }

  private func access(_ offset: UInt32, isStore: Bool, _ value: UInt32) -> UInt32 {
    UInt32(
      core.accessInterface(
        guest, DeviceAccess(offset: offset, sizeShift: 2, isStore: isStore, stored: UInt(value))))
  }

  var isInterrupting: Bool { machine.wire }

  private func bank(_ interrupt: UInt32) -> BankReference { core.bank(interrupt >> 5, of: guest) }

  func isPending(_ interrupt: UInt32) -> Bool { bank(interrupt).value.raised >> (interrupt & 31) & 1 != 0 }
  func isActive(_ interrupt: UInt32) -> Bool {
    bank(interrupt).value.active.load(ordering: .relaxed) >> (interrupt & 31) & 1 != 0
  }

  /// An interrupt by edge comes, as its device or another CPU makes it.
  /// - Parameter isOffered: nobody is told but the CPU interface, as where a timer of software's raises its wire.
  func raise(
    _ interrupt: UInt32, priority: UInt8 = 0xA0, isGroup1: Bool = false, sender: UInt8 = 0,
    isOffered: Bool = false
  ) {
    let bank = bank(interrupt)
    let bit = UInt32(1) << (interrupt & 31)
    bank.value.edge.set(bit)
    bank.value.enabled.set(bit)
    bank.value.group.replace(bit, with: isGroup1 ? bit : 0)
    let shift = (interrupt & 3) * 8
    let place = Int(interrupt >> 2 & 7)
    bank.value.priorities[place] = bank.value.priorities[place] & ~(0xFF << shift) | UInt32(priority) << shift
    if interrupt < 16 { guest.value.senders[Int(interrupt)] = sender }
    bank.value.pending.set(bit)
    if isOffered { core.offer(InterruptNumber(interrupt), to: guest) } else { core.notice(guest) }
  }

  /// The wire of one by level.
  func setLine(_ interrupt: UInt32, _ isRaised: Bool) {
    let bit = UInt32(1) << (interrupt & 31)
    bank(interrupt).value.enabled.set(bit)
    if isRaised { bank(interrupt).value.line.set(bit) } else { bank(interrupt).value.line.clear(bit) }
    core.notice(guest)
  }
}

/// What the specification (IHI 0048) says.
@Suite struct SoftwareInterfaceTests {
  /// As Linux starts it.
  private func started() throws -> Interface {
    let interface = try Interface()
    interface[Register.mask] = 0xF0
    interface[Register.control] = 1
    return interface
  }

  @Test func powerOn() throws {
    let interface = try Interface()
    #expect(interface[Register.control] == 0 && interface[Register.mask] == 0)
    #expect(interface[Register.binaryPoint] == 2 && interface[Register.aliasBinaryPoint] == 3)
    #expect(interface[Register.running] == 0xFF && interface[Register.active] == 0)
    #expect(interface[Register.acknowledge] == 1023 && interface[Register.highest] == 1023)
    #expect(interface[Register.identification] == 0x2_043B)
    #expect(!interface.isInterrupting)
  }

  @Test func registers() throws {
    let interface = try Interface()
    for offset in stride(from: 0 as UInt32, to: 0x1004, by: 4) where offset != Register.end {
      interface[offset] = ~0
    }
    #expect(interface[Register.control] == 0x217 && interface[Register.mask] == 0xF8)
    #expect(interface[Register.binaryPoint] == 7 && interface[Register.aliasBinaryPoint] == 7)
    #expect(interface[Register.identification] == 0x2_043B && interface[0x2C] == 0 && interface[0xE0] == 0)
  }

  @Test func oneInterrupt() throws {
    let interface = try started()
    interface.raise(33)
    #expect(interface.isInterrupting)
    #expect(interface[Register.highest] == 33 && interface[Register.acknowledge] == 33)
    #expect(!interface.isInterrupting && interface[Register.running] == 0xA0)
    #expect(interface.isActive(33) && !interface.isPending(33))
    interface[Register.end] = 33
    #expect(!interface.isActive(33) && interface[Register.running] == 0xFF && !interface.isInterrupting)
  }

  /// GICC_IAR names the sender, and GICC_EOIR takes that back.
  @Test func softwareInterrupt() throws {
    let interface = try started()
    interface.raise(5, sender: 3)
    #expect(interface[Register.highest] == 0xC05)
    #expect(interface[Register.acknowledge] == 0xC05)
    interface[Register.end] = 0xC05
    #expect(!interface.isActive(5))
  }

  /// One that came again while it was active is pending afterwards; a level that stays comes again.
  @Test func again() throws {
    let interface = try started()
    interface.raise(8)
    _ = interface[Register.acknowledge]
    interface.raise(8)
    #expect(!interface.isInterrupting && interface[Register.acknowledge] == 1023)
    interface[Register.end] = 8
    #expect(interface.isInterrupting && interface[Register.acknowledge] == 8)
    interface[Register.end] = 8
    interface.setLine(50, true)
    #expect(interface[Register.acknowledge] == 50 && !interface.isInterrupting)
    interface[Register.end] = 50
    #expect(interface.isInterrupting && interface[Register.acknowledge] == 50)
    interface.setLine(50, false)
    interface[Register.end] = 50
    #expect(!interface.isInterrupting)
  }

  @Test func priorities() throws {
    let interface = try started()
    interface.raise(40, priority: 0xA0)
    interface.raise(41, priority: 0x80)
    interface.raise(42, priority: 0x80)
    #expect(interface[Register.acknowledge] == 41)
    #expect(!interface.isInterrupting && interface[Register.highest] == 42)
    interface.raise(43, priority: 0x78)
    #expect(interface.isInterrupting && interface[Register.acknowledge] == 43)
    #expect(interface[Register.running] == 0x78 && interface[Register.active] == 0x1_8000)
    interface[Register.end] = 43
    #expect(interface[Register.running] == 0x80 && !interface.isInterrupting)
    // A mask that lets through what is more urgent than it.
    interface[Register.end] = 41
    interface[Register.mask] = 0x80
    #expect(!interface.isInterrupting && interface[Register.acknowledge] == 1023)
    #expect(interface[Register.highest] == 42)
    interface[Register.mask] = 0x88
    #expect(interface.isInterrupting && interface[Register.acknowledge] == 42)
  }

  /// 4.4.3: the bits below the binary point do not preempt.
  @Test func binaryPoint() throws {
    let interface = try started()
    interface[Register.binaryPoint] = 4
    interface.raise(40, priority: 0xB8)
    #expect(interface[Register.acknowledge] == 40 && interface[Register.running] == 0xA0)
    interface.raise(41, priority: 0xA0)
    #expect(!interface.isInterrupting)
    interface.raise(42, priority: 0x98)
    #expect(interface[Register.acknowledge] == 42 && interface[Register.running] == 0x80)
  }

  /// 4.4.4: Group 1 has registers of its own, or AckCtl.
  @Test func groups() throws {
    let interface = try started()
    interface.raise(40, isGroup1: true)
    #expect(!interface.isInterrupting && interface[Register.highest] == 1023)
    interface[Register.control] = 3
    #expect(interface.isInterrupting)
    #expect(interface[Register.highest] == 1022 && interface[Register.acknowledge] == 1022)
    #expect(interface[Register.aliasHighest] == 40 && interface[Register.aliasAcknowledge] == 40)
    interface[Register.aliasEnd] = 40
    interface.raise(41)
    #expect(interface[Register.aliasHighest] == 1023 && interface[Register.aliasAcknowledge] == 1023)
    interface[Register.end] = interface[Register.acknowledge]
    interface.raise(42, isGroup1: true)
    interface[Register.control] = 7
    #expect(interface[Register.acknowledge] == 42)
  }

  /// EOImode: GICC_EOIR drops the priority, GICC_DIR ends.
  @Test func twoSteps() throws {
    let interface = try started()
    interface[Register.control] = 0x201
    interface.raise(50)
    _ = interface[Register.acknowledge]
    interface[Register.end] = 50
    #expect(interface[Register.running] == 0xFF && interface.isActive(50))
    interface[Register.deactivate] = 50
    #expect(!interface.isActive(50))
    interface[Register.control] = 1
    interface.raise(50)
    _ = interface[Register.acknowledge]
    interface[Register.deactivate] = 50
    #expect(interface.isActive(50))
  }

  /// 1023 is no interrupt; an end that drops no priority ends nothing; nor does one of what is not there.
  @Test func endOfNothing() throws {
    let interface = try started()
    interface.raise(33)
    _ = interface[Register.acknowledge]
    interface[Register.end] = 1023
    #expect(interface[Register.running] == 0xA0 && interface.isActive(33))
    interface[Register.end] = 1019
    #expect(interface[Register.running] == 0xFF && interface.isActive(33))
    interface[Register.end] = 33
    #expect(interface.isActive(33))
  }
}

/// The interface in the specification's own terms: 8-bit priorities, a list of what is being served.
private struct SlowInterface {
  struct Interrupt {
    var number: UInt32, priority: UInt32, isGroup1: Bool, sender: UInt32, isPending: Bool, isActive: Bool
  }

  var interrupts: [Interrupt] = []
  var control: UInt32 = 0
  var mask: UInt32 = 0
  var points: [UInt32] = [2, 3]
  /// Group priorities.
  var served: Set<UInt32> = []

  private func groupPriority(_ interrupt: Interrupt) -> UInt32 {
    let bits = interrupt.isGroup1 && control & 0x10 == 0 ? points[1] : points[0] + 1
    return ((interrupt.priority & 0xF8) >> bits) << bits
  }

  var running: UInt32 { served.min() ?? 0xFF }

  private var highest: Int? {
    interrupts.indices.filter {
      interrupts[$0].isPending && !interrupts[$0].isActive && control & (interrupts[$0].isGroup1 ? 2 : 1) != 0
    }.min {
      (interrupts[$0].priority, interrupts[$0].number) < (interrupts[$1].priority, interrupts[$1].number)
    }
  }

  var isInterrupting: Bool {
    guard let highest else { return false }
    return interrupts[highest].priority & 0xF8 < mask && groupPriority(interrupts[highest]) < running
  }

  func identity(isAlias: Bool) -> UInt32 {
    guard let highest else { return 1023 }
    let interrupt = interrupts[highest]
    if isAlias, !interrupt.isGroup1 { return 1023 }
    if !isAlias, interrupt.isGroup1, control & 4 == 0 { return 1022 }
    return interrupt.number + (interrupt.number < 16 ? interrupt.sender << 10 : 0)
  }

  mutating func acknowledge(isAlias: Bool) -> UInt32 {
    guard isInterrupting, let highest else { return 1023 }
    let identity = identity(isAlias: isAlias)
    guard identity & 0x3FF < 1020 else { return identity }
    served.insert(groupPriority(interrupts[highest]))
    interrupts[highest].isPending = false
    interrupts[highest].isActive = true
    return identity
  }

  mutating func end(_ value: UInt32) {
    guard value & 0x3FF < 1020, let most = served.min() else { return }
    served.remove(most)
    if control & 0x200 == 0 { deactivate(value) }
  }

  mutating func deactivate(_ value: UInt32) {
    for index in interrupts.indices where interrupts[index].number == value & 0x3FF {
      interrupts[index].isActive = false
    }
  }
}

/// Whatever a guest and the core do, the interface is as the specification says.
@Suite struct SoftwareInterfacePropertyTests {
  private struct Run {
    let interface: Interface
    var slow = SlowInterface()
    var taken: [UInt32] = []
    var random: SeededGenerator

    init(seed: UInt64) throws {
      interface = try Interface()
      random = SeededGenerator(seed: seed)
      // Of every priority register the priorities of others are changed with it: one interrupt of each.
      slow.interrupts = (0..<20).map {
        SlowInterface.Interrupt(
          number: $0 * 4, priority: 0, isGroup1: false, sender: 0, isPending: false, isActive: false)
      }
    }

    private mutating func number(_ range: Range<UInt32>) -> UInt32 { UInt32.random(in: range, using: &random) }

    mutating func raise() {
      let index = Int(number(0..<20))
      let isNew = !slow.interrupts[index].isPending
      slow.interrupts[index].priority = number(0..<32) << 3
      slow.interrupts[index].isGroup1 = number(0..<2) != 0
      slow.interrupts[index].sender = number(0..<8)
      slow.interrupts[index].isPending = true
      let interrupt = slow.interrupts[index]
      interface.raise(
        interrupt.number, priority: UInt8(interrupt.priority), isGroup1: interrupt.isGroup1,
        sender: UInt8(interrupt.sender), isOffered: isNew && number(0..<2) == 0)
    }

    mutating func acknowledge() -> Bool {
      let isAlias = number(0..<2) != 0
      let identity = slow.acknowledge(isAlias: isAlias)
      if identity & 0x3FF < 1020 { taken.append(identity) }
      return interface[isAlias ? Register.aliasAcknowledge : Register.acknowledge] == identity
    }

    mutating func end() {
      let value = taken.isEmpty || number(0..<8) == 0 ? number(0..<1024) : taken.removeLast()
      if number(0..<4) == 0 {
        if slow.control & 0x200 != 0 { slow.deactivate(value) }
        interface[Register.deactivate] = value
      } else {
        slow.end(value)
        interface[number(0..<2) == 0 ? Register.aliasEnd : Register.end] = value
      }
    }

    mutating func set() {
      let value = number(0..<0x400)
      switch number(0..<11) {
      case 0...4:
        slow.control = value & 0x217 | 3
        interface[Register.control] = value | 3
      case 5:
        slow.control = value & 0x217
        interface[Register.control] = value
      case 6...8:
        slow.mask = (value | 0x80) & 0xF8
        interface[Register.mask] = value | 0x80
      case 9:
        slow.points[0] = max(value & 7, 2)
        interface[Register.binaryPoint] = value
      default:
        slow.points[1] = max(value & 7, 3)
        interface[Register.aliasBinaryPoint] = value
      }
    }

    func isSame() -> Bool {
      slow.interrupts.allSatisfy {
        interface.isPending($0.number) == $0.isPending && interface.isActive($0.number) == $0.isActive
      }
        && interface[Register.control] == slow.control && interface[Register.mask] == slow.mask
        && interface[Register.binaryPoint] == slow.points[0]
        && interface[Register.aliasBinaryPoint] == slow.points[1]
        && interface[Register.running] == slow.running
        && interface[Register.active] == slow.served.reduce(0) { $0 | 1 << ($1 >> 3) }
        && interface[Register.highest] == slow.identity(isAlias: false)
        && interface[Register.aliasHighest] == slow.identity(isAlias: true)
        && interface.isInterrupting == slow.isInterrupting
    }
  }

  @Test(arguments: 1...12 as ClosedRange<UInt64>) func likeTheSpecification(seed: UInt64) throws {
    var run = try Run(seed: seed)
    var acknowledged = 0
    for step in 0..<2000 {
      var isSame = true
      switch UInt8.random(in: 0..<8, using: &run.random) {
      case 0...2: run.raise()
      case 3...4:
        let before = run.taken.count
        isSame = run.acknowledge()
        acknowledged += run.taken.count - before
      case 5...6: run.end()
      default: run.set()
      }
      #expect(isSame && run.isSame(), "seed \(seed), step \(step)")
    }
    #expect(acknowledged > 20)
  }
}

/// When the wire of the loaded guest is looked at, and its timer's alarm is set.
@Suite struct SoftwareTimerTests {
  private func started() throws -> Interface {
    let interface = try Interface()
    interface[Register.mask] = 0xF0
    interface[Register.control] = 1
    interface.guest.value.machine.value.phase.store(Phase.running, ordering: .relaxed)
    interface.guest.value.machine.value.bank(0).value.enabled.set(GuestInterrupt.dualTimer.bit)
    return interface
  }

  /// The guest's store to its timer changes wire and alarm, and nobody looks at the queue for that.
  @Test func aStoreToTheTimer() throws {
    let interface = try started()
    let now = interface.machine.read(.counter)
    func follow(isRaised: Bool = false, deadline: UInt64 = ~0) {
      interface.machine.timer = (isRaised, deadline)
      interface.core.followTimer(interface.guest, at: now)
    }
    interface.core.cpu.value.lookAgain = now + 9000
    interface.core.cpu.value.alarm = now + 9000
    follow(isRaised: true)
    #expect(interface.isInterrupting)
    #expect(interface.core.cpu.value.alarm == now + 9000)
    follow(deadline: now + 5000)
    #expect(!interface.isInterrupting)
    #expect(interface.core.cpu.value.alarm == now + 5000)
    follow(deadline: now + 7000)
    #expect(interface.core.cpu.value.alarm == now + 7000)
    follow()
    #expect(interface.core.cpu.value.alarm == now + 9000)
    #expect(interface.core.cpu.value.attention.load(ordering: .relaxed) == 0)
  }

  /// One that is being served is not taken again when its wire was lowered and is raised anew.
  @Test func aTimerThatIsServed() throws {
    let interface = try started()
    let timer = GuestInterrupt.dualTimer
    let number = 32 + UInt32(timer.bit.trailingZeroBitCount)
    func follow(isRaised: Bool) {
      interface.machine.timer = (isRaised, ~0)
      interface.core.followTimer(interface.guest, at: 0)
    }
    follow(isRaised: true)
    #expect(interface[Register.acknowledge] == number && !interface.isInterrupting)
    follow(isRaised: false)
    #expect(!interface.isInterrupting && !interface.isPending(number))
    follow(isRaised: true)
    #expect(!interface.isInterrupting)
    interface[Register.end] = number
    #expect(interface.isInterrupting && interface[Register.acknowledge] == number)
    follow(isRaised: false)
    interface[Register.end] = number
    #expect(!interface.isInterrupting && interface[Register.acknowledge] == 1023)
  }

  /// The alarm is the loaded guest's own timer: it is interrupted, and goes on with its turn. At the time for it, or while it
  /// waits, the queue is looked at.
  @Test func theAlarm() throws {
    for (time, state, isLook) in [
      (9000, VirtualCPUState.running, false), (0, VirtualCPUState.running, true),
      (9000, VirtualCPUState.waiting, true),
    ] as [(UInt64, UInt32, Bool)] {
      let interface = try started()
      let now = interface.machine.read(.counter)
      interface.guest.value.state.store(state, ordering: .relaxed)
      interface.core.cpu.value.lookAgain = now + time
      interface.machine.timer = (isRaised: true, deadline: now + 4000)
      interface.machine.write(.alarm, now + 1)
      interface.board.pass(10)
      #expect(interface.core.acknowledgeInterrupt())
      #expect((interface.core.cpu.value.attention.load(ordering: .relaxed) != 0) == isLook)
      #expect(interface.isInterrupting == !isLook)
      #expect(interface.core.cpu.value.alarm == (isLook ? ~0 : now + 4000))
      #expect(!interface.core.acknowledgeInterrupt())
    }
  }

  /// What comes while a guest waits is on its wire when it goes on, though it never left the CPU.
  @Test(arguments: [VirtualCPUState.waiting, VirtualCPUState.ready])
  func anInterruptForOneThatDoesNotRun(state: UInt32) throws {
    let interface = try started()
    interface.guest.value.bank.value.enabled.set(1 << 3)
    interface.guest.value.bank.value.edge.set(1 << 3)
    interface.guest.value.state.store(state, ordering: .relaxed)
    interface.core.pend(InterruptNumber(3), to: interface.guest)
    #expect(!interface.isInterrupting)
    #expect(interface.core.schedule() == interface.guest)
    #expect(interface.isInterrupting)
  }

  /// A timer that stays raised does not wake the CPU of one that waits for something else, again and again.
  @Test(arguments: [(true, 1 << 30), (false, 4000)] as [(Bool, UInt64)])
  func theTimerOfOneThatWaits(isRaised: Bool, alarm: UInt64) throws {
    let interface = try started()
    interface.guest.value.machine.value.bank(0).value.enabled.clear(GuestInterrupt.dualTimer.bit)
    interface.guest.value.state.store(VirtualCPUState.waiting, ordering: .relaxed)
    let now = interface.machine.read(.counter)
    interface.machine.timer = (isRaised, now + 4000)
    interface.machine.escaping { _ = interface.core.schedule() }
    #expect((now + alarm...now + alarm + 100).contains(interface.core.cpu.value.alarm))
  }

  /// Of two with one priority the lower number is taken first, whichever was there before.
  @Test(arguments: [(40, 41), (41, 40)] as [(UInt32, UInt32)]) func anOffer(first: UInt32, second: UInt32)
    throws
  {
    let interface = try started()
    interface.raise(first, isOffered: true)
    interface.raise(second, isOffered: true)
    interface.raise(39, priority: 0xA8, isOffered: true)
    for number in [40, 41, 39] as [UInt32] {
      #expect(interface.isInterrupting && interface[Register.acknowledge] == number)
      interface[Register.end] = number
    }
    #expect(!interface.isInterrupting)
  }

  /// With nothing to wait for, the counter is looked at before its 32 bits are over.
  @Test func theCounterIsLookedAt() throws {
    let interface = try started()
    let before = interface.machine.read(.counter)
    #expect(interface.core.schedule() == interface.guest)
    let after = interface.machine.read(.counter)
    #expect((before + 1 << 30...after + 1 << 30).contains(interface.core.cpu.value.alarm))
  }

  /// The timer of one that runs on raises its wire at the next look.
  @Test func aTimerThatIsDue() throws {
    let interface = try started()
    interface.machine.timer = (isRaised: true, deadline: ~0)
    #expect(interface.core.schedule() == interface.guest)
    #expect(interface.isInterrupting)
    interface.machine.timer = (isRaised: false, deadline: ~0)
    #expect(interface.core.schedule() == interface.guest)
    #expect(!interface.isInterrupting)
  }
}
