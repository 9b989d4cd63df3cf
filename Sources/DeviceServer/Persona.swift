// Clients with a screen are personas: one of them is in front. It is seen below its strip, and it alone gets what fingers do.

import Appliance
import Virtio

/// What outlives the server.
public struct KeptPersonas: BitwiseCopyable {
  /// The client in front.
  var front: UInt32 = 0
  /// What their input devices still have to say, by client; mask it with 7.
  var keys = InlineArray<8, InputLine>(repeating: InputLine())
  var touches = InlineArray<8, InputLine>(repeating: InputLine())

  public init() {}
}

/// The screen, the real input devices, and who is in front.
public struct Personas<Machine: ServerMachine> {
  static var driverLimit: Int { 4 }

  /// Nil: the board has no screen. Keys and touches have an owner all the same.
  let screen: Screen<Machine>?
  /// Clients that may come to the front, a bit each.
  let members: UInt32
  /// Where the picture of each begins on the bus: its strip.
  private let pictures: InlineArray<8, UInt64>
  let kept: Resident<KeptPersonas>
  var router = InputRouter()
  private(set) var drivers = InlineArray<4, Resident<InputDriver<Machine>>?>(repeating: nil)

  /// - Returns: nil where no client has a screen.
  init?(
    machine: Machine, board: BoardDevices, clients: Clients, kept: Resident<KeptPersonas>,
    arena: inout Arena
  ) {
    self.kept = kept
    (members, pictures) = Self.pictures(of: clients)
    guard members != 0 else { return nil }
    screen = FirmwareConfiguration(machine: machine, address: board.firmwareConfiguration, arena: &arena)
      .flatMap { Screen($0) }
    for index in 0..<Self.driverLimit {
      drivers[index] = board.device(DeviceKind.input, number: index, of: machine)
        .flatMap { InputDriver($0, machine: machine, arena: &arena) }
        .flatMap { arena.take(of: $0) }
    }
  }

  private static func pictures(
    of clients: Clients
  ) -> (members: UInt32, pictures: InlineArray<8, UInt64>) {
    var members: UInt32 = 0
    var pictures = InlineArray<8, UInt64>(repeating: 0)
    for index in 0..<8 {
      let window = clients[index].description.screen
      let windows = clients[index].page.windows
      guard clients[index].description.isThere, window > 0, window < 8, windows != 0 else { continue }
      members |= 1 &<< UInt32(index)
      pictures[index] = windows &+ ScreenLayout.strip(before: window)
    }
    return (members, pictures)
  }

  func isMember(_ client: Int) -> Bool { client >= 0 && client < 8 && members &>> UInt32(client) & 1 != 0 }

  /// The client in front.
  var front: Int {
    let front = Int(kept.value.front & 7)
    return isMember(front) ? front : members.trailingZeroBitCount
  }

  /// The client that comes to the front next: by place in the phone, then from the first again.
  func follower(of client: Int) -> Int {
    let behind = members & ~((2 &<< UInt32(client)) &- 1)
    return (behind != 0 ? behind : members).trailingZeroBitCount
  }

  /// Shows a client: a few instructions, as nothing is copied.
  func show(_ client: Int) { screen?.show(pictures[client & 7]) }
}

extension DeviceServer {
  /// Starts the screen and the input devices, paints the strips and shows who was in front before the server started, or the
  /// first. Nothing is held down any more: the board's devices were reset.
  mutating func startPersonas() {
    guard let kept = keptPersonas(),
      let made = Personas(machine: machine, board: board, clients: clients, kept: kept, arena: &arena)
    else { return }
    guard let personas = arena.take(of: made) else { return report("no memory for the screen") }
    self.personas = personas
    if personas.value.screen == nil { report("the board has no ramfb: nothing is shown") }
    for client in 0..<8 where personas.value.isMember(client) {
      paintStrip(client)
      releaseInput(client)
    }
    personas.value.kept.value.front = UInt32(personas.value.front)
    personas.value.show(personas.value.front)
  }

  /// What the last server kept, or nothing.
  private func keptPersonas() -> Resident<KeptPersonas>? {
    guard let kept = unsafe memory.kept.pointer(KeptPlace.screen, as: KeptPersonas.self) else { return nil }
    if memory.kept.load64(KeptPlace.header) != KeptPlace.magic {
      unsafe kept.initialize(to: KeptPersonas())
    }
    return unsafe Resident(kept)
  }

  private func paintStrip(_ client: Int) {
    let description = clients[client & 7].description
    let strip = memory.windows.part(
      at: ScreenLayout.strip(before: description.screen), size: ScreenLayout.stripBytes, start: 0)
    Strip(strip, colour: description.colour).paint(description.label, in: tree)
    machine.clean(strip)
  }

  /// The client in front: what is seen is its screen, and it alone gets keys and touches. Nil: no client has a screen.
  public var front: Int? { personas?.value.front }

  /// Brings a client to the front. What was held down ends for the one that was there.
  ///
  /// - Returns: false where it has no screen.
  @discardableResult
  public mutating func bringToFront(_ client: Int) -> Bool {
    guard let personas, personas.value.isMember(client) else { return false }
    let front = personas.value.front
    guard client != front else { return true }
    personas.value.show(client)
    releaseInput(front)
    personas.value.kept.value.front = UInt32(client)
    return true
  }

  /// Brings the next client to the front.
  mutating func bringNextToFront() {
    guard let personas else { return }
    bringToFront(personas.value.follower(of: personas.value.front))
  }
}
