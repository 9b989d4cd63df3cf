import Testing
import Virtio

@testable import DeviceServer

@Suite struct InputRouterTests {
  var router = InputRouter()

  mutating func route(_ events: [InputEvent]) -> [InputAction] {
    events.map { router.route($0) }.filter { $0 != .none }
  }

  func pointer(_ x: UInt32, _ y: UInt32, _ isDown: UInt32) -> [InputEvent] {
    [InputEvent(3, 0, x), InputEvent(3, 1, y), InputEvent(1, KeyCode.left, isDown), .report]
  }

  @Test mutating func keysAreForwardedButNotTheTwoOfTheServer() {
    #expect(route([InputEvent(1, 30, 1)]) == [.key(30, isDown: true)])
    #expect(route([InputEvent(1, 30, 2)]) == [])
    #expect(route([InputEvent(1, 30, 0)]) == [.key(30, isDown: false)])
    #expect(route([InputEvent(1, KeyCode.power, 1), InputEvent(1, KeyCode.power, 0)]) == [])
    #expect(route([InputEvent(1, KeyCode.home, 1), InputEvent(1, KeyCode.home, 0)]) == [.next])
    #expect(route([InputEvent(1, KeyCode.home, 2), InputEvent(1, 0, 1), InputEvent(1, 0x2FF, 1)]) == [])
  }

  /// The screen has 800 rows, the first 32 are the strip; a client's 768 are 0…32767 for it.
  @Test mutating func touchesBelowTheStripAreRescaled() {
    #expect(route(pointer(100, 1311, 1)) == [.touch(TouchPoint(x: 100, y: 0))])
    #expect(route(pointer(32767, 32767, 1)) == [.move(TouchPoint(x: 32767, y: 32766))])
    #expect(route(pointer(16384, 17039, 1)) == [.move(TouchPoint(x: 16384, y: 16383))])
    #expect(route(pointer(5, 0, 1)) == [.move(TouchPoint(x: 5, y: 0))])
    #expect(route(pointer(5, 0, 0)) == [.lift])
  }

  @Test mutating func aTapOnTheStripIsTheServers() {
    #expect(route(pointer(100, 1310, 1)) == [.next])
    // It goes on below the strip, and is still not the client's.
    #expect(route(pointer(100, 9000, 1)) == [])
    #expect(route(pointer(100, 9000, 0)) == [])
    #expect(route(pointer(100, 9000, 1)) == [.touch(TouchPoint(x: 100, y: 8009))])
  }

  @Test mutating func aPointerWithoutButtonIsNoFinger() {
    #expect(route(pointer(100, 9000, 0)) == [])
  }

  @Test mutating func axesOutOfRangeAreAtTheEnd() {
    #expect(route(pointer(.max, .max, 1)) == [.touch(TouchPoint(x: 32767, y: 32766))])
  }

  @Test mutating func unknownEventsMeanNothing() {
    #expect(
      route([InputEvent(2, 0, 1), InputEvent(0x15, 1, 1), InputEvent(3, 9, 1), InputEvent(1, 273, 1)]) == [])
  }
}

@Suite struct InputLineTests {
  /// A client that takes everything, and what it believes to be down.
  func drain(_ line: inout InputLine, _ down: inout Set<UInt16>, limit: Int = .max) {
    var count = 0
    while !line.isEmpty, count < limit {
      let event = line.next
      if event.type == EventType.key, event.value == 1 { down.insert(event.code) }
      if event.type == EventType.key, event.value == 0 { down.remove(event.code) }
      line.removeFirst()
      count += 1
    }
  }

  @Test func pressesAndReleasesComeInOrder() {
    var line = InputLine()
    line.key(30, isDown: true)
    line.key(30, isDown: true)
    line.key(30, isDown: false)
    line.key(31, isDown: false)
    var seen: [InputEvent] = []
    while !line.isEmpty {
      seen.append(line.next)
      line.removeFirst()
    }
    #expect(seen == [InputEvent(1, 30, 1), .report, InputEvent(1, 30, 0), .report])
  }

