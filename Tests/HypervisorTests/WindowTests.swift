import ArmArchitecture
import Testing

@testable import Hypervisor

/// Memory that VMs share.
@Suite(.reportsHangs) struct WindowTests {
  private static let size: UInt64 = 0x20_0000

  private func phone() throws -> ScriptedPhone {
    let machines = ["work", "vault", "other"].enumerated().map {
      ScriptedVM(name: $0.element, placement: [$0.offset], restart: "always")
    }
    let windows = [
      ScriptedWindow(name: "payments", write: ["work"], read: ["vault"]),
      ScriptedWindow(name: "all", write: ["work", "vault", "other"]),
    ]
    return try ScriptedPhone(machines, windows: windows, cpus: 3)
  }

  private func walk(_ phone: ScriptedPhone, _ cpu: Int) throws -> StageTwoWalk {
    let machine = try #require(phone.cpus[cpu].current).value.machine
    return StageTwoWalk(phone.board, root: machine.value.translation & 0xFFFF_FFFF_FFFF)
  }

  @Test func isTheSameMemory() throws {
    let phone = try phone().start()
    for window in 0..<2 as Range<UInt64> {
      for offset in [0, 0x1234, Self.size - 1] as [UInt64] {
        let address = GuestMap.windows + window * Self.size + offset
        let first = try #require(walk(phone, 0).translate(address))
        let second = try #require(walk(phone, 1).translate(address))
        #expect(first.address == second.address)
        #expect(first.isWritable)
        #expect(second.isWritable == (window == 1))
      }
    }
    #expect(phone.board.violations.isEmpty)
  }

  @Test func notWhereItIsNotGiven() throws {
    let phone = try phone().start()
    #expect(try walk(phone, 2).translate(GuestMap.windows) == nil)
    #expect(try walk(phone, 2).translate(GuestMap.windows + Self.size) != nil)
    for cpu in 0..<3 {
      #expect(try walk(phone, cpu).translate(GuestMap.windows + 2 * Self.size) == nil)
      #expect(try walk(phone, cpu).translate(GuestMap.windows - 1) == nil)
    }
    #expect(phone.board.violations.isEmpty)
  }

  /// Zeros at the start, whatever the board's memory held.
  @Test func emptyAtTheStart() throws {
    let phone = try phone()
    let place = try self.place(phone.start(), 0)
    #expect(phone.board.violations.isEmpty)
    let second = try self.phone()
    second.board.write([UInt8](repeating: 0xA5, count: Int(Self.size)), at: place)
    #expect(try self.place(second.start(), 0) == place)
    #expect(second.board.read(place, Int(Self.size)).allSatisfy { $0 == 0 })
  }

  private func place(_ phone: ScriptedPhone, _ window: UInt64) throws -> UInt64 {
    try #require(walk(phone, 0).translate(GuestMap.windows + window * Self.size)).address
  }

  /// Apart from each other, from all VMs, from the image and from the hypervisor.
  @Test func memoryIsDisjoint() throws {
    let phone = try phone().start()
    let windows = try (0..<2).map { PhysicalRange(start: try place(phone, $0), size: Self.size) }
    let image = PhysicalRange(start: ScriptedBoard.imageAddress, size: UInt64(phone.image.count))
    let ranges =
      phone.cpus.map { $0.current!.value.machine.value.memory } + windows + [image, ScriptedBoard.own]
    for (index, range) in ranges.enumerated() {
      for other in ranges[(index + 1)...] { #expect(!range.overlaps(other)) }
    }
    #expect(windows.allSatisfy { $0.start % Self.size == 0 && phone.board.contains($0.start, $0.size) })
  }

  /// No address of one VM leads to another's memory but through a window.
  @Test func nothingElseIsShared() throws {
    let phone = try phone().start()
    let pages = try (0..<3).map { cpu in
      let walk = try walk(phone, cpu)
      let addresses = stride(from: 0 as UInt64, to: 0x5000_0000, by: Int(Self.size))
      return Set(addresses.compactMap { walk.translate($0)?.address }.map { $0 / Self.size })
    }
    let shared = try Set((0..<2).map { try place(phone, $0) / Self.size })
    let flash = try #require(walk(phone, 0).translate(0x0400_0000)).address / Self.size
    #expect(pages[0].intersection(pages[1]) == shared.union([flash]))
    #expect(pages[0].intersection(pages[2]) == [try place(phone, 1) / Self.size, flash])
  }

  /// A VM that begins anew finds what the others left.
  @Test(arguments: [StopCause.off, .reset]) func aRestartDoesNotClear(cause: StopCause) throws {
    let phone = try phone().start()
    phone.board.write([1, 2, 3], at: try place(phone, 0))
    try phone.stop(phone.cpus[0], cause)
    #expect(phone.running == ["work.0", "vault.0", "other.0"])
    #expect(phone.board.read(try place(phone, 0), 3) == [1, 2, 3])
  }

  /// Who may only read writes in vain: the access is done, and nothing happens.
  @Test func aWriteOfAReader() throws {
    let phone = try phone().start()
    let cpu = phone.cpus[1]
    let start = cpu[.programCounter]
    cpu[.faultPage] = (GuestMap.windows >> 12) << 4
    cpu[.faultAddress] = GuestMap.windows
    cpu.trap(0x24, 1 << 24 | 2 << 22 | 1 << 6 | 0xF)
    #expect(cpu[.programCounter] == start + 4)
    #expect(phone.board.read(try place(phone, 0), 8).allSatisfy { $0 == 0 })
  }

  /// As many as a phone may have.
  @Test func eight() throws {
    let windows = (0..<8).map { ScriptedWindow(name: "w\($0)", write: ["work"]) }
    let phone = try ScriptedPhone(windows: windows).start()
    let walk = try walk(phone, 0)
    let places = (0..<8 as Range<UInt64>).compactMap {
      walk.translate(GuestMap.windows + $0 * Self.size)?.address
    }
    #expect(Set(places).count == 8)
    #expect(walk.translate(GuestMap.windows + 8 * Self.size) == nil)
    #expect(phone.board.violations.isEmpty)
  }
}
