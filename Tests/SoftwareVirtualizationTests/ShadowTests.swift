import SeededRandom
import Testing

@testable import SoftwareVirtualization

@Suite struct ShadowTests {
  @Test func sectionsStayLarge() throws {
    let guest = ShadowGuest()
    guest.setFirst(0xC000_0000, 0x4010_040E)
    let space = guest.tables.activate(0x4000_0000)
    let access = Access(address: 0xC001_2345, isWrite: true)
    #expect(try guest.tables.fill(access) == .filled)
    let found = guest.memory.walk(guest.tables.table(of: space), space, 0xC00F_F000)
    #expect(found == .init(physical: 0x609F_F000, writes: true, executes: false, domain: ShadowDomain.kernel))
  }

  @Test func aNewSpaceHasWhatIsGlobal() throws {
    let guest = ShadowGuest()
    guest.setFirst(0xC000_0000, 0x4010_040E)
    _ = guest.tables.activate(0x4000_0000)
    #expect(try guest.tables.fill(Access(address: 0xC000_0000)) == .filled)
    let second = guest.tables.activate(0x4000_0001)
    #expect(guest.memory.walk(guest.tables.table(of: second), second, 0xC000_0000) != nil)
    // And loses it in all spaces.
    guest.tables.invalidate(0xC000_0000)
    for space: UInt32 in 0...3 {
      #expect(guest.memory.walk(guest.tables.table(of: space), space, 0xC000_0000) == nil)
    }
    // The hypervisor's megabytes stay.
    guest.tables.invalidate(0xFE00_0000)
    guest.tables.invalidateAll()
    #expect(guest.memory.descriptor(guest.tables.table(of: second) + 0xFE0 * 4, isSecond: false) == 0xABC0_0002)
    #expect(try guest.tables.fill(Access(address: 0xFE10_0000)) == .reserved)
  }

  @Test func codeIsProtected() throws {
    let guest = ShadowGuest()
    guest.setFirst(0xC000_0000, 0x4010_040E)
    guest.setFirst(0xD000_0000, 0x4010_040E)
    let space = guest.tables.activate(0x4000_0000)
    #expect(try guest.tables.fill(Access(address: 0xC000_0000, isWrite: true)) == .filled)
    guest.tables.protect(0x4010_3000, at: 0xC000_3000)
    #expect(guest.memory.walk(guest.tables.table(of: space), space, 0xC000_3000) == nil)
    // By any address, beside other pages that can be written.
    let alias = Access(address: 0xD000_3004, isWrite: true)
    #expect(try guest.tables.fill(alias) == .code(0x4010_3004))
    #expect(try guest.tables.fill(Access(address: 0xD000_3004)) == .filled)
    #expect(guest.memory.walk(guest.tables.table(of: space), space, 0xD000_3000)?.writes == false)
    #expect(try guest.tables.fill(Access(address: 0xD000_4000, isWrite: true)) == .filled)
    #expect(guest.tables.codePage(0xC000_3004) == 0x4010_3000)
    #expect(guest.tables.holdsAllCode())
    #expect(guest.tables.unprotect(0x4010_3000) == 0xC000_3000)
    #expect(try guest.tables.fill(alias) == .filled)
    #expect(guest.memory.walk(guest.tables.table(of: space), space, 0xD000_3000)?.writes == true)
    // Code at two addresses: all of it goes.
    guest.tables.protect(0x4010_3000, at: 0xC000_3000)
    guest.tables.protect(0x4010_3000, at: 0xD000_3000)
    #expect(!guest.tables.holdsAllCode())
    #expect(guest.tables.unprotect(0x4010_3000) == nil)
  }

  @Test func remappedCodeIsNoticed() throws {
    let guest = ShadowGuest()
    guest.setFirst(0xBF00_0000, 0x4000_4001)
    guest.setSecond(0x4000_4000, 0xBF00_0000, 0x4020_045E)
    _ = guest.tables.activate(0x4000_0000)
    guest.tables.protect(0x4020_0000, at: 0xBF00_0000)
    #expect(guest.tables.holdsAllCode())
    guest.setSecond(0x4000_4000, 0xBF00_0000, 0x4020_145E)
    #expect(guest.tables.codePage(0xBF00_0000) == 0x4020_1000)
    #expect(!guest.tables.holdsAllCode())
    // Both pages had code at this address: one of them is not there now.
    guest.tables.protect(0x4020_1000, at: 0xBF00_0000)
    #expect(!guest.tables.holdsAllCode())
    guest.setSecond(0x4000_4000, 0xBF00_0000, 0)
    #expect(guest.tables.codePage(0xBF00_0000) == 1)
    guest.tables.unprotectAll()
    #expect(guest.tables.holdsAllCode())
  }

  /// Random tables, changed at random, with TLB maintenance after each change as Linux does it; random accesses. What
  /// the shadow tables let through is what the guest's tables say, whatever was filled before, and what faults faults.
  @Test(arguments: 0..<8 as Range<UInt64>) func shadowsSayWhatTheGuestSays(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let guest = ShadowGuest()
    let directories: [UInt32] = [0x4000_0000, 0x4000_8000]
    var current = 0
    var space = guest.tables.activate(directories[0] | 1)
    for step in 0..<6000 {
      let address = randomAddress(&random)
      switch random.next() % 16 {
      case 0: change(guest, directories, address, &random)
      case 1:
        current = Int(random.next() % 2)
        guest.memory.regime.table0 = directories[current]
        space = guest.tables.activate(directories[current] | UInt32(current) + 1)
      case 2 where step % 5 == 0: guest.tables.invalidateAll()
      case 3: protect(guest, address)
      case 4: changeUser(guest, directories, address, &random)
      default:
        let access = Access(
          address: address, isWrite: random.next() & 1 != 0, isFetch: false, isUser: random.next() & 1 != 0)
        try check(guest, space, access)
      }
    }
  }

