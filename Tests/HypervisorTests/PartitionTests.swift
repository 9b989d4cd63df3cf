import ArmArchitecture
import Testing

@testable import Hypervisor

/// FF-A as a guest calls it.
enum PartitionCall {
  static let version: UInt32 = 0x8400_0063
  static let features: UInt32 = 0x8400_0064
  static let identity: UInt32 = 0x8400_0069
  static let wait: UInt32 = 0x8400_006B
  static let request: UInt32 = 0x8400_006F
  static let response: UInt32 = 0x8400_0070
  static let bind: UInt32 = 0x8400_007F
  static let unbind: UInt32 = 0x8400_0080
  static let set: UInt32 = 0x8400_0081
  static let get: UInt32 = 0x8400_0082
  static let partition: UInt32 = 0xC400_008B
  static let wide: UInt32 = 0x4000_0000

  static let all: [UInt32] = [
    version, features, identity, wait, request, request | wide, response, response | wide, bind, unbind, set,
    get,
    partition,
  ]
}

extension VirtualCPUReference {
  /// x0 to x7.
  fileprivate var results: [UInt64] { (0..<8).map { value.registers[$0] } }

  /// FFA_ERROR with a code; nil for any other answer.
  fileprivate var error: Int32? {
    let results = results
    guard results[0] == 0x8400_0060, results[2] >> 32 == 0 else { return nil }
    guard [1, 3, 4, 5, 6, 7].allSatisfy({ results[$0] == 0 }) else { return nil }
    return Int32(truncatingIfNeeded: results[2])
  }

  /// FFA_SUCCESS.
  fileprivate var isSuccess: Bool { results[0] == 0x8400_0061 }
}

extension ScriptedMachine {
  /// Calls a function with w1 to w7.
  /// - Returns: who called; its answer may come later.
  @discardableResult
  fileprivate func ask(_ function: UInt32, _ arguments: UInt64...) throws -> VirtualCPUReference {
    let guest = try #require(current)
    for index in 1..<8 { guest.value.registers[index] = index <= arguments.count ? arguments[index - 1] : 0 }
    guest.value.registers[0] = UInt64(function)
    trap(0x16)
    return guest
  }
}

/// Who is there, and what does not exist.
@Suite(.reportsHangs) struct PartitionDiscoveryTests {
  private func phone() throws -> ScriptedPhone {
    let machines = [
      ScriptedVM(name: "work", placement: [0], calls: ["vault"]),
      ScriptedVM(name: "vault", cpus: 2, placement: [1, 1]),
      ScriptedVM(name: "a-longer-name15", placement: [2]),
    ]
    return try ScriptedPhone(machines, cpus: 3).start()
  }

  @Test func version() throws {
    let phone = try phone()
    let cpu = phone.cpus[0]
    for requested in [0x1_0000, 0x1_0002, 0x7FFF_FFFF, 0xABCD_0000_0001_0000] as [UInt64] {
      #expect(cpu.call(PartitionCall.version, requested) == 0x1_0002)
    }
    #expect(UInt32(truncatingIfNeeded: cpu.call(PartitionCall.version, 0x8000_0000)) == ~0)
    #expect(cpu.call(PartitionCall.version, 0x1_0000, bySecureMonitor: true) == 0x1_0002)
  }

  @Test func features() throws {
    let phone = try phone()
    let cpu = phone.cpus[0]
    for convention in [0x8400_0000, 0xC400_0000] as [UInt32] {
      for number in convention | 0x60...convention | 0x8F where number != 0x8400_0060 {
        let guest = try cpu.ask(PartitionCall.features, UInt64(number))
        let isThere = PartitionCall.all.contains(number)
        #expect(isThere ? guest.isSuccess : guest.error == -1, "\(String(number, radix: 16)): \(guest.results)")
      }
    }
    let interrupt = try cpu.ask(PartitionCall.features, 1)
    #expect(interrupt.isSuccess && interrupt.results[2] == 8)
    for feature in [0, 2, 3, 0xFF, 0x8400_005F, 0x8400_0090, 0xFFFF_FFFF] as [UInt64] {
      #expect(try cpu.ask(PartitionCall.features, feature).error == -1, "\(feature)")
    }
  }

