import Appliance
import ArmArchitecture
import Testing

@testable import HostCommands
@testable import Hypervisor

/// From the boot loader's jump to the first guest.
@Suite(.reportsHangs) struct BootTests {
  @Test func startsTheFirstGuest() throws {
    let phone = try ScriptedPhone().start()
    #expect(phone.running == ["work.0"])
    #expect(phone.board.violations.isEmpty)
    let guest = try #require(phone.cpus[0].current)
    #expect(guest.value.registers[0] == GuestMap.memory)
    #expect((1..<31).allSatisfy { guest.value.registers[$0] == 0 })
    #expect(phone.cpus[0][.programCounter] == 0x4020_0000)
    #expect(phone.cpus[0][.processorState] == 0x3C5)
    #expect(phone.cpus[0].live[SystemSlot.control.rawValue] & 1 == 0)
  }

  /// A device tree's properties come in any order: libfdt puts what is set last first.
  @Test func propertiesInAnyOrder() throws {
    let phone = try ScriptedPhone([ScriptedVM(name: "work", mebibytes: 256)])
    phone.tree.root.reverseProperties()
    #expect(phone.start().running == ["work.0"])
    #expect(phone.board.violations.isEmpty)
  }

  @Test func loadsWhatTheImageHolds() throws {
    let machine = ScriptedVM(name: "work", kernelSize: 300_001)
    let phone = try ScriptedPhone([machine]).start()
    let kernel = Array(DeviceImageBuilder.kernel(machine))
    let memory = try #require(phone.cpus[0].current).value.machine.value.memory
    #expect(phone.board.read(memory.start + 0x20_0000, kernel.count) == kernel)
    #expect(phone.board.read(memory.start, 4) == [0xD0, 0x0D, 0xFE, 0xED])
    #expect(phone.board.violations.isEmpty)
  }

  @Test func everyCPUStarts() throws {
    let machines = (0..<4).map { ScriptedVM(name: "vm\($0)", cpus: 1, placement: [$0]) }
    let phone = try ScriptedPhone(machines, cpus: 4).start()
    #expect(phone.running == ["vm0.0", "vm1.0", "vm2.0", "vm3.0"])
    #expect(phone.board.violations.isEmpty)
  }

  /// A CPU without a virtual CPU is left off.
  @Test func anUnusedCPUIsLeftOff() throws {
    let phone = try ScriptedPhone([ScriptedVM(name: "work", placement: [0])], cpus: 2).start()
    #expect(phone.board.firmwareCalls.isEmpty)
  }

  @Test func aCPUThatDoesNotStartIsTold() throws {
    let phone = try ScriptedPhone([ScriptedVM(name: "work", cpus: 2, placement: [0, 1])], cpus: 2)
    phone.board.firmwareAnswer = -6
    phone.start()
    #expect(phone.output.contains("a CPU did not start"))
    #expect(phone.running == ["work.0", nil])
  }

  /// The most that a phone may be fits the hypervisor's own memory.
  @Test func theLargestPhone() throws {
    let machines = (0..<8).map { ScriptedVM(name: "vm\($0)", cpus: 2, placement: [$0, ($0 + 1) % 8]) }
    let phone = try ScriptedPhone(machines, cpus: 8).start()
    #expect(phone.running == (0..<8).map { "vm\($0).0" })
    #expect(phone.board.violations.isEmpty)
  }

  /// No two VMs, nor the hypervisor, the image or what the board reserves, share memory.
  @Test func memoryIsDisjoint() throws {
    let phone = try ScriptedPhone((0..<4).map { ScriptedVM(name: "vm\($0)", placement: [$0]) }, cpus: 4)
    let reserved = PhysicalRange(start: ScriptedBoard.memoryBase + 0x900_0000, size: 0x1000)
    var node = DeviceTreeNode("reserved-memory")
    node.set("#address-cells", cells: [2])
    node.set("#size-cells", cells: [2])
    var child = DeviceTreeNode("secure@49000000")
    child.set("reg", numbers: [reserved.start, reserved.size])
    node.children = [child]
    phone.tree.root.children.append(node)
    phone.start()
    let image = PhysicalRange(start: ScriptedBoard.imageAddress, size: UInt64(phone.image.count))
    let ranges =
      phone.cpus.map { $0.current!.value.machine.value.memory } + [image, reserved, ScriptedBoard.own]
    for (index, range) in ranges.enumerated() {
      for other in ranges[(index + 1)...] { #expect(!range.overlaps(other)) }
    }
  }

  /// Stage 2 leads to a VM's memory and the flash's page of zeros, and nowhere else.
  @Test func translation() throws {
    let phone = try ScriptedPhone([ScriptedVM(name: "work", mebibytes: 6)]).start()
    let machine = try #require(phone.cpus[0].current).value.machine
    let walk = StageTwoWalk(phone.board, root: machine.value.translation & 0xFFFF_FFFF_FFFF)
    let memory = machine.value.memory
    for offset in [0, 0x1000, 0x1F_FFFF, 0x20_0000, 0x5F_FFFF] as [UInt64] {
      #expect(walk.translate(0x4000_0000 + offset)?.address == memory.start + offset)
    }
    for address in [0x0400_0000, 0x0400_1000, 0x0403_FFFF] as [UInt64] {
      #expect(walk.translate(address)?.isWritable == false)
    }
    for address in [
      0, 0x0800_0000, 0x0900_0000, 0x3FFF_FFFF, 0x4060_0000, 0x0404_0000, 0x03FF_FFFF, 0xF_FFFF_FFFF,
    ]
      as [UInt64]
    {
      #expect(walk.translate(address) == nil, "\(address)")
    }
    #expect(machine.value.translation >> 48 == 1)
  }

  @Test func seedsDiffer() throws {
    let phone = try ScriptedPhone(
      [ScriptedVM(name: "a", placement: [0]), ScriptedVM(name: "b", placement: [1])], cpus: 2)
    func seeds() -> [[UInt8]] {
      phone.cpus.flatMap { cpu in
        let machine = cpu.current!.value.machine
        return (0..<Int(machine.value.record.seedCount)).map {
          let seed = machine.value.record.seeds[$0]
          return phone.board.read(machine.value.memory.start + seed.guestAddress - 0x4000_0000, Int(seed.size))
        }
      }
    }
    phone.start()
    let first = seeds()
    phone.cpus[0].call(FirmwareFunction.systemReset)
    phone.settle()
    let second = seeds()
    #expect(first.count == 4)
    #expect(Set(first + second.prefix(2)).count == 6)
    #expect(second.suffix(2) == first.suffix(2))
    #expect((first + second).allSatisfy { Set($0).count > 2 })
  }
}

/// A walk through stage-2 tables as the hardware does it.
struct StageTwoWalk {
  let board: ScriptedBoard
  let root: UInt64

