import Testing

@testable import VirtualDevices

@Suite struct VirtualCPUInterfaceTests {
  /// As Linux sets it up: all priorities, Group 0.
  private var started: VirtualCPUInterface {
    var interface = VirtualCPUInterface()
    interface.write(0xF0, offset: 0x04)
    interface.write(1, offset: 0x00)
    return interface
  }

  @Test func silentAtPowerOn() {
    let interface = VirtualCPUInterface()
    #expect(!interface.signals(0, isGroup1: false))
    #expect(interface.read(offset: 0x14) == 0xFF)
    #expect(interface.read(offset: 0x08) == 2)
  }

  @Test func masks() {
    var interface = started
    #expect(interface.signals(0xA0, isGroup1: false))
    #expect(!interface.signals(0xF0, isGroup1: false))
    #expect(!interface.signals(0xA0, isGroup1: true))
    interface.write(0xA7, offset: 0x04)
    #expect(interface.read(offset: 0x04) == 0xA0)
    #expect(!interface.signals(0xA0, isGroup1: false))
    #expect(interface.signals(0x98, isGroup1: false))
  }

  /// Only a more urgent one interrupts what is in hand, and what it ends is the most urgent.
  @Test func preempts() {
    var interface = started
    interface.take(0xA0)
    #expect(interface.read(offset: 0x14) == 0xA0)
    #expect(!interface.signals(0xA0, isGroup1: false))
    #expect(!interface.signals(0xA8, isGroup1: false))
    #expect(interface.signals(0x98, isGroup1: false))
    interface.take(0x40)
    #expect(interface.runningPriority == 0x40)
    var isOver = [interface.drop()]
    #expect(interface.runningPriority == 0xA0)
    isOver.append(interface.drop())
    #expect(interface.runningPriority == 0xFF)
    isOver.append(interface.drop())
    #expect(interface.runningPriority == 0xFF)
    #expect(isOver == [true, true, true])
  }

  /// Priorities that are one group do not interrupt each other.
  @Test func binaryPoint() {
    var interface = started
    interface.write(5, offset: 0x08)
    interface.take(0xA0)
    #expect(interface.runningPriority == 0x80)
    #expect(!interface.signals(0x90, isGroup1: false))
    #expect(interface.signals(0x78, isGroup1: false))
    interface.write(0, offset: 0x08)
    #expect(interface.read(offset: 0x08) == 2)
    // With all bits below the point none interrupts another.
    var flat = started
    flat.write(7, offset: 0x08)
    flat.take(0x80)
    #expect(!flat.signals(0, isGroup1: false))
  }

  /// EOImode: ending drops the priority alone.
  @Test func endsInTwoSteps() {
    var interface = started
    interface.write(0x2FF, offset: 0x00)
    #expect(interface.read(offset: 0x00) == 0x203)
    #expect(interface.signals(0x80, isGroup1: true))
    interface.take(0x80)
    let isOver = interface.drop()
    #expect(!isOver)
    #expect(interface.runningPriority == 0xFF)
  }

  /// A guest saves and restores it around sleep.
  @Test func activePriorities() {
    var interface = started
    interface.take(0x20)
    interface.take(0x10)
    let saved = interface.read(offset: 0xD0)
    var other = started
    other.write(saved, offset: 0xD0)
    #expect(other.runningPriority == 0x10)
  }
}