  /// Every number of the framework's range answers, whatever the other registers hold.
  @Test(arguments: [0x8400_0000, 0xC400_0000] as [UInt32], [0, ~0] as [UInt64])
  func everyNumber(convention: UInt32, garbage: UInt64) throws {
    let phone = try phone()
    let cpu = phone.cpus[0]
    let guest = try #require(cpu.current)
    for number in convention | 0x60...convention | 0x8F where number != PartitionCall.wait {
      for index in 0..<31 { guest.value.registers[index] = garbage }
      guest.value.registers[0] = UInt64(number)
      cpu.trap(0x16)
      #expect(phone.running[0] == "work.0", "\(String(number, radix: 16))")
      if !PartitionCall.all.contains(number) { #expect(guest.error == -1, "\(String(number, radix: 16))") }
      #expect((8..<31).allSatisfy { guest.value.registers[$0] == garbage })
    }
    #expect(phone.board.violations.isEmpty)
  }

  /// Its neighbours in the number space are not the framework's.
  @Test(arguments: [0x8400_005F, 0x8400_0090, 0xC400_005F, 0xC400_0090] as [UInt32])
  func outside(number: UInt32) throws {
    let phone = try phone()
    #expect(phone.cpus[0].call(number) == -1)
  }

  @Test func identity() throws {
    let phone = try phone()
    for (index, cpu) in phone.cpus.enumerated() {
      let guest = try cpu.ask(PartitionCall.identity)
      #expect(guest.isSuccess && guest.results[2] == UInt64(index + 1))
    }
  }

  @Test func partitions() throws {
    let phone = try phone()
    let cpu = phone.cpus[0]
    let expected: [(name: String, cpus: UInt64, properties: UInt64)] = [
      ("work", 1, 0), ("vault", 2, 1), ("a-longer-name15", 1, 0),
    ]
    for (index, machine) in expected.enumerated() {
      let results = try cpu.ask(PartitionCall.partition, 0, 0, UInt64(index)).results
      #expect(results[0] == 0xC400_0061)
      #expect(results[2] == 24 << 48 | UInt64(index) << 16 | 2)
      #expect(results[3] == machine.properties << 32 | machine.cpus << 16 | UInt64(index + 1))
      let bytes = [results[4], results[5]].flatMap { word in (0..<8).map { UInt8(word >> ($0 * 8) & 0xFF) } }
      #expect(String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self) == machine.name)
      #expect(results[6] == 0 && results[7] == 0)
    }
    #expect(try phone.cpus[1].ask(PartitionCall.partition, 0, 0, 1).results[3] >> 32 == 0)
  }

  @Test(
    arguments: [(0, 0, 3), (0, 0, 8), (0, 0, 0xFFFF), (1, 0, 0), (0, 1 << 63, 0)] as [(UInt64, UInt64, UInt64)])
  func noSuchPartition(first: UInt64, second: UInt64, index: UInt64) throws {
    let phone = try phone()
    #expect(try phone.cpus[0].ask(PartitionCall.partition, first, second, index).error == -2)
  }
}

/// Requests and their answers.
@Suite(.reportsHangs) struct PartitionMessageTests {
  /// Partition 1 may call partition 2; partition 3 nobody.
  private func phone(cpus: Int, clients: Int = 1, restart: String? = nil) throws -> ScriptedPhone {
    let machines = [
      ScriptedVM(
        name: "work", cpus: clients, placement: clients == 1 ? [0] : [0, cpus - 1], restart: restart,
        calls: ["vault"]),
      ScriptedVM(name: "vault", placement: [cpus > 1 ? 1 : 0], restart: "never"),
      ScriptedVM(name: "other", placement: [cpus > 1 ? 1 : 0]),
    ]
    return try ScriptedPhone(machines, cpus: cpus).start()
  }

