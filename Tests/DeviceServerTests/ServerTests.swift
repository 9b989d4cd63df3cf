import DeviceServer
import ScriptedVirtio
import Testing
import Virtio

@Suite struct ServerTests {
  private let phone = ScriptedPhone()

  @Test func randomBytesAreGivenOutOnce() throws {
    let driver = try ClientDriver(phone, client: 0, place: Place.entropy, queues: 1, size: 8)
    var bytes: [UInt8] = []
    for _ in 0..<5 {
      driver.queues[0].append(driver.buffers, 40, isWritable: true)
      _ = driver.submit()
      let used = try #require(driver.takeUsed())
      bytes += driver.read(Int(used.length), at: driver.buffers)
    }
    #expect(bytes == (1...UInt8(bytes.count)).map { $0 })
    #expect(bytes.count > 100)
  }

  @Test func theClockIsTheBoards() {
    let clock = phone.board.clock.view
    #expect(clock.load32(0) == 1_700_000_000)
    let identification = (0..<8).map { clock.load32(0xFE0 + UInt64($0) * 4) }
    #expect(identification == [0x31, 0x10, 0x04, 0x00, 0x0D, 0xF0, 0x05, 0xB1])
    #expect((1..<0x3F8).allSatisfy { clock.load32(UInt64($0) * 4) == 0 })
  }

  @Test func placesWithoutADeviceSaySo() {
    for place in [Place.keys, Place.touch, 6] {
      let registers = ClientRegisters(phone: phone, client: 0, place: place)
      #expect(registers.read32(TransportRegister.magic) == 0x7472_6976)
      #expect(registers.read32(TransportRegister.version) == 2)
      #expect(registers.read32(TransportRegister.device) == 0)
    }
  }

  @Test func onlyClientsWithAWindowMustAcceptThePlatform() throws {
    for (client, high) in [(0, UInt32(3)), (2, 1)] {
      let registers = ClientRegisters(phone: phone, client: client, place: Place.block)
      registers.write32(TransportRegister.deviceFeaturesSelect, 1)
      #expect(registers.read32(TransportRegister.deviceFeatures) == high)
    }
  }

  @Test func aWaitingProcessorIsReleasedOnce() {
    let registers = ClientRegisters(phone: phone, client: 1, place: Place.block)
    let before = phone.board.signals[1]?.count ?? 0
    registers.write32(TransportRegister.queueSelect, 3)
    #expect(phone.board.signals[1]?.count == before + 1)
    #expect(phone.board.signals[1]?.last?.releases == 1)
    #expect(registers.isAnswered)
  }

  @Test func withoutClientsNothingHappens() {
    let board = ScriptedBoard()
    let (tree, boardTree) = (ScriptedTrees.board(), ScriptedTrees.board())
    let server = DeviceServer(
      machine: board, memory: board.serverMemory, tree: tree.blob, boardTree: boardTree.blob)
    #expect(server?.served == 0)
  }

  /// Hostile clients: random rings, random memory, random stores and doorbells. The server touches nothing but what is
  /// shared (the pages around would trap), comes to rest, and still serves the third client.
  @Test(arguments: 0..<8) func hostileClients(seed: Int) throws {
    var random = FixedGenerator(seed: 0x5EED_0030 + UInt64(seed))
    let good = try ClientDriver.block(phone, client: 2)
    for round in 0..<2_000 {
      let client = Int(random.below(2))
      if random.below(8) == 0 { startHonestly(client, &random) }
      attack(client, &random)
      #expect(phone.run(limit: 500) < 500)
      if round % 50 == 0 { #expect(good.request(0, sector: 1, data: [(good.data, 512)]) == 0) }
    }
    #expect(!phone.board.disk.requests.contains { $0.kind == 1 && !isOfClients($0.sector) })
  }

  /// Whether a sector lies in the first or the second client's partition.
  private func isOfClients(_ sector: UInt64) -> Bool {
    100...1123 ~= sector || 2000...2999 ~= sector
  }

  /// Brings up a device as it should be, so that the rings are looked at.
  private func startHonestly(_ client: Int, _ random: inout FixedGenerator) {
    let place = [Place.block, Place.network, Place.entropy][Int(random.below(3))]
    _ = try? ClientDriver(
      phone, client: client, place: place, queues: place == Place.network ? 2 : 1, size: 8)
  }

  private func attack(_ client: Int, _ random: inout FixedGenerator) {
    let page = phone.board.page(client)
    for _ in 0..<random.below(40) { scribble(client, &random) }
    page.store64(0xE40, random.next() & random.next())
    guard random.below(4) == 0 else { return }
    let slot = 0xE80 + random.below(8) * 16
    page.store64(slot, random.next() >> random.below(64))
    page.store32(slot + 8, UInt32(random.below(16) == 0 ? 0xFFF : random.below(0xE00)))
    page.store32(slot + 12, 1)
  }

  /// Writes a descriptor or an entry of a ring somewhere in the first 256 KiB of what a client shares.
  private func scribble(_ client: Int, _ random: inout FixedGenerator) {
    let base = ScriptedBoard.busStart + ScriptedBoard.ownSize + UInt64(client) * ScriptedBoard.sharedSize
    let memory = phone.board.ram.view
    let ring =
      base
      + [Place.block, Place.network, Place.entropy].map { UInt64($0) * 0x1_0000 }[
        Int(random.below(3))] + random.below(2) * 0x8000
    switch random.below(3) {
    case 0:
      let descriptor = ring + random.below(8) * 16
      memory.store64(descriptor, ClientDriver.start + random.below(ScriptedBoard.sharedSize + 64))
      memory.store32(descriptor + 8, UInt32(random.below(3) == 0 ? random.below(1 << 32) : random.below(2048)))
      memory.store32(descriptor + 12, UInt32(random.below(4) | random.below(9) << 16))
    case 1:
      memory.store16(ring + 8 * 16 + 2, UInt16(random.below(12)))
    default:
      memory.store16(ring + 8 * 16 + 4 + random.below(8) * 2, UInt16(random.below(9)))
    }
  }
}
