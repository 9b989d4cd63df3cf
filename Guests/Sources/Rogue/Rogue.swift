// A device server turned hostile: with its CPU it tries everything that a device server must not reach, overwrites all that
// it may, and signals whatever it likes. The board's devices it leaves alone: what they do by DMA nobody holds back.
//
// Boot arguments: seed=N; count=N rounds; clients=N, a bit for each VM, by place in the phone, that shares memory with it;
// puppet=N, the place of a VM that it may start, stop and pause.

import GuestMachine
import GuestSupport

func runRogue() {
  let arguments = BootArguments()
  var identity = FrameworkMessage(FrameworkFunction.identifier)
  identity.call()
  var rogue = Rogue(
    seed: arguments.number("seed") ?? 1, own: identity.registers[2] & 0xFFFF, puppet: arguments.number("puppet")
  )
  Map.fill()
  rogue.look(clients: arguments.number("clients") ?? 0)
  Console.write("rogue: begins\n")
  let rounds = arguments.number("count") ?? 100
  for _ in 0..<rounds { rogue.round() }
  Console.write("rogue: refused ")
  Console.write(decimal: rogue.refused)
  Console.write(" times, overwrote ")
  Console.write(decimal: rogue.overwritten)
  Console.write(" words\n")
  while true { wait_for_interrupt() }
}

/// Guest addresses that a device server has beyond its memory (Documentation/DeviceServer.md).
enum Map {
  static let ram: UInt64 = 0x4000_0000
  static let windows: UInt64 = 0x2000_0000
  static let windowSize: UInt64 = 0x20_0000
  static let pages: UInt64 = 0x2100_0000
  static let clock: UInt64 = 0x2100_8000
  static let end: UInt64 = 512 << 30
  /// QEMU's board has PCI devices there: none, so all ones are read and stores are ignored.
  static let hole: Range<UInt64> = 0x1000_0000..<0x3EFF_0000

  /// What entry.S leaves out of 512 GiB, one to one.
  static func fill() {
    for gibibyte in UInt64(16)..<512 {
      write64(translation_table_address() + 8 * gibibyte, gibibyte << 30 | 0x0060_0000_0000_0705)
    }
    invalidate_translations()
  }

  static func page(_ index: UInt64) -> UInt64 { pages + index * 0x1000 }
  /// Where the memory of a VM begins, as far as it is shared.
  static func client(_ index: UInt64) -> UInt64 { (index + 1) << 32 | ram }
}

struct Rogue {
  private var dice: Dice
  /// Own partition: the place in the phone and one.
  private let own: UInt64
  private let puppet: UInt64?
  /// Bytes that each VM shares, before anything was overwritten.
  private var shared = InlineArray<8, UInt64>(repeating: 0)
  private(set) var refused: UInt64 = 0
  private(set) var overwritten: UInt64 = 0

  init(seed: UInt64, own: UInt64, puppet: UInt64?) {
    dice = Dice(seed: seed)
    self.own = own
    self.puppet = puppet
  }

  /// Sees what its clients share, that all of it is there, and nothing of others.
  mutating func look(clients: UInt64) {
    for index in UInt64(0)..<8 where index + 1 != own {
      let isClient = clients >> index & 1 != 0
      if isClient { shared[Int(index)] = read64(Map.page(index) + 0xE08) }
      let last = Map.client(index) + max(shared[Int(index)], 4) - 4
      if attempt(guest_load32, last).faulted == isClient { fail(last) }
    }
  }

  mutating func round() {
    for _ in 0..<50 { isRefused(forbiddenAddress()) }
    for _ in 0..<50 { overwrite(allowedAddress()) }
    for index in UInt64(0)..<8 where index + 1 != own { signal(index) }
    callAtRandom()
  }

  // MARK: What is not its own

  /// A load and a store have to fail, or to find nothing.
  private mutating func isRefused(_ address: UInt64) {
    let address = address & ~7
    let load = attempt(guest_load64, address)
    let isHole = Map.hole.contains(address) && load.registers[1] == ~0
    guard load.faulted || isHole, attempt(guest_store64, address, dice.next()).faulted || isHole else {
      fail(address)
    }
    refused += 2
  }

  private func fail(_ address: UInt64) -> Never {
    Console.write("rogue: FAIL at ")
    Console.write(hex: address)
    Console.write("\n")
    PowerInterface.systemOff()
  }

  private mutating func forbiddenAddress() -> UInt64 {
    let machine = dice.below(8)
    let base = Map.client(machine)
    let size = shared[Int(machine)]
    switch dice.below(10) {
    // A VM's memory behind what it shares, and its main bank; before it, where the VM has its devices.
    case 0: return base + size + dice.below(0xC000_0000 - size)
    case 1: return base + size
    case 2: return (machine + 1) << 32 + 0x8000_0000 + dice.below(0x100_0000)
    case 3: return (machine + 1) << 32 + dice.below(0x4000_0000)
    // The board's memory: other VMs, the hypervisor, the image.
    case 4: return ownEnd + dice.below(0x1_0000_0000 - ownEnd)
    case 5: return ownEnd + dice.below(0x1000_0000)
    // Windows of others; what follows the pages.
    case 6: return Map.windows + Map.windowSize * (1 + dice.below(7)) + dice.below(Map.windowSize)
    case 7: return Map.clock + 0x1000 + dice.below(0x7000)
    // The interrupt controller's translation service, which writes memory.
    case 8: return 0x0808_0000 + dice.below(0x2_0000)
    default: return 9 << 32 + dice.below(Map.end - 9 << 32)
    }
  }

  private var ownEnd: UInt64 {
    let bank = BoardMemory.bank()
    return bank.base + bank.size
  }

  // MARK: What it may do

  private mutating func overwrite(_ address: UInt64) {
    write64(address & ~7, dice.oneIn(2) ? dice.next() : dice.below(256))
    overwritten += 1
  }

  /// What others share, their register pages, its own window.
  private mutating func allowedAddress() -> UInt64 {
    let machine = dice.below(8)
    let size = shared[Int(machine)]
    switch dice.below(3) {
    case 0 where size != 0: return Map.client(machine) + dice.below(size)
    case 1: return Map.page(machine) + (dice.oneIn(2) ? 0xE00 + dice.below(0x200) : dice.below(0x1000))
    default: return Map.windows + dice.below(Map.windowSize)
    }
  }

  /// Lets waiting virtual CPUs go on, and raises interrupts; for the puppet also what starts, stops and pauses it.
  private mutating func signal(_ machine: UInt64) {
    var message = FrameworkMessage(FrameworkFunction.set, own << 16 | machine + 1)
    message.registers[2] = dice.oneIn(4) ? dice.next() : 0
    message.registers[3] = dice.next() | 0xFF
    message.registers[4] = machine == puppet ? dice.next() : dice.next() & ~0x1F
    message.call()
  }

  private mutating func callAtRandom() {
    var message = FrameworkMessage(FrameworkFunction.version &+ dice.below(0x2D))
    for index in 1..<8 {
      message.registers[index] = dice.oneIn(2) ? dice.next() : dice.below(16) << 16 | dice.below(16)
    }
    guard message.function != FrameworkFunction.set, message.function != FrameworkFunction.wait else { return }
    _ = attempt(guest_hypercall, message.registers)
  }
}
