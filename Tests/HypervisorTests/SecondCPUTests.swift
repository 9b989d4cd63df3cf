import Appliance
import ArmArchitecture
import Testing

@testable import HostCommands
@testable import Hypervisor

/// The second CPU of a board without virtualization extensions.
@Suite(.reportsHangs) struct SecondCPUTests {
  /// A board that was started with a VM for each CPU.
  private func start(
    _ kind: NarrowBoardKind = .smdkc210, placement: [Int] = [0, 1],
    _ change: (ScriptedNarrowBoard) -> Void = { _ in }
  ) throws -> (board: ScriptedNarrowBoard, first: ScriptedNarrowMachine) {
    let machines = placement.enumerated().map { ScriptedVM(name: "vm\($0)", placement: [$1]) }
    var image = try DeviceImageBuilder.image(of: machines, cpus: 2)
    let record = Int(PhoneHeader.offset(treeSize: UInt32(image[4...7].reduce(0) { $0 << 8 | Int($1) })))
    image[record + 12] = 2
    let board = ScriptedNarrowBoard(kind, image: image)
    change(board)
    let first = board.start()
    #expect(board.violations == [])
    #expect(board.output.contains("RAM taken"))
    return (board, first)
  }

  /// How many virtual CPUs each CPU has.
  private func queues(_ machine: ScriptedNarrowMachine) throws -> [Int] {
    let phone = try #require(machine.core).phone
    return (0..<phone.value.board.cpuCount).map { phone.value.cpu($0).value.queueCount }
  }

  private func acknowledge(_ machine: ScriptedNarrowMachine) -> UInt64 {
    let interrupt = machine.read(.interruptAcknowledge)
    if interrupt < 1020 { machine.write(.interruptEnd, interrupt) }
    return interrupt
  }

  @Test func isTurnedOn() throws {
    let (board, first) = try start()
    #expect(try queues(first) == [1, 1])
    let second = try #require(board.second)
    #expect(second.core?.cpu.value.affinity == 0x901)
    #expect(!board.output.contains("did not start"))
  }

  /// Its time is the same, and its alarm its own.
  @Test func hasATimer() throws {
    let (board, first) = try start()
    let second = try #require(board.second)
    _ = acknowledge(second)
    let now = first.read(.counter)
    #expect((now...now + 100).contains(second.read(.counter)))
    second.write(.alarm, now + 2000)
    #expect(acknowledge(second) == 1023)
    board.pass(4000)
    #expect(acknowledge(first) == 1023)
    #expect(acknowledge(second) == UInt64(PhysicalInterrupt.alarm.rawValue))
    second.write(.alarm, ~0)
    first.write(.alarm, now + 8000)
    board.pass(8000)
    #expect(acknowledge(second) == 1023)
    #expect(acknowledge(first) == UInt64(PhysicalInterrupt.alarm.rawValue))
  }

  @Test func alerts() throws {
    let (board, first) = try start()
    let second = try #require(board.second)
    // What woke it.
    #expect(acknowledge(second) == 7)
    let (one, other) = try (#require(first.core), #require(second.core))
    for (from, to) in [(one, other), (other, one)] {
      from.alert(to.cpu)
      #expect(acknowledge(from.hardware) == 1023)
      #expect(acknowledge(to.hardware) == 7)
      #expect(acknowledge(to.hardware) == 1023)
    }
  }

  /// Nothing is for it to do: it sleeps on.
  @Test func isNotNeeded() throws {
    let (board, first) = try start(placement: [0, 0])
    #expect(try queues(first) == [2, 0])
    #expect(board.second == nil && !board.power.isOn)
  }

  @Test func doesNotStart() throws {
    let (board, first) = try start { $0.hasSecondCPU = false }
    #expect(try queues(first) == [1, 1])
    #expect(board.output.contains("a CPU did not start"))
  }

  /// A board's registers that turn no CPU on, and come first: they turn the board off, and nothing else.
  @Test func anotherPowerController() throws {
    let (board, first) = try start { board in
      let other = NarrowTree.node(
        "sysreg@10020000", ["reg": [0x1002_0000, 0x1000]], strings: ["compatible": "arm,vexpress-sysreg"])
      board.tree.children.insert(other, at: 0)
    }
    #expect(try queues(first) == [2, 0])
    #expect(board.second == nil && !board.power.isOn)
  }

  /// Without what turns it on, with a third CPU, and on boards with one, all is on the boot CPU.
  @Test func oneCPU() throws {
    let (board, first) = try start {
      $0.tree.removeAll { $0.name.hasPrefix("system-controller") }
    }
    #expect(try queues(first) == [2, 0])
    #expect(board.second == nil)
    let (_, third) = try start { board in
      let place = board.tree.children.firstIndex { $0.name == "cpus" } ?? 0
      var cpu = board.tree.children[place].children[1]
      cpu.set("reg", cells: [0x902])
      board.tree.children[place].children.append(cpu)
    }
    #expect(try queues(third) == [2, 0, 0])
    for kind in [NarrowBoardKind.vexpress, .cubieboard] {
      #expect(try queues(start(kind).first) == [2])
    }
  }
}
