import ArmArchitecture
import Testing
import VirtualDevices

@testable import Hypervisor

/// What the hypervisor does for a device server and its clients (Documentation/DeviceServer.md).
@Suite(.reportsHangs) struct DeviceServerTests {
  private static let places: UInt64 = 0x0A00_0000
  private static let pages: UInt64 = 0x2100_0000
  /// FFA_NOTIFICATION_SET.
  private static let set: UInt32 = 0x8400_0081

  /// The server on CPU 0, `work` on CPU 1, and `other`, which has no devices, on CPU 2.
  private func phone(share: String = "window", started: Bool = true) throws -> ScriptedPhone {
    let phone = try ScriptedPhone(
      [
        ScriptedVM(name: "server", placement: [0], mebibytes: 8, more: "role: device-server"),
        ScriptedVM(
          name: "work", placement: [1], restart: "never", more: "devices: { entropy: true, share: \(share) }"),
        ScriptedVM(name: "other", placement: [2], restart: "never"),
      ], cpus: 3
    ).start()
    if started { signal(phone, 2, 1) }
    return phone
  }

  private func signal(_ phone: ScriptedPhone, _ partition: UInt64, _ low: UInt64, _ high: UInt64 = 0) {
    #expect(phone.cpus[0].call(Self.set, 1 << 16 | partition, 0, low, high) == 0x8400_0061)
    phone.settle()
  }

  private func walk(_ phone: ScriptedPhone, _ cpu: Int) throws -> StageTwoWalk {
    let machine = try #require(phone.cpus[cpu].core?.cpu.value.queue[0]).value.machine
    return StageTwoWalk(phone.board, root: machine.value.translation & 0xFFFF_FFFF_FFFF)
  }

  /// The register page of a VM, where the server has it.
  private func page(_ phone: ScriptedPhone, _ machine: UInt64 = 1) throws -> UnsafeMutableRawPointer {
    let place = try #require(walk(phone, 0).translate(Self.pages + machine * 4096))
    #expect(place.isWritable)
    return phone.board.pointer(place.address)
  }

  private func isWaiting(_ phone: ScriptedPhone, _ offset: UInt32, _ value: UInt64) throws -> Bool {
    let record = try page(phone) + 0xE80
    return record.load(as: UInt64.self) == value && record.load(fromByteOffset: 8, as: UInt32.self) == offset
      && record.load(fromByteOffset: 12, as: UInt32.self) == 1 && phone.running[1] == nil
  }

  @Test func powerOnWaitsForTheServer() throws {
    let phone = try phone(started: false)
    #expect(phone.running == ["server.0", nil, "other.0"])
    #expect(try isWaiting(phone, 0xFFF, 0))
    #expect(try #require(phone.cpus[0].current).value.bank.value.pending.load(ordering: .relaxed) & 1 << 8 != 0)
    signal(phone, 2, 1)
    #expect(phone.running == ["server.0", "work.0", "other.0"])
    #expect(phone.board.violations.isEmpty)
  }

  @Test(arguments: [1, 2, 4, 8])
  func loadsAreAnsweredFromThePage(bytes: Int) throws {
    let phone = try phone()
    let page = try page(phone)
    for byte in 0..<0x1000 {
      page.storeBytes(of: UInt8(truncatingIfNeeded: byte * 7), toByteOffset: byte, as: UInt8.self)
    }
    for offset in stride(from: 0, to: 0xE00, by: bytes) {
      let expected = (0..<bytes).reduce(0 as UInt64) { $0 | UInt64((offset + $1) * 7 & 0xFF) << UInt64(8 * $1) }
      #expect(phone.cpus[1].load(Self.places + UInt64(offset), bytes: bytes) == expected)
    }
    // Nothing of what lies behind the places.
    #expect(phone.cpus[1].load(Self.places + 0xE00, bytes: bytes) == nil)
    #expect(phone.cpus[1].load(Self.places + 0xDFC, bytes: 8).map { $0 >> 32 } == 0)
    #expect(phone.board.violations.isEmpty)
  }

