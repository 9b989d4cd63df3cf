import ArmArchitecture
import Foundation
import SeededRandom
import Testing

@testable import Hypervisor

extension SeededGenerator {
  mutating func chance(_ percent: UInt64) -> Bool { next() % 100 < percent }
  mutating func pick<Element>(_ list: [Element]) -> Element { list[Int(next() % UInt64(list.count))] }
}

/// A guest that does anything, on three VMs and two CPUs.
struct RandomGuest {
  var random: SeededGenerator
  private(set) var phone: ScriptedPhone
  private let image: [UInt8]
  /// What was done last, for whoever looks for the reason of a trap.
  private(set) var last = ""

  init(seed: UInt64) throws {
    random = SeededGenerator(seed: seed)
    let machines = [
      ScriptedVM(name: "a", cpus: 3, placement: [0, 1, 0], calls: ["b", "c"]),
      ScriptedVM(name: "b", cpus: 2, placement: [1, 0], restart: "always", calls: ["a"]),
      ScriptedVM(name: "c", priority: 1, placement: [0], budget: 50, period: 3, calls: ["a", "b"]),
    ]
    let windows = [ScriptedWindow(name: "w", write: ["a"], read: ["b"])]
    image = try DeviceImageBuilder.image(of: machines, windows: windows, cpus: 2)
    phone = ScriptedPhone(image: image, cpus: 2).start()
  }

  /// Where nobody is left who could do anything, a new phone.
  private mutating func revive() {
    phone.advance(100_000)
    guard phone.running == [nil, nil], phone.board.violations.isEmpty else { return }
    last = "a new phone"
    phone = ScriptedPhone(image: image, cpus: 2).start()
  }

  /// One step of one CPU, or of the world around.
  mutating func step() {
    if phone.running == [nil, nil] { revive() }
    let cpu = random.pick(phone.cpus)
    guard cpu.current != nil else { return world(cpu) }
    last = "CPU \(cpu.number) \(cpu.running ?? "-"): "
    switch random.next() % 16 {
    case 0: syndrome(cpu)
    case 1...5: access(cpu)
    case 6: random.chance(50) ? firmware(cpu) : partition(cpu)
    case 7: systemRegister(cpu)
    case 8: cpu.useVectors(random.next())
    case 9:
      if random.chance(80) { cpu.enableInterrupts() }
      if random.chance(80) { cpu.setVirtualTimer(phone.board.clock + random.next() % 5_000) }
      if cpu.current != nil { cpu.waitForever() }
    case 10, 11: interrupt(cpu)
    case 12: registers(cpu)
    default: world(cpu)
    }
  }

  /// Any syndrome at any address.
  private mutating func syndrome(_ cpu: ScriptedMachine) {
    guard let guest = cpu.current else { return }
    registers(cpu)
    cpu[.syndrome] = random.next() & 0xFFFF_FFFF
    cpu[.faultPage] = random.next()
    cpu[.faultAddress] = random.next()
    last += "syndrome \(String(cpu[.syndrome], radix: 16))"
    cpu.step { $0.handleTrap(guest) }
  }

  private mutating func registers(_ cpu: ScriptedMachine) {
    for index in 0..<31 { cpu.current?.value.registers[index] = random.next() >> (random.next() & 63) }
    cpu[.processorState] = random.pick([0x3C5, 0x3C4, 0x3C0, 0x10, 0x1D3])
    if random.chance(30) {
      cpu.live[SystemSlot.virtualTimer.rawValue] = random.pick([
        0, phone.board.clock + random.next() % 10_000, ~0,
      ])
      cpu.live[SystemSlot.virtualTimerControl.rawValue] = random.next() & 3
      cpu.live[SystemSlot.physicalTimer.rawValue] = random.pick([
        0, phone.board.clock + random.next() % 10_000, ~0,
      ])
      cpu.live[SystemSlot.physicalTimerControl.rawValue] = random.next() & 3
    }
  }

  /// Mostly registers that exist, with values of which some make sense.
  private mutating func access(_ cpu: ScriptedMachine) {
    let frame = random.pick([
      GuestMap.distributor, GuestMap.distributor + 0x6000, GuestMap.uart, GuestMap.redistributor(0),
      GuestMap.privateInterrupts(0), GuestMap.privateInterrupts(1), GuestMap.privateInterrupts(2), 0x0801_0000,
      GuestMap.watchdogRefresh, GuestMap.watchdogControl, GuestMap.windows,
    ])
    let address = frame + random.next() % (random.chance(80) ? 0x480 : 0x1_0000)
    let bytes = random.pick([1, 2, 4, 4, 4, 8])
    let value = random.pick([0, ~0, 1 << (random.next() & 63), random.next(), 0x12])
    last += "\(String(address, radix: 16)) of \(bytes) bytes, \(String(value, radix: 16))"
    if random.chance(40) {
      _ = cpu.load(address, bytes: bytes)
    } else {
      cpu.store(address, value, bytes: bytes)
    }
  }