  /// The service listens.
  @discardableResult private func listen(_ phone: ScriptedPhone) throws -> VirtualCPUReference {
    let guest = try phone.bring("vault.0").ask(PartitionCall.wait)
    phone.settle()
    #expect(!phone.running.contains("vault.0"))
    return guest
  }

  /// A request is on its way to the service, which runs with it.
  private func served(_ phone: ScriptedPhone) throws -> (client: VirtualCPUReference, service: ScriptedMachine)
  {
    try listen(phone)
    let client = try phone.bring("work.0").ask(PartitionCall.request | PartitionCall.wide, 0x1_0002, 0, 3)
    phone.settle()
    return (client, try phone.bring("vault.0"))
  }

  @Test(arguments: [1, 2], [0, PartitionCall.wide]) func thereAndBack(cpus: Int, convention: UInt32) throws {
    let phone = try phone(cpus: cpus)
    let service = try listen(phone)
    for round in 0..<5 as Range<UInt64> {
      let client = try phone.bring("work.0").ask(
        PartitionCall.request | convention, 0x1_0002, 0, round, 4, 5, 6, 7)
      phone.settle()
      #expect(!phone.running.contains("work.0"), "the client waits")
      let cpu = try phone.bring("vault.0")
      #expect(service.results == [UInt64(PartitionCall.request | convention), 0x1_0002, 0, round, 4, 5, 6, 7])
      try cpu.ask(PartitionCall.response | convention, 0x2_0001, 0, 30, 40, 50, 60, 70 + round)
      phone.settle()
      #expect(!phone.running.contains("vault.0"), "the service listens again")
      _ = try phone.bring("work.0")
      let answer = UInt64(PartitionCall.response | convention)
      #expect(client.results == [answer, 0x2_0001, 0, 30, 40, 50, 60, 70 + round])
    }
    #expect(phone.board.violations.isEmpty)
  }

  /// Registers that carry no message stay.
  @Test func otherRegistersStay() throws {
    let phone = try phone(cpus: 2)
    let (client, cpu) = try served(phone)
    for index in 8..<31 { client.value.registers[index] = UInt64(index) }
    try cpu.ask(PartitionCall.response, 0x2_0001)
    phone.settle()
    #expect((8..<31).allSatisfy { client.value.registers[$0] == UInt64($0) })
  }

  /// In the 32-bit convention nothing of the upper halves gets through.
  @Test func narrowPayload() throws {
    let phone = try phone(cpus: 2)
    let service = try listen(phone)
    let garbage: UInt64 = 0xABCD_EF01 << 32
    let client = try phone.bring("work.0").ask(
      PartitionCall.request, garbage | 0x1_0002, garbage, garbage | 3, garbage | 4, garbage | 5, garbage | 6,
      garbage | 7)
    phone.settle()
    let cpu = try phone.bring("vault.0")
    #expect(service.results == [UInt64(PartitionCall.request), 0x1_0002, 0, 3, 4, 5, 6, 7])
    try cpu.ask(PartitionCall.response, garbage | 0x2_0001, garbage, garbage | 30)
    phone.settle()
    #expect(client.results == [UInt64(PartitionCall.response), 0x2_0001, 0, 30, 0, 0, 0, 0])
  }

  /// In the 64-bit convention all of them do.
  @Test func widePayload() throws {
    let phone = try phone(cpus: 2)
    let service = try listen(phone)
    try phone.bring("work.0").ask(PartitionCall.request | PartitionCall.wide, 0x1_0002, 0, ~0, ~1, ~2, ~3, ~4)
    phone.settle()
    #expect(Array(service.results[3...]) == [~0, ~1, ~2, ~3, ~4])
  }

  @Test func busy() throws {
    let phone = try phone(cpus: 2)
    #expect(try phone.bring("work.0").ask(PartitionCall.request, 0x1_0002).error == -4)
    let (_, service) = try served(phone)
    service.call(FirmwareFunction.version)
    #expect(phone.cpus[0].running == nil)
  }