  init(_ board: ScriptedBoard, root: UInt64) {
    self.board = board
    self.root = root
  }

  func translate(_ address: UInt64) -> (address: UInt64, isWritable: Bool)? {
    var table = root
    for level in 1...3 as ClosedRange<UInt64> {
      let shift = 39 - 9 * level
      let index = address >> shift & (level == 1 ? 63 : 511)
      let entry = board.pointer(table + index * 8).load(as: UInt64.self)
      guard entry & 1 != 0 else { return nil }
      if entry & 2 == 0 || level == 3 {
        return (entry & 0xFFFF_FFFF_F000 | address & (1 << shift - 1), entry >> 7 & 1 != 0)
      }
      table = entry & 0xFFFF_FFFF_F000
    }
    return nil
  }
}

/// A board or an image that lacks something: a sentence, and no guest.
@Suite(.reportsHangs) struct BootFailureTests {
  private func output(_ change: (ScriptedPhone) -> Void) throws -> String {
    let phone = try ScriptedPhone()
    change(phone)
    phone.start()
    #expect(phone.running == [nil])
    #expect(phone.board.violations.isEmpty)
    return phone.output
  }

  @Test(arguments: [
    ("memory@40000000", "no memory"), ("intc@8000000", "no GICv3"), ("timer", "no generic timer"),
    ("psci", "no PSCI"), ("chosen", "no device image"),
  ])
  func missing(_ node: String, _ message: String) throws {
    #expect(try output { $0.tree.remove(node) }.contains(message))
  }

  /// What is disabled is not there; `okay` is.
  @Test func disabled() throws {
    #expect(try output { $0.tree["intc@8000000"].set("status", "disabled") }.contains("no GICv3"))
    let phone = try ScriptedPhone()
    phone.tree["intc@8000000"].set("status", "okay")
    #expect(phone.start().running == ["work.0"])
  }

  @Test func disabledBeforeItsRegisters() throws {
    let text = try output {
      $0.tree["intc@8000000"].set("status", "disabled")
      $0.tree["intc@8000000"].reverseProperties()
    }
    #expect(text.contains("no GICv3"))
  }

  @Test func firmwareCalledByTheOtherInstruction() throws {
    let text = try output {
      $0.tree["psci"].properties.removeLast()
      $0.tree["psci"].set("method", "hvc")
    }
    #expect(text.contains("no PSCI"))
  }

  @Test func otherTimerInterrupts() throws {
    let text = try output {
      $0.tree["timer"].properties.removeLast()
      $0.tree["timer"].set("interrupts", cells: [13, 14, 12, 10].flatMap { [1, $0, 4] })
    }
    #expect(text.contains("no generic timer"))
  }

  @Test func tooManyReservations() throws {
    let text = try output { phone in
      var node = DeviceTreeNode("reserved-memory")
      node.set("#address-cells", cells: [2])
      node.set("#size-cells", cells: [2])
      node.children = (0..<40).map { index in
        var child = DeviceTreeNode("piece@\(index)")
        child.set("reg", numbers: [0x5000_0000 + UInt64(index) << 21, 0x1000])
        return child
      }
      phone.tree.root.children.append(node)
    }
    #expect(text.contains("too many memory ranges"))
  }

  @Test func tooLittleMemory() throws {
    let text = try output {
      $0.tree["memory@40000000"].properties.removeLast()
      $0.tree["memory@40000000"].set("reg", numbers: [ScriptedBoard.memoryBase, 0x40_0000])
    }
    #expect(text.contains("not enough memory"))
  }

  /// Nothing can be said without a UART, or without a tree at all.
  @Test func silence() throws {
    #expect(try output { $0.tree.remove("pl011@9000000") }.isEmpty)
    #expect(
      try output {
        $0.tree.root.name = String(repeating: "x", count: 3)
        $0.tree.root.children = []
      }.isEmpty)
  }

  @Test func imageCutShort() throws {
    let whole = try ScriptedPhone().image.count
    for size in [0, 40, 1000, 4095, 4096, 8192, whole / 2, whole - 1] {
      let text = try output { phone in
        phone.image.removeLast(phone.image.count - size)
        phone.tree = BoardTree(cpus: 1, imageSize: size)
        phone.board.write([UInt8](repeating: 0xA5, count: whole), at: ScriptedBoard.imageAddress)
      }
      #expect(text.contains("image") || text.contains("record"), "\(size) bytes: \(text)")
    }
  }
}

extension DeviceTreeNode {
  /// Turns the order of properties around, here and below.
  fileprivate mutating func reverseProperties() {
    properties.reverse()
    for index in children.indices { children[index].reverseProperties() }
  }
}
