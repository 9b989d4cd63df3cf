import Testing
import Virtio

@testable import DeviceServer

/// The whole way from the board's devices to the clients', on a board of data.
@Suite struct PersonaTests {
  let board = ScreenBoard()
  var server: DeviceServer<ScreenBoard>
  var workKeys: InputClient
  var personalKeys: InputClient
  var workTouch: InputClient

  init() {
    server = board.server()
    workKeys = InputClient(board, client: 0, place: Place.keys)
    personalKeys = InputClient(board, client: 2, place: Place.keys)
    workTouch = InputClient(board, client: 0, place: Place.touch)
  }

  mutating func startDrivers() {
    workKeys.start(&server)
    personalKeys.start(&server)
    workTouch.start(&server)
  }

  mutating func turn() { while server.turn(ServerEvents()) {} }

  @Test func theFirstWithAScreenIsShownBelowItsStrip() {
    #expect(server.front == 0)
    #expect(board.shown == 0x20_0000 - 61_440)
    #expect(board.windows.view.load32(0x20_0000 - 61_440) == 0x2E7D32)
    #expect(board.windows.view.load32(0x60_0000 - 61_440) == 0xF57C00)
    // No frame buffer was touched.
    #expect(board.windows.view.load32(0x20_0000) == 0 && board.windows.view.load32(0x60_0000) == 0)
  }

  @Test func onlyClientsWithAScreenHaveInput() {
    for (client, device) in [(0, 18), (1, 0), (2, 18)] as [(Int, UInt32)] {
      for place in [Place.keys, Place.touch] {
        #expect(InputClient(board, client: client, place: place).registers.load32(8) == device)
      }
    }
  }

  @Test mutating func theHomeKeyBringsTheNextToTheFront() {
    board.keyboard.tap(KeyCode.home)
    turn()
    #expect(server.front == 2 && board.shown == 0x60_0000 - 61_440)
    board.keyboard.tap(KeyCode.home)
    turn()
    #expect(server.front == 0 && board.shown == 0x20_0000 - 61_440)
  }

  @Test mutating func keysGoToTheOneInFrontOnly() {
    startDrivers()
    board.keyboard.tap(30)
    board.keyboard.tap(KeyCode.power)
    turn()
    #expect(workKeys.events() == [InputEvent(1, 30, 1), InputEvent(1, 30, 0)])
    board.keyboard.tap(KeyCode.home)
    board.keyboard.tap(31)
    turn()
    #expect(workKeys.events() == [])
    #expect(personalKeys.events() == [InputEvent(1, 31, 1), InputEvent(1, 31, 0)])
  }

  @Test mutating func aHeldKeyEndsWhenTheFrontChanges() {
    startDrivers()
    board.keyboard.key(30, true)
    turn()
    #expect(workKeys.events() == [InputEvent(1, 30, 1)])
    board.keyboard.tap(KeyCode.home)
    board.keyboard.key(30, false)
    turn()
    #expect(workKeys.events() == [InputEvent(1, 30, 0)])
    #expect(personalKeys.events() == [])
  }

  @Test mutating func touchesGoToTheFrontAndTapsOnTheStripSwitch() {
    startDrivers()
    board.tablet.point(240, 416, true)
    board.tablet.point(240, 416, false)
    turn()
    #expect(
      workTouch.events() == [
        InputEvent(3, 0, 16384), InputEvent(3, 1, 16384), InputEvent(1, KeyCode.touch, 1),
        InputEvent(1, KeyCode.touch, 0),
      ])
    board.tablet.point(240, 31, true)
    board.tablet.point(240, 31, false)
    turn()
    #expect(server.front == 2 && workTouch.events() == [])
  }

  @Test mutating func aFingerThatIsDownIsLiftedWhenTheFrontChanges() {
    startDrivers()
    board.tablet.point(240, 416, true)
    turn()
    _ = workTouch.events()
    board.keyboard.tap(KeyCode.home)
    turn()
    #expect(workTouch.events() == [InputEvent(1, KeyCode.touch, 0)])
  }

  @Test mutating func aSlowClientLosesPressesButNoRelease() {
    workKeys.start(&server, buffers: 1)
    for code in UInt16(2)..<40 {
      board.keyboard.tap(code)
      turn()
    }
    var events = workKeys.events()
    for _ in 0..<40 { workKeys.give(1, &server) }
    events += workKeys.events()
    let down = events.filter { $0.value == 1 }.map(\.code)
    #expect(!down.isEmpty && down == events.filter { $0.value == 0 }.map(\.code))
  }

  @Test mutating func aDriverThatBreaksTheRulesLosesItsDeviceOnly() {
    startDrivers()
    var touch = InputClient(board, client: 2, place: Place.touch)
    touch.start(&server, buffers: 0)
    touch.give(1, length: 4, &server)
    board.keyboard.tap(KeyCode.home)
    board.tablet.point(240, 416, true)
    board.keyboard.tap(30)
    turn()
    #expect(touch.registers.load32(0x70) & DeviceStatus.needsReset != 0)
    #expect(personalKeys.registers.load32(0x70) & DeviceStatus.needsReset == 0)
    #expect(personalKeys.events() == [InputEvent(1, 30, 1), InputEvent(1, 30, 0)])
  }

  @Test mutating func theHostBringsAClientToTheFront() {
    #expect(server.bringToFront(2) && server.front == 2)
    #expect(server.bringToFront(2) && server.front == 2)
    #expect(!server.bringToFront(1) && !server.bringToFront(-1) && !server.bringToFront(8))
    #expect(server.front == 2)
  }

  @Test mutating func aRestartKeepsTheFrontAndEndsWhatWasHeld() {
    startDrivers()
    board.keyboard.tap(KeyCode.home)
    board.keyboard.key(30, true)
    turn()
    #expect(personalKeys.events() == [InputEvent(1, 30, 1)])
    server = board.server()
    turn()
    #expect(server.front == 2)
    #expect(personalKeys.events() == [InputEvent(1, 30, 0)])
  }

  @Test mutating func whatIsKeptMayBeAnything() {
    board.kept.base.advanced(by: 0x9000).initializeMemory(as: UInt8.self, repeating: 0xFF, count: 4096)
    server = board.server()
    turn()
    #expect(server.front == 0 || server.front == 2)
    board.keyboard.tap(KeyCode.home)
    turn()
    #expect(server.front == 0 || server.front == 2)
  }

  @Test func aBoardWithoutAScreenForwardsKeysAllTheSame() {
    let board = ScreenBoard()
    board.firmware.signature = 0
    var server = board.server()
    var keys = InputClient(board, client: 0, place: Place.keys)
    keys.start(&server)
    board.keyboard.tap(30)
    while server.turn(ServerEvents()) {}
    #expect(keys.events().count == 2 && board.shown == nil)
  }
}