  /// While it serves one virtual CPU of a VM it is busy for the other.
  @Test func busyWithASibling() throws {
    let phone = try phone(cpus: 3, clients: 2)
    phone.cpus[0].call(FirmwareFunction.cpuOn, 1, 0x4020_0000, 0)
    phone.settle()
    let (client, service) = try served(phone)
    #expect(try phone.bring("work.1").ask(PartitionCall.request, 0x1_0002).error == -4)
    try service.ask(PartitionCall.response, 0x2_0001, 0, 9)
    phone.settle()
    #expect(client.results[3] == 9)
    let second = try phone.bring("work.1").ask(PartitionCall.request, 0x1_0002)
    phone.settle()
    try phone.bring("vault.0").ask(PartitionCall.response, 0x2_0001, 0, 10)
    phone.settle()
    #expect(second.results[3] == 10)
    #expect(client.results[3] == 9)
  }

  /// Only whom the phone's owner named may call, in no other direction.
  @Test func denied() throws {
    let phone = try phone(cpus: 2)
    try listen(phone)
    #expect(try phone.bring("other.0").ask(PartitionCall.request, 0x3_0002).error == -6)
    #expect(try phone.bring("work.0").ask(PartitionCall.request, 0x1_0003).error == -6)
    #expect(try phone.bring("other.0").ask(PartitionCall.response, 0x3_0001).error == -6)
    #expect(try phone.bring("work.0").ask(PartitionCall.response, 0x1_0002).error == -6)
  }

  /// Somebody else's name, nobody's, the hypervisor's, its own; a message that is none.
  @Test(arguments: [0x2_0001, 0x3_0002, 0x1_0001, 0x1_0000, 0x1_0004, 0x1_0009, 0x1_FFFF, 0xFFFF_0002, 0])
  func parameters(names: UInt64) throws {
    let phone = try phone(cpus: 2)
    try listen(phone)
    for convention in [0, PartitionCall.wide] {
      #expect(try phone.bring("work.0").ask(PartitionCall.request | convention, names).error == -2)
      #expect(try phone.bring("work.0").ask(PartitionCall.response | convention, names).error == -2)
    }
  }

  @Test func theFrameworksOwnMessages() throws {
    let phone = try phone(cpus: 2)
    try listen(phone)
    #expect(try phone.bring("work.0").ask(PartitionCall.request, 0x1_0002, 0x8000_0000).error == -2)
  }

  /// An answer to a request that is answered already, or to somebody else.
  @Test func oneAnswer() throws {
    let phone = try phone(cpus: 2)
    let (client, service) = try served(phone)
    #expect(try service.ask(PartitionCall.response, 0x2_0003).error == -6)
    try service.ask(PartitionCall.response, 0x2_0001, 0, 1)
    phone.settle()
    service.pending.append(7)
    #expect(client.results[3] == 1)
  }

  /// Only the first virtual CPU listens.
  @Test func listeningOfASibling() throws {
    let phone = try ScriptedPhone([ScriptedVM(name: "work", cpus: 2, placement: [0, 1])], cpus: 2).start()
    phone.cpus[0].call(FirmwareFunction.cpuOn, 1, 0x4020_0000, 0)
    phone.settle()
    #expect(try phone.cpus[1].ask(PartitionCall.wait).error == -6)
  }

  /// The service stops: its client gets an error, and later calls find nobody.
  @Test(arguments: [1, 2], StopCause.allCases) func aborted(cpus: Int, cause: StopCause) throws {
    let phone = try phone(cpus: cpus)
    let (client, service) = try served(phone)
    try phone.stop(service, cause)
    let cpu = try phone.bring("work.0")
    #expect(client.error == -8)
    #expect(try cpu.ask(PartitionCall.request, 0x1_0002).error == -4)
    #expect(phone.output.contains("vault stopped"))
  }