  @Test func storesWaitForTheServer() throws {
    let phone = try phone()
    phone.cpus[1].store(Self.places + 0x270, 0xB)
    #expect(try isWaiting(phone, 0x270, 0xB))
    // Neither an interrupt nor another VM's call lets it go on.
    signal(phone, 2, 1 << 16)
    #expect(phone.running[1] == nil)
    _ = phone.cpus[2].call(Self.set, 3 << 16 | 2, 0, 1, 0)
    phone.settle()
    #expect(phone.running[1] == nil)
    signal(phone, 2, 1)
    #expect(phone.running[1] == "work.0")
    // What nobody waits for is ignored.
    signal(phone, 2, 0xFF)
    signal(phone, 3, 0xFF)
    #expect(phone.running == ["server.0", "work.0", "other.0"])
    #expect(phone.board.violations.isEmpty)
  }

  @Test func doorbellsAndAcknowledgesDoNotWait() throws {
    let phone = try phone()
    let page = try page(phone)
    #expect(phone.cpus[1].store(Self.places + 0x050, 2))
    #expect(phone.cpus[1].store(Self.places + 0xC50, 0xFFFF_FFF7))
    #expect(page.load(fromByteOffset: 0xE40, as: UInt64.self) == 1 << 2 | 1 << 55)
    page.storeBytes(of: 7, toByteOffset: 0x460, as: UInt32.self)
    #expect(phone.cpus[1].store(Self.places + 0x464, 5))
    #expect(page.load(fromByteOffset: 0x460, as: UInt32.self) == 2)
    #expect(phone.running[1] == "work.0")
  }

  @Test func interruptsOfPlaces() throws {
    let phone = try phone()
    signal(phone, 2, 0xFFFF_FF00)
    let machine = try #require(phone.cpus[1].current).value.machine
    #expect(machine.value.bank(0).value.pending.load(ordering: .relaxed) == 0x7F_0000)
  }

  @Test func seesTheWindowAlone() throws {
    let phone = try phone()
    let (server, work) = try (walk(phone, 0), walk(phone, 1))
    let shared = try #require(work.translate(0x4000_1234)).address
    #expect(server.translate(2 << 32 | 0x4000_1234)?.address == shared)
    #expect(work.translate(0x8000_0000) != nil)
    #expect(server.translate(2 << 32 | 0x8000_0000) == nil)
    #expect(try page(phone).load(fromByteOffset: 0xE00, as: UInt64.self) == shared - 0x1234)
    let size = try page(phone).load(fromByteOffset: 0xE08, as: UInt64.self)
    #expect(work.translate(0x4000_0000 + size - 1) != nil && work.translate(0x4000_0000 + size) == nil)
    for address in [3 << 32 | 0x4000_0000, 1 << 32 | 0x4000_0000, 2 << 32] as [UInt64] {
      #expect(server.translate(address) == nil)
    }
  }

  @Test func seesAllThatIsShared() throws {
    let phone = try phone(share: "all")
    let (server, work) = try (walk(phone, 0), walk(phone, 1))
    for address in [0x4000_0000, 0x403F_FFFF] as [UInt64] {
      #expect(server.translate(2 << 32 | address)?.address == work.translate(address)?.address)
    }
    #expect(server.translate(2 << 32 | 0x4040_0000) == nil)
  }

  @Test func theServerGetsTheBoardsDevices() throws {
    let phone = try phone()
    let cpu = phone.cpus[0]
    let before = cpu[.programCounter]
    #expect(cpu.load(0x0A00_3E00) == nil)
    #expect(cpu[.programCounter] == before, "it loads again")
    #expect(try walk(phone, 0).translate(0x0A00_3E00)?.address == 0x0A00_3E00)
    // The places themselves are board devices for it too, and the clock is the board's.
    #expect(cpu.load(0x0901_0000) == nil)
    #expect(try walk(phone, 0).translate(0x0901_0000)?.address == 0x0901_0000)
    #expect(phone.board.violations.isEmpty)
  }