  private mutating func firmware(_ cpu: ScriptedMachine) {
    let wide: UInt32 = random.chance(50) ? 0x4000_0000 : 0
    // Now and then a VM begins anew.
    let stops = random.chance(3) ? FirmwareFunction.systemReset : FirmwareFunction.affinityInfo
    let function = random.pick([
      FirmwareFunction.cpuOn, FirmwareFunction.cpuOn, FirmwareFunction.cpuOn, FirmwareFunction.suspend,
      FirmwareFunction.features, FirmwareFunction.cpuOff, stops, UInt32(truncatingIfNeeded: random.next()),
    ])
    guard function != FirmwareFunction.systemOff else { return }
    last += "firmware \(String(function | wide, radix: 16))"
    cpu.call(
      function | wide, random.next() % 4, random.pick([0x4020_0000, 0, random.next()]), random.next(),
      bySecureMonitor: random.chance(50))
  }

  /// The framework's functions, with names and values of which some make sense.
  private mutating func partition(_ cpu: ScriptedMachine) {
    let wide: UInt32 = random.chance(30) ? 0x4000_0000 : 0
    let known =
      [0x63, 0x64, 0x69, 0x6B, 0x6B, 0x6F, 0x6F, 0x6F, 0x70, 0x70, 0x7F, 0x80, 0x81, 0x82, 0x8B] as [UInt32]
    let low = random.chance(90) ? random.pick(known) : 0x60 + UInt32(random.next() % 0x30)
    let own = cpu.current.map { UInt64($0.value.machine.value.index) + 1 } ?? 0
    let other = random.next() % 5
    let names = random.pick([own << 16 | other, own << 16 | other, other << 16 | own, own, random.next()])
    let small = random.next() % 4
    last += "partition \(String(0x8400_0000 | low | wide, radix: 16)) \(String(names, radix: 16))"
    cpu.call(
      0x8400_0000 | low | wide, names, random.chance(90) ? 0 : random.next(), small,
      random.chance(80) ? 0 : random.next(), bySecureMonitor: random.chance(50))
  }

  private mutating func systemRegister(_ cpu: ScriptedMachine) {
    let name = random.pick([
      RegisterName.softwareInterrupt, .softwareInterrupt, RegisterName(3, 0, 12, 11, 7),
      RegisterName(
        random.next() & 3, random.next() & 7, random.next() & 15, random.next() & 15, random.next() & 7),
    ])
    let targets = random.chance(20) ? random.next() : random.next() & 0x0F00_0007
    last += "\(name) \(String(targets, radix: 16))"
    if random.chance(80) { cpu.write(system: name, targets) } else { _ = cpu.read(system: name) }
  }

  /// The guest's own interrupt handler, well behaved or not; or state that only hardware should make.
  private mutating func interrupt(_ cpu: ScriptedMachine) {
    if random.chance(60) { _ = cpu.acknowledge() }
    if random.chance(60), let next = cpu.acknowledged.last { cpu.end(next.interrupt) }
    if random.chance(10) { cpu.end(UInt32(random.next() & 127)) }
    if random.chance(5) {
      let slot = Int(random.next() & 3)
      if cpu.lists[slot] >> 62 != 0 { cpu.lists[slot] ^= random.next() & 3 << 62 }
    }
  }

  /// Time, keys, and interrupts that are late.
  private mutating func world(_ cpu: ScriptedMachine) {
    last = "world"
    phone.board.clock += random.next() % 3_000
    if random.chance(2) { phone.board.uart.typed += [UInt8(truncatingIfNeeded: random.next()), 0x1D, 0x31] }
    if random.chance(10) { phone.board.uart.room = random.chance(50) ? .max : Int(random.next() % 64) }
    if random.chance(2) { cpu.pending.append(UInt32(random.next() % 1019)) }
    if cpu.current == nil || random.chance(70) { if !cpu.signalled.isEmpty { cpu.takeInterrupts() } }
    if phone.board.uart.printed.count > 1 << 20 { phone.board.uart.printed = [] }
  }
}

@Suite struct RandomTrapTests {
  /// 200,000 steps, in a process of its own: a trap of the hypervisor ends that one, and is told with the step.
  @Test func nothingAGuestDoesTraps() async throws {
    let result = await #expect(processExitsWith: .success, observing: [\.standardErrorContent]) {
      var awake = 0
      for seed in 1...8 as ClosedRange<UInt64> {
        var guest = try RandomGuest(seed: seed)
        for step in 0..<25_000 {
          guest.step()
          if guest.phone.running != [nil, nil] { awake += 1 }
          guard guest.phone.board.violations.isEmpty else {
            RandomTrapTests.print(
              to: "seed \(seed) step \(step) (\(guest.last)): \(guest.phone.board.violations)")
            exit(2)
          }
        }
      }
      if awake < 100_000 { RandomTrapTests.print(to: "only \(awake) steps with a guest that runs") }
    }
    if let text = result?.standardErrorContent, !text.isEmpty {
      Issue.record("\(String(decoding: text, as: UTF8.self).prefix(4000))")
    }
  }

  fileprivate static func print(to text: String) { FileHandle.standardError.write(Data((text + "\n").utf8)) }
}