  /// So it is where the service only turns its CPU off.
  @Test func turnedOff() throws {
    let phone = try phone(cpus: 2)
    let (client, service) = try served(phone)
    service.call(FirmwareFunction.cpuOff)
    phone.settle()
    _ = try phone.bring("work.0")
    #expect(client.error == -8)
  }

  /// Who owes an answer does not listen: a second request would make it forget the first, whose client waits.
  @Test func listeningInsteadOfAnswering() throws {
    let phone = try phone(cpus: 2)
    let (client, service) = try served(phone)
    #expect(try service.ask(PartitionCall.wait).error == -6)
    try phone.bring("vault.0").ask(PartitionCall.response, 0x2_0001, 0, 9)
    phone.settle()
    #expect(client.results[3] == 9)
    #expect(phone.board.violations.isEmpty)
  }

  /// A client that began anew does not get what it asked for in its first life.
  @Test func anAnswerThatIsTooLate() throws {
    let phone = try phone(cpus: 3, clients: 2, restart: "always")
    phone.cpus[0].call(FirmwareFunction.cpuOn, 1, 0x4020_0000, 0)
    phone.settle()
    let (client, service) = try served(phone)
    try phone.bring("work.1").call(FirmwareFunction.systemReset)
    phone.settle()
    #expect(try phone.bring("work.0").current?.value.registers[0] == GuestMap.memory)
    try service.ask(PartitionCall.response, 0x2_0001, 0, 0x5EC2E7)
    phone.settle()
    #expect(client.value.registers[0] == GuestMap.memory)
    #expect(client.value.registers[3] == 0)
    let fresh = try phone.bring("work.0").ask(PartitionCall.request, 0x1_0002, 0, 4)
    phone.settle()
    try phone.bring("vault.0").ask(PartitionCall.response, 0x2_0001, 0, 5)
    phone.settle()
    #expect(fresh.results[3] == 5)
  }

  /// Nor while it waits for the answer to a request of its second life.
  @Test func aSecondRequestWhileTheFirstIsServed() throws {
    let phone = try phone(cpus: 3, clients: 2, restart: "always")
    phone.cpus[0].call(FirmwareFunction.cpuOn, 1, 0x4020_0000, 0)
    phone.settle()
    _ = try served(phone)
    try phone.bring("work.1").call(FirmwareFunction.systemReset)
    phone.settle()
    #expect(try phone.bring("work.0").ask(PartitionCall.request, 0x1_0002).error == -4)
  }

  // MARK: Interrupts

  /// An interrupt ends the wait of a listener.
  @Test func interruptedListener() throws {
    let phone = try phone(cpus: 2)
    let cpu = try phone.bring("vault.0")
    cpu.enableInterrupts()
    cpu.setVirtualTimer(phone.board.clock + 500)
    let service = try cpu.ask(PartitionCall.wait)
    phone.settle()
    #expect(!phone.running.contains("vault.0"))
    phone.advance(500)
    _ = try phone.bring("vault.0")
    #expect(service.results == [0x8400_0062, 0, 0, 0, 0, 0, 0, 0])
    #expect(cpu.acknowledge() == 27)
    cpu.live[SystemSlot.virtualTimerControl.rawValue] = 0
    cpu.end(27)
    try cpu.ask(PartitionCall.wait)
    try phone.bring("work.0").ask(PartitionCall.request, 0x1_0002, 0, 3)
    phone.settle()
    #expect(service.results[3] == 3)
  }

  /// One that is there already ends it at once.
  @Test func interruptedBefore() throws {
    let phone = try phone(cpus: 2)
    let cpu = try phone.bring("vault.0")
    cpu.enableInterrupts()
    cpu.write(system: .softwareInterrupt, 5 << 24 | 1)
    let service = try cpu.ask(PartitionCall.wait)
    _ = try phone.bring("vault.0")
    #expect(service.results[0] == 0x8400_0062)
  }