  @Test func nothingElse() throws {
    let phone = try phone()
    let vectors = phone.cpus[0][.guestVectors]
    let taken: [UInt64] = [
      ScriptedBoard.memoryBase + 0x1000_0000, 1 << 32, 0xF_FFFF_F000,
      // It writes memory by itself.
      ScriptedBoard.translationServiceAddress, ScriptedBoard.translationServiceAddress + 0x1_F000,
    ]
    for address in taken {
      #expect(phone.cpus[0].load(address) == nil)
      #expect(try walk(phone, 0).translate(address) == nil, "\(String(address, radix: 16))")
      #expect(phone.cpus[0][.programCounter] == vectors + 0x200)
    }
    // A client has none of it.
    #expect(phone.cpus[1].load(0x0A01_0000) == nil)
    #expect(try walk(phone, 1).translate(0x0A01_0000) == nil)
    #expect(phone.cpus[2].load(Self.places) == nil)
    #expect(phone.board.violations.isEmpty)
  }

  @Test func theClock() throws {
    let phone = try phone()
    let place = try #require(walk(phone, 0).translate(Self.pages + 0x8000))
    phone.board.pointer(place.address).storeBytes(of: 1_764_108_000, as: UInt32.self)
    for cpu in 1...2 {
      #expect(phone.cpus[cpu].load(0x0901_0000) == 1_764_108_000)
      #expect(phone.cpus[cpu].store(0x0901_0008, 7))
      #expect(phone.cpus[cpu].load(0x0901_1000) == nil)
    }
    #expect(phone.board.pointer(place.address).load(fromByteOffset: 8, as: UInt32.self) == 0)
  }

  /// A device's interrupt stays active until the server ends it.
  @Test func interruptsOfTheBoardsDevices() throws {
    let phone = try phone()
    let cpu = phone.cpus[0]
    #expect(cpu.store(GuestMap.distributor, 2) && cpu.store(GuestMap.distributor + 0x88, ~0))
    #expect(cpu.store(GuestMap.distributor + 0x108, 1 << 15))
    phone.cpus[0].pending.append(79)
    phone.settle()
    #expect(cpu.active.contains(79))
    let list = cpu.listRegister(0)
    #expect(list.interrupt == InterruptNumber(79) && list.isPhysical && list.isPending)
  }

  @Test func stopsAndStartsOthers() throws {
    let phone = try phone()
    signal(phone, 3, 0, 2)
    #expect(phone.running == ["server.0", "work.0", nil])
    #expect(try page(phone, 2).load(fromByteOffset: 0xE18, as: UInt32.self) == Phase.stopped)
    #expect(phone.output.contains("other stopped: by command"))
    signal(phone, 3, 0, 1)
    #expect(phone.running[2] == "other.0")
    signal(phone, 2, 0, 4)
    #expect(try isWaiting(phone, 0xFFF, 0))
    signal(phone, 2, 1)
    #expect(phone.running[1] == "work.0")
    #expect(phone.board.violations.isEmpty)
  }

  @Test func pausesOthers() throws {
    let phone = try phone()
    signal(phone, 3, 0, 8)
    #expect(phone.running[2] == nil)
    #expect(try page(phone, 2).load(fromByteOffset: 0xE18, as: UInt32.self) == Phase.running | 16)
    signal(phone, 3, 0, 16)
    #expect(phone.running[2] == "other.0")
    #expect(phone.board.violations.isEmpty)
  }

  /// The server alone does not keep the board on.
  @Test func theLastOneTurnsTheBoardOff() throws {
    let phone = try phone()
    signal(phone, 2, 0, 2)
    #expect(!phone.board.isOff)
    signal(phone, 3, 0, 2)
    #expect(phone.board.isOff)
  }

  /// A phone without a device server has no places and no clock.
  @Test func withoutAServer() throws {
    let phone = try ScriptedPhone().start()
    #expect(phone.cpus[0].load(Self.places) == nil)
    #expect(phone.cpus[0].load(0x0901_0000) == nil)
    #expect(phone.cpus[0].load(0x0A00_3E00) == nil)
  }
}