  private func randomAddress(_ random: inout SeededGenerator) -> UInt32 {
    let megabytes: [UInt32] = [0x001, 0x002, 0xC00, 0xC01, 0xBF0, 0xFFF]
    return megabytes[Int(random.next() % 6)] << 20 | UInt32(random.next() % 8) << 12 | 0x10
  }

  /// User megabytes differ between the guest's two tables and are not global; the others are the same.
  private func change(
    _ guest: ShadowGuest, _ directories: [UInt32], _ address: UInt32, _ random: inout SeededGenerator
  ) {
    let permissions: [UInt32] = [0x10, 0x20, 0x30, 0x210, 0x230, 0]
    let isUser = address < 0xB000_0000
    let permission = permissions[Int(random.next() % 6)]
    let physical = 0x4010_0000 + UInt32(random.next() % 64) << 12
    let isFault = random.next() % 4 == 0
    for (index, directory) in directories.enumerated() {
      let own = 0x4001_0000 + UInt32(index) * 0x1000 + (address >> 20 & 3) * 0x400
      if random.next() % 8 == 0, !isUser, address >> 20 == 0xC01 {
        // A section now and then.
        let sectionPermission = permission & 0x30 << 6 | permission & 0x200 << 6
        for directory in directories {
          guest.setFirst(address, 0x4010_0002 | sectionPermission, table: directory)
        }
        for page: UInt32 in 0..<8 { guest.tables.invalidate(address & 0xFFF0_0000 + page << 12) }
        return
      }
      let table = isUser ? own : 0x4000_C000 + (address >> 20) % 13 * 0x400
      guest.setFirst(address, table | 1, table: directory)
      guest.setSecond(table, address, isFault ? 0 : physical | permission | 2 | (isUser ? 0x800 : 0))
      if index == 0, isUser, random.next() & 1 == 0 { break }
    }
    for page: UInt32 in 0..<8 { guest.tables.invalidate(address & 0xFFF0_0000 + page << 12) }
  }

  /// A page of one address space alone, which is forgotten by its ASID.
  private func changeUser(
    _ guest: ShadowGuest, _ directories: [UInt32], _ address: UInt32, _ random: inout SeededGenerator
  ) {
    let index = Int(random.next() % 2)
    let user = 0x0010_0000 + (address & 0x10_0000) + address & 0x7010
    let table = 0x4001_0000 + UInt32(index) * 0x1000 + (user >> 20 & 3) * 0x400
    let physical = 0x4010_0000 + UInt32(random.next() % 64) << 12
    guest.setFirst(user, table | 1, table: directories[index])
    guest.setSecond(table, user, random.next() & 1 == 0 ? 0 : physical | 0x832)
    guest.tables.invalidate(identifier: UInt32(index) + 1)
  }

  /// Whoever's ASID is forgotten loses what is not global, and only that.
  @Test func anIdentifierIsForgotten() throws {
    let guest = ShadowGuest()
    guest.setFirst(0xC000_0000, 0x4010_040E)
    guest.setFirst(0x0010_0000, 0x4000_4001)
    guest.setFirst(0x0020_0000, 0x4012_0C0E | 1 << 17)
    guest.setSecond(0x4000_4000, 0x0010_0000, 0x4020_0832)
    let first = guest.tables.activate(0x4000_0001)
    for address: UInt32 in [0xC000_0000, 0x0010_0000, 0x0020_0000] {
      #expect(try guest.tables.fill(Access(address: address)) == .filled)
    }
    let second = guest.tables.activate(0x4000_0002)
    #expect(try guest.tables.fill(Access(address: 0x0010_0000)) == .filled)
    guest.tables.invalidate(identifier: 1)
    func finds(_ space: UInt32, _ address: UInt32) -> Bool {
      guest.memory.walk(guest.tables.table(of: space), space, address) != nil
    }
    #expect(finds(first, 0xC000_0000) && !finds(first, 0x0010_0000) && !finds(first, 0x0020_0000))
    #expect(finds(second, 0xC000_0000) && finds(second, 0x0010_0000))
    #expect(guest.tables.activate(0x4000_0001) == first)
  }

  private func protect(_ guest: ShadowGuest, _ address: UInt32) {
    let walk = GuestWalk(memory: guest.memory)
    guard let page = try? walk.translate(Access(address: address)) else { return }
    guest.tables.protect(page.physical & ~4095, at: address & ~4095)
  }

  private func check(_ guest: ShadowGuest, _ space: UInt32, _ access: Access) throws {
    let walk = GuestWalk(memory: guest.memory)
    let expected = try? walk.translate(access)
    if access.needs.rawValue & 12 != 0 { guest.tables.tighten() }
    for _ in 0..<3 {
      let found = guest.memory.walk(guest.tables.table(of: space), space, access.address)
      let isOpen = found.map { access.needs.rawValue & 12 == 0 || $0.domain == ShadowDomain.user } ?? false
      if let found, isOpen, found.writes || !access.isWrite {
        let page = try #require(expected, "\(access) finds \(found)")
        #expect(found.physical == guest.map.physical(page.physical & ~4095))
        return
      }
      do throws(TranslationFault) {
        switch try guest.tables.fill(access) {
        case .filled: break
        case .code(let physical): _ = guest.tables.unprotect(physical & ~4095)
        case .device, .reserved: return
        }
      } catch {
        #expect(expected == nil)
        return
      }
    }
    Issue.record("\(access) is filled and still faults")
  }
}