  /// Interrupts of a caller wait until it has its answer.
  @Test func interruptsOfACaller() throws {
    let phone = try phone(cpus: 2)
    try listen(phone)
    let cpu = try phone.bring("work.0")
    cpu.enableInterrupts()
    cpu.setVirtualTimer(phone.board.clock + 500)
    let client = try cpu.ask(PartitionCall.request, 0x1_0002)
    phone.advance(5_000)
    #expect(phone.cpus[0].running == nil)
    try phone.bring("vault.0").ask(PartitionCall.response, 0x2_0001, 0, 8)
    phone.settle()
    #expect(phone.cpus[0].running == "work.0")
    #expect(client.results[3] == 8)
    #expect(cpu.acknowledge() == 27)
  }

  /// A listener and a caller use no time.
  @Test func whoWaitsSleeps() throws {
    let phone = try ScriptedPhone([
      ScriptedVM(name: "work", calls: ["vault"]), ScriptedVM(name: "vault"),
    ]).start()
    try phone.bring("vault.0").ask(PartitionCall.wait)
    try phone.bring("work.0").ask(PartitionCall.wait)
    #expect(phone.running == [nil])
    phone.advance(100_000)
    #expect(phone.running == [nil])
  }

  /// Calls in a circle wait for each other, and nobody else for them.
  @Test func aCircle() throws {
    let machines = [
      ScriptedVM(name: "a", placement: [0], calls: ["b"]), ScriptedVM(name: "b", placement: [0], calls: ["a"]),
      ScriptedVM(name: "c", placement: [0]),
    ]
    let phone = try ScriptedPhone(machines).start()
    try phone.bring("b.0").ask(PartitionCall.wait)
    try phone.bring("a.0").ask(PartitionCall.request, 0x1_0002)
    #expect(try phone.bring("b.0").ask(PartitionCall.request, 0x2_0001).error == -4)
    _ = try phone.bring("c.0")
    #expect(phone.board.violations.isEmpty)
  }
}

/// Notifications.
@Suite(.reportsHangs) struct PartitionNotificationTests {
  private func phone() throws -> ScriptedPhone {
    let machines = [
      ScriptedVM(name: "work", placement: [0], calls: ["vault"]), ScriptedVM(name: "vault", placement: [1]),
      ScriptedVM(name: "other", placement: [2], calls: ["vault"]),
    ]
    let phone = try ScriptedPhone(machines, cpus: 3).start()
    phone.cpus[1].enableInterrupts()
    return phone
  }

  private static let bits: UInt64 = 0x8000_0001_0000_0003

  /// FFA_NOTIFICATION_BIND of the vault for a sender.
  private func bind(_ phone: ScriptedPhone, _ sender: UInt64, _ bits: UInt64 = bits) throws
    -> VirtualCPUReference
  {
    try phone.cpus[1].ask(PartitionCall.bind, sender << 16 | 2, 0, bits & 0xFFFF_FFFF, bits >> 32)
  }

  /// FFA_NOTIFICATION_SET by the VM on a CPU.
  private func set(_ phone: ScriptedPhone, _ cpu: Int, _ bits: UInt64) throws -> VirtualCPUReference {
    let guest = try phone.cpus[cpu].ask(
      PartitionCall.set, UInt64(cpu + 1) << 16 | 2, 0, bits & 0xFFFF_FFFF, bits >> 32)
    phone.settle()
    return guest
  }

  /// FFA_NOTIFICATION_GET.
  private func get(_ phone: ScriptedPhone) throws -> UInt64 {
    let guest = try phone.cpus[1].ask(PartitionCall.get, 2, 7)
    #expect(guest.isSuccess)
    #expect([1, 2, 3, 6, 7].allSatisfy { guest.results[$0] == 0 })
    #expect(guest.results[4] >> 32 == 0 && guest.results[5] >> 32 == 0)
    return guest.results[4] | guest.results[5] << 32
  }

