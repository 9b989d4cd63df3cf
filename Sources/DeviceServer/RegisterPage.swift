import Virtio

/// Places for devices that every client has, by number.
public enum Place {
  public static let block = 0
  public static let network = 1
  public static let console = 2
  public static let entropy = 3
  public static let keys = 4
  public static let touch = 5
  public static let count = 7
}

/// What a VM is doing: the low bits of a register page's phase.
public enum MachinePhase {
  public static let stopped: UInt32 = 0
  public static let loading: UInt32 = 1
  public static let running: UInt32 = 2
  public static let stopping: UInt32 = 3
  public static let scrubbing: UInt32 = 4
  public static let resting: UInt32 = 5
  /// A bit beside the phase.
  public static let paused: UInt32 = 16
}

/// A store that a virtual CPU waits for.
public struct WaitingStore: Equatable {
  /// From the page's start on.
  public let offset: UInt32
  public let value: UInt64

  /// The client has just started: its devices are to be as at power-on.
  public static let powerOn: UInt32 = 0xFFF

  public init(offset: UInt32, value: UInt64) {
    self.offset = offset
    self.value = value
  }

  /// Whether it says this.
  public var isPowerOn: Bool { offset == Self.powerOn }
  public var place: Int { Int(offset &>> 9) }
  /// Within the place.
  public var register: UInt32 { offset & 0x1FF }
}

/// One VM's page of registers (DeviceServer.md, "A register page").
public struct RegisterPage {
  public static let size: UInt64 = 0x1000
  /// Virtual CPUs that may wait.
  public static let processors = 8

  private let memory: MemoryView

  /// - Parameter memory: the page, from address 0 on.
  public init(_ memory: MemoryView) { self.memory = memory }

  /// What loads of a place read: 512 bytes from address 0 on.
  public func place(_ index: Int) -> MemoryView {
    memory.part(at: UInt64(index) &* 0x200, size: 0x200, start: 0)
  }

  /// Where guest address 0x4000_0000 lies on the bus.
  public var busAddress: UInt64 { memory.load64(0xE00) }
  /// Bytes from there on that the server sees.
  public var sharedSize: UInt64 { memory.load64(0xE08) }
  /// Where window 0 lies on the bus; 0: there are no windows.
  public var windows: UInt64 { memory.load64(0xE10) }
  /// `MachinePhase`.
  public var phase: UInt32 { memory.acquire32(0xE18) }

  /// The doorbells since the last time: bit n · 8 + q for queue q of place n.
  @inline(__always) public func takeDoorbells() -> UInt64 {
    memory.load64(0xE40) == 0 ? 0 : memory.exchange64(0xE40, 0)
  }

  /// What virtual CPU `index` waits for.
  @inline(__always) public func waitingStore(_ index: Int) -> WaitingStore? {
    let slot = 0xE80 &+ UInt64(index) &* 16
    guard memory.acquire32(slot &+ 12) == 1 else { return nil }
    return WaitingStore(offset: memory.load32(slot &+ 8), value: memory.load64(slot))
  }

  /// Its store has been answered; release the virtual CPU next.
  public func finishStore(_ index: Int) { memory.release32(0xE80 &+ UInt64(index) &* 16 &+ 12, 0) }

  /// Ticks of the counter that the VM has had on physical CPU `index`.
  public func ticks(_ index: Int) -> UInt64 { memory.load64(0xF00 &+ UInt64(index & 7) &* 8) }
  /// Exits of virtual CPU `index`.
  public func exits(_ index: Int) -> UInt64 { memory.load64(0xF40 &+ UInt64(index & 7) &* 8) }
}
