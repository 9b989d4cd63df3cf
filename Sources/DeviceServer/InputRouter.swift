// What an event of a real device means: decided here, done elsewhere.

/// What is to be done about an event.
public enum InputAction: Equatable {
  case none
  /// The next client comes to the front.
  case next
  /// The client in front gets a key.
  case key(UInt16, isDown: Bool)
  /// A finger comes down on the front client's part of the screen, moves, or leaves it.
  case touch(TouchPoint)
  case move(TouchPoint)
  case lift

  /// It is for the client's keys, not for its touch screen.
  var isKey: Bool {
    if case .key = self { return true }
    return false
  }
}

/// A place on a client's part of the screen, 0…`Axis.limit` in both directions.
public struct TouchPoint: Equatable {
  public let x: UInt32
  public let y: UInt32

  public init(x: UInt32, y: UInt32) {
    self.x = x
    self.y = y
  }
}

/// Follows the real devices.
public struct InputRouter: BitwiseCopyable {
  private var x: UInt32 = 0
  private var y: UInt32 = 0
  private var isDown = false
  private var wasDown = false
  /// The finger came down on the client's part.
  private var isForwarded = false

  public init() {}

  public mutating func route(_ event: InputEvent) -> InputAction {
    switch event.type {
    case EventType.key: return key(event.code, event.value)
    case EventType.absolute: setAxis(event.code, event.value)
    case EventType.synchronization: return resolve()
    default: break
    }
    return .none
  }

  /// - Parameter value: 0: up, 1: down, 2: repeated, which clients do themselves.
  private mutating func key(_ code: UInt16, _ value: UInt32) -> InputAction {
    if code == KeyCode.left || code == KeyCode.touch { isDown = value != 0 }
    if code == KeyCode.home, value == 1 { return .next }
    guard KeyCode.isForwarded(code), value < 2 else { return .none }
    return .key(code, isDown: value == 1)
  }

  private mutating func setAxis(_ code: UInt16, _ value: UInt32) {
    if code == Axis.x { x = min(value, Axis.limit) }
    if code == Axis.y { y = min(value, Axis.limit) }
  }

  /// What the pointer's state means now.
  private mutating func resolve() -> InputAction {
    defer { wasDown = isDown }
    switch (wasDown, isDown) {
    case (false, true):
      isForwarded = y &* ScreenLayout.rows >= Self.stripEnd
      return isForwarded ? .touch(point) : .next
    case (true, true): return isForwarded ? .move(point) : .none
    case (true, false): return isForwarded ? .lift : .none
    case (false, false): return .none
    }
  }

  /// The first y below the strip, times the screen's rows.
  private static let stripEnd = ScreenLayout.stripRows * (Axis.limit + 1)

  /// The place without the strip: a finger that slides up onto the strip stays at the client's first row.
  private var point: TouchPoint {
    let place = y &* ScreenLayout.rows
    let below = place > Self.stripEnd ? place &- Self.stripEnd : 0
    return TouchPoint(x: x, y: below / (ScreenLayout.rows - ScreenLayout.stripRows))
  }
}