  @Test func thereAndGone() throws {
    let phone = try phone()
    #expect(try bind(phone, 1).isSuccess)
    #expect(try set(phone, 0, 1).isSuccess)
    #expect(phone.cpus[1].acknowledge() == 8)
    phone.cpus[1].end(8)
    #expect(try set(phone, 0, Self.bits).isSuccess)
    phone.settle()
    #expect(phone.cpus[1].acknowledge() == 8)
    phone.cpus[1].end(8)
    #expect(try get(phone) == Self.bits)
    #expect(try get(phone) == 0)
    #expect(phone.running == ["work.0", "vault.0", "other.0"])
  }

  /// What is there already interrupts no second time.
  @Test func twice() throws {
    let phone = try phone()
    _ = try bind(phone, 1)
    _ = try set(phone, 0, 1)
    #expect(phone.cpus[1].acknowledge() == 8)
    phone.cpus[1].end(8)
    phone.settle()
    _ = try set(phone, 0, 1)
    #expect(phone.cpus[1].acknowledge() == 1023)
    _ = try get(phone)
    _ = try set(phone, 0, 1)
    #expect(phone.cpus[1].acknowledge() == 8)
  }

  @Test func wakes() throws {
    let phone = try phone()
    _ = try bind(phone, 1)
    phone.cpus[1].waitForever()
    #expect(phone.running[1] == nil)
    _ = try set(phone, 0, 2)
    #expect(phone.running[1] == "vault.0")
    #expect(phone.cpus[1].acknowledge() == 8)
  }

  /// The receiver decides whose notifications it takes, and which.
  @Test func onlyWhatIsBound() throws {
    let phone = try phone()
    #expect(try set(phone, 0, 1).error == -6)
    _ = try bind(phone, 1, 3)
    #expect(try set(phone, 0, 4).error == -6)
    #expect(try set(phone, 0, 5).error == -6)
    #expect(try set(phone, 2, 1).error == -6)
    #expect(try get(phone) == 0)
    #expect(phone.cpus[1].acknowledge() == 1023)
    #expect(
      try phone.cpus[1].ask(PartitionCall.unbind, 0x1_0002, 0, 1, 0).isSuccess)
    #expect(try set(phone, 0, 1).error == -6)
    #expect(try set(phone, 0, 2).isSuccess)
    #expect(try get(phone) == 2)
  }

  /// Who may not call may not notify.
  @Test func onlyWhoMayCall() throws {
    let phone = try phone()
    #expect(try phone.cpus[0].ask(PartitionCall.bind, 0x2_0001, 0, 1, 0).isSuccess)
    #expect(try phone.cpus[1].ask(PartitionCall.set, 0x2_0001, 0, 1, 0).error == -6)
  }

  @Test func parameters() throws {
    let phone = try phone()
    for function in [PartitionCall.bind, PartitionCall.unbind] {
      for names in [0x1_0003, 0x2_0002, 0x0_0002, 0x4_0002, 0xFFFF_0002, 0x2_0001, 0] as [UInt64] {
        #expect(try phone.cpus[1].ask(function, names, 0, 1, 0).error == -2, "\(names)")
      }
    }
    for names in [0x2_0001, 0x1_0001, 0x1_0000, 0x1_0004, 0x3_0002] as [UInt64] {
      #expect(try phone.cpus[0].ask(PartitionCall.set, names, 0, 1, 0).error == -2, "\(names)")
    }
    for name in [0, 1, 3, 0xFFFF] as [UInt64] {
      #expect(try phone.cpus[1].ask(PartitionCall.get, name, 7).error == -2, "\(name)")
    }
  }

  /// What a VM bound and did not take is gone when it begins anew.
  @Test func aRestartForgets() throws {
    let phone = try phone()
    _ = try bind(phone, 1)
    _ = try set(phone, 0, 1)
    phone.cpus[1].call(FirmwareFunction.systemReset)
    phone.settle()
    #expect(try get(phone) == 0)
    #expect(try set(phone, 0, 1).error == -6)
    #expect(phone.cpus[1].load(GuestMap.privateInterrupts(0) + 0x200) == 0)
  }
}
