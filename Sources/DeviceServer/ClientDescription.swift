// What the server's own device tree says about the VMs (DeviceServer.md, "What the host tool tells the server").

import Appliance

/// A text in the server's device tree.
public struct TreeText: Equatable, Sendable {
  /// Of its first byte in the blob.
  public let offset: Int
  /// Bytes, without the zero at the end; 0: there is none.
  public let length: Int

  public static let none = TreeText(offset: 0, length: 0)

  init(offset: Int, length: Int) {
    self.offset = offset
    self.length = length
  }

  /// A string property's value.
  init(_ property: DeviceTreeProperty) {
    offset = property.value
    length = max(property.length &- 1, 0)
  }
}

/// One VM as the tool describes it.
public struct ClientDescription {
  /// Whether there is a node for it.
  public var isThere = false
  public var label = TreeText.none
  /// Bytes of RAM.
  public var memory: UInt64 = 0
  /// The partition served as its disk.
  public var partition = TreeText.none
  public var isReadOnly = false
  public var hasNetwork = false
  /// The first byte in bits 7:0.
  public var hardwareAddress: UInt64 = 0
  /// VMs that it may exchange frames with, a bit each.
  public var reach: UInt32 = 0
  public var reachesHost = false
  public var hasConsole = false
  /// The VM that answers at its port `vault`; nil: it has no such port.
  public var vault: Int?
  /// Whether its requests there go on to the vault.
  public var mayPay = false
  /// The window in which it answers others' requests, as their vault; 0: it is no vault.
  public var mailbox: UInt32 = 0
  public var hasEntropy = false
  /// The window with its frame buffer; 0: it has no screen.
  public var screen: UInt32 = 0
  /// 0xRRGGBB.
  public var colour: UInt32 = 0

  public init() {}

  mutating func read(_ property: DeviceTreeProperty, of blob: Blob) {
    let number = blob.cell(at: property.value)
    switch blob.treeName(at: property.name) {
    case .label: label = TreeText(property)
    case .memory: memory = blob.number(at: property.value, cells: 2)
    case .partition: partition = TreeText(property)
    case .readOnly: isReadOnly = true
    case .network: hasNetwork = true
    case .mac: hardwareAddress = Self.hardwareAddress(property, of: blob)
    case .reach: reach = number
    case .host: reachesHost = true
    case .console: hasConsole = true
    case .vault: vault = number < 8 ? Int(number) : nil
    case .mayPay: mayPay = true
    case .mailbox: mailbox = number < 8 ? number : 0
    case .entropy: hasEntropy = true
    case .screen: screen = number
    case .colour: colour = number
    default: break
    }
  }

  private static func hardwareAddress(_ property: DeviceTreeProperty, of blob: Blob) -> UInt64 {
    var address: UInt64 = 0
    for index in 0..<min(property.length, 6) {
      address |= UInt64(blob.byte(at: property.value &+ index)) &<< UInt64(index &* 8)
    }
    return address
  }
}

/// The node `device-server`.
public struct ServerDescription {
  /// By place in the phone.
  public var clients = InlineArray<8, ClientDescription>(repeating: ClientDescription())
  /// Where the copy of the board's device tree lies; 0: nowhere.
  public var boardTree: UInt64 = 0

  public init(_ blob: Blob) {
    guard var tree = DeviceTree.walk(blob) else { return }
    var depth = 0
    var serverDepth = 0
    var client = 8
    while true {
      switch tree.next() {
      case .beginNode:
        depth &+= 1
        if serverDepth == 0, blob.treeName(at: tree.value) == .deviceServer { serverDepth = depth }
        client = depth == serverDepth &+ 1 && serverDepth != 0 ? Self.place(tree.value, of: blob) : 8
      case .endNode:
        depth &-= 1
        client = 8
        if depth < serverDepth { return }
      case .property where client < 8:
        clients[client].isThere = true
        clients[client].read(tree.property, of: blob)
      case .property where serverDepth != 0 && depth == serverDepth:
        if blob.treeName(at: tree.propertyName) == .boardTree {
          boardTree = blob.number(at: tree.value, cells: 2)
        }
      case .property: continue
      case .end, .malformed: return
      }
    }
  }

  /// The number in a node's name `vm@N`; 8: it is no such node.
  private static func place(_ name: Int, of blob: Blob) -> Int {
    guard blob.byte(at: name) == UInt8(ascii: "v"), blob.byte(at: name &+ 1) == UInt8(ascii: "m"),
      blob.byte(at: name &+ 2) == UInt8(ascii: "@"), blob.byte(at: name &+ 4) == 0
    else { return 8 }
    return Int(min(blob.byte(at: name &+ 3) &- 48, 8))
  }
}