  @Test func aTouchSaysWhereBeforeItSaysThat() {
    var line = InputLine()
    line.move(TouchPoint(x: 1, y: 1))
    line.touch(TouchPoint(x: 7, y: 9))
    var seen: [InputEvent] = []
    while !line.isEmpty {
      seen.append(line.next)
      line.removeFirst()
    }
    #expect(
      seen == [
        InputEvent(3, 0, 7), InputEvent(3, 1, 9), .report, InputEvent(1, KeyCode.touch, 1), .report,
      ])
  }

  @Test(arguments: UInt64(1)...50) func nothingStaysDown(seed: UInt64) {
    var random = SystemLike(state: seed)
    var line = InputLine()
    var down: Set<UInt16> = []
    for _ in 0..<2000 {
      let code = [30, 31, 57, 115, 255, KeyCode.touch].randomElement(using: &random)!
      switch Int.random(in: 0..<8, using: &random) {
      case 0...4: line.key(code, isDown: Bool.random(using: &random))
      case 5: line.touch(TouchPoint(x: 1, y: 2))
      case 6: line.move(TouchPoint(x: 3, y: 4))
      default: drain(&line, &down, limit: Int.random(in: 0..<6, using: &random))
      }
    }
    line.releaseAll(button: KeyCode.touch)
    drain(&line, &down)
    #expect(down.isEmpty)
    #expect(!line.isHeld(30) && !line.isHeld(KeyCode.touch))
  }

  /// What window 0 holds may be anything.
  @Test func anyBitPatternEnds() {
    let words = Bytes(MemoryLayout<InputLine>.size)
    for pattern in [0xFF, 0x80, 0x11] as [UInt8] {
      words.base.initializeMemory(as: UInt8.self, repeating: pattern, count: MemoryLayout<InputLine>.size)
      var line = words.base.load(as: InputLine.self)
      line.key(30, isDown: true)
      line.releaseAll(button: KeyCode.touch)
      var count = 0
      while !line.isEmpty {
        line.removeFirst()
        count += 1
      }
      #expect(count <= 16)
    }
  }

  struct SystemLike: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return state ^ state >> 29
    }
  }
}

@Suite struct InputConfigurationTests {
  let registers = Bytes(512)

  func ask(_ kind: InputKind, _ question: UInt8, _ subject: UInt8) -> [UInt8] {
    let configuration = InputConfiguration(registers.view, kind)
    configuration.store(question, at: 0)
    configuration.store(subject, at: 1)
    let size = UInt64(registers.view.load8(0x102))
    return (0..<size).map { registers.view.load8(0x108 + $0) }
  }

  @Test func saysItsNames() {
    #expect(String(decoding: ask(.keys, 1, 0), as: UTF8.self) == "Pocketvisor keys")
    #expect(String(decoding: ask(.touch, 1, 0), as: UTF8.self) == "Pocketvisor touch screen")
    #expect(ask(.touch, 3, 0) == [6, 0, 0x56, 0x50, 2, 0, 1, 0])
  }

  @Test func keysHaveAllKeysButTheServers() {
    let bits = ask(.keys, 0x11, 1)
    #expect(bits.count == 32)
    for code in 0..<256 {
      let isOffered = bits[code / 8] >> UInt8(code % 8) & 1 != 0
      #expect(isOffered == ![0, 116, 172].contains(code))
    }
    #expect(ask(.keys, 0x11, 0x14) == [3])
    #expect(ask(.keys, 0x11, 3) == [] && ask(.keys, 0x10, 0) == [] && ask(.keys, 0x12, 0) == [])
  }

  @Test func aTouchScreenHasAFingerAndTwoAxes() {
    let bits = ask(.touch, 0x11, 1)
    #expect(bits.count == 42 && bits[41] == 4 && bits.dropLast().allSatisfy { $0 == 0 })
    #expect(ask(.touch, 0x11, 3) == [3])
    #expect(ask(.touch, 0x10, 0) == [2])
    for axis in UInt8(0)..<2 {
      #expect(ask(.touch, 0x12, axis) == [0, 0, 0, 0, 0xFF, 0x7F] + Array(repeating: 0, count: 14))
    }
    #expect(ask(.touch, 0x12, 2) == [])
  }

  @Test func anyQuestionIsAnsweredWithinTheConfiguration() {
    for question in UInt8.min...UInt8.max {
      for subject in [0, 1, 3, 0x14, 0xFF] as [UInt8] {
        #expect(ask(.keys, question, subject).count <= 128)
        #expect(ask(.touch, question, subject).count <= 128)
      }
    }
    InputConfiguration(registers.view, .keys).store(1, at: 2)
    #expect((0x188..<512).allSatisfy { registers.view.load8($0) == 0 })
  }
}
