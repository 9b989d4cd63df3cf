import ArmArchitecture
import Testing

@testable import Hypervisor

/// One UART for all VMs.
@Suite(.reportsHangs) struct ConsoleTests {
  /// Two VMs, each on a CPU of its own.
  private func phone() throws -> ScriptedPhone {
    let machines = [ScriptedVM(name: "work", placement: [0]), ScriptedVM(name: "personal", placement: [1])]
    let phone = try ScriptedPhone(machines, cpus: 2).start()
    phone.type("\u{1D}a")
    phone.board.uart.printed = []
    return phone
  }

  private func print(_ text: String, _ cpu: ScriptedMachine) {
    for character in text.utf8 { cpu.store(GuestMap.uart, UInt64(character)) }
  }

  /// What a guest finds in its receive FIFO.
  private func received(_ cpu: ScriptedMachine) -> String {
    var bytes: [UInt8] = []
    while (cpu.load(GuestMap.uart + 0x18) ?? 0x10) & 0x10 == 0 {
      bytes.append(UInt8(truncatingIfNeeded: cpu.load(GuestMap.uart) ?? 0))
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  // MARK: Together

  @Test func wholeLinesBehindTheirVM() throws {
    let phone = try phone()
    print("hel", phone.cpus[0])
    print("good", phone.cpus[1])
    #expect(phone.output == "")
    print("lo\n", phone.cpus[0])
    print(" day\n", phone.cpus[1])
    #expect(phone.output == "work| hello\npersonal| good day\n")
  }

  @Test func theHypervisorsOwnMessagesHaveNoBar() throws {
    let phone = try phone()
    print("unfinished", phone.cpus[0])
    phone.cpus[1].call(FirmwareFunction.systemOff)
    #expect(phone.output.hasPrefix("[pocketvisor] personal stopped: SYSTEM_OFF"))
    print("\n", phone.cpus[0])
    #expect(phone.output.contains("\nwork| unfinished\n"))
  }

  /// A line that nobody ends is shown after a kilobyte, and never keeps its VM waiting for room.
  /// For the lead: `transmit` shows only at the end of a line; 4,065 characters without one block the VM for good.
  @Test func longLines() throws {
    let phone = try phone()
    print(String(repeating: "0123456789", count: 150), phone.cpus[0])
    #expect(phone.output.hasPrefix("work| 0123456789012"))
    print(String(repeating: "0123456789", count: 300), phone.cpus[0])
    #expect((phone.cpus[0].load(GuestMap.uart + 0x18) ?? 0xBAD) & 0x20 == 0)
  }

  /// A full UART: what waits is sent when there is room, by interrupt.
  @Test func drains() throws {
    let phone = try phone()
    phone.board.uart.room = 0
    print("one\ntwo\n", phone.cpus[0])
    #expect(phone.output == "")
    #expect(phone.board.uart.mask & 0x20 != 0)
    for _ in 0..<6 {
      phone.board.uart.room = 5
      phone.settle()
    }
    #expect(phone.output == "work| one\nwork| two\n")
    #expect(phone.board.uart.mask & 0x20 == 0)
  }

  /// A VM that fills its FIFO is told that it is full, and by interrupt when there is room again.
  @Test func aFullFIFOBlocksItsVM() throws {
    let phone = try phone()
    let cpu = phone.cpus[0]
    cpu.enableInterrupts()
    cpu.enableShared(33)
    cpu.store(GuestMap.uart + 0x38, 0x20)
    phone.board.uart.room = 0
    for _ in 0..<1_000 { print("line 8..\n", cpu) }
    #expect((cpu.load(GuestMap.uart + 0x18) ?? 0xBAD) & 0x20 != 0)
    cpu.store(GuestMap.uart + 0x44, 0x20)
    phone.settle()
    #expect(cpu.listed.isEmpty)
    phone.board.uart.room = .max
    phone.settle()
    #expect((cpu.load(GuestMap.uart + 0x18) ?? 0xBAD) & 0x20 == 0)
    #expect(cpu.acknowledge() == 33)
  }

  /// On a slow wire, a VM that prints without end and without looking leaves the others their turns: each gets its
  /// lines out, and none is told for ever that its FIFO is full.
  @Test(arguments: [0, 1]) func aFloodLeavesTheOthersTheirTurns(flooder: Int) throws {
    let phone = try phone()
    let (flood, other) = (phone.cpus[flooder], phone.cpus[1 - flooder])
    phone.board.uart.room = 0
    for _ in 0..<1_000 { print("flood flood flood\n", flood) }
    for _ in 0..<500 { print("a line\n", other) }
    for _ in 0..<1_000 {
      print("flood flood flood\n", flood)
      phone.board.uart.room = 16
      print("flood flood flood\n", flood)
      phone.settle()
    }
    let name = flooder == 0 ? "personal" : "work"
    let lines = phone.output.split(separator: "\n")
    let own = lines.filter { $0.hasPrefix(name) }.count
    #expect(own > 300, "\(own) of \(lines.count) lines")
    #expect((other.load(GuestMap.uart + 0x18) ?? 0xBAD) & 0x20 == 0)
  }

  // MARK: Keys

  @Test func typingBringsAVMToTheFront() throws {
    let phone = try phone()
    phone.type("ls")
    #expect(phone.output.contains("[pocketvisor] in front: work"))
    #expect(received(phone.cpus[0]) == "ls")
    #expect(received(phone.cpus[1]) == "")
  }

  @Test func selectsByNumber() throws {
    let phone = try phone()
    phone.type("\u{1D}2abc")
    #expect(phone.output.contains("in front: personal"))
    #expect(received(phone.cpus[1]) == "abc")
    #expect(received(phone.cpus[0]) == "")
  }

  /// In front a VM's characters come as they are, without its name; the other's are kept.
  @Test func inFront() throws {
    let phone = try phone()
    phone.type("\u{1D}2")
    phone.board.uart.printed = []
    print("prompt$ ", phone.cpus[1])
    print("not now\n", phone.cpus[0])
    #expect(phone.output == "prompt$ ")
    phone.type("\u{1D}1")
    #expect(phone.output.contains("not now\n"))
    #expect(!phone.output.contains("work| "))
  }

  /// What a VM in the background prints does not block it; the last 4096 characters are kept.
  @Test func theBackgroundKeepsItsLast4096() throws {
    let phone = try phone()
    phone.type("\u{1D}2")
    let lines = (0..<1_000).map { "line \($0)" }
    print(lines.joined(separator: "\n"), phone.cpus[0])
    #expect((phone.cpus[0].load(GuestMap.uart + 0x18) ?? 0xBAD) & 0x20 == 0)
    phone.board.uart.printed = []
    phone.type("\u{1D}1")
    let kept = String(lines.joined(separator: "\n").suffix(4096))
    #expect(phone.output.hasSuffix(kept))
    #expect(!phone.output.contains("line 300\n"))
  }

  @Test func frontAndTogether() throws {
    let phone = try phone()
    phone.type("\u{1D}2")
    #expect(phone.output.contains("in front: personal"))
    phone.board.uart.printed = []
    phone.type("\u{1D}1")
    #expect(phone.output.contains("in front: work"))
    phone.type("\u{1D}a")
    phone.board.uart.printed = []
    print("x\n", phone.cpus[1])
    #expect(phone.output == "personal| x\n")
  }

  /// The escape key twice is one for the VM; an unknown key explains; a VM that is not there does too.
  @Test func otherKeys() throws {
    let phone = try phone()
    phone.type("\u{1D}\u{1D}")
    #expect(received(phone.cpus[0]) == "\u{1D}")
    for key in ["?", "8", "\u{0}", "\u{FF}"] {
      phone.board.uart.printed = []
      phone.type("\u{1D}" + key)
      #expect(phone.output.contains("Ctrl-]"), "\(key)")
    }
    #expect(received(phone.cpus[1]) == "")
  }

  /// More than the FIFO and the wire hold is lost, and the VM goes on.
  @Test func aFloodOfKeys() throws {
    let phone = try phone()
    phone.cpus[0].store(GuestMap.uart + 0x2C, 0x70)
    phone.type(String(repeating: "x", count: 1_000))
    #expect((phone.cpus[0].load(GuestMap.uart + 0x3C) ?? 0xBAD) & 1 << 10 != 0)
    #expect(received(phone.cpus[0]).utf8.count == 256)
    phone.type("y")
    #expect(received(phone.cpus[0]) == "y")
  }
}
