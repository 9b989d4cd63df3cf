// The board's devices that the server uses, found in the copy of the board's device tree.

import Appliance
import Virtio

/// A device's registers and interrupt.
public struct BoardDevice: Equatable, BitwiseCopyable {
  /// On the bus; 0: there is none.
  public var address: UInt64 = 0
  /// Number of its interrupt, 32…95; 0: none that the server may have.
  public var interrupt: UInt32 = 0

  /// The interrupt's bit in `ServerEvents.devices`; 0: none.
  public var event: UInt64 { interrupt < 32 ? 0 : 1 &<< UInt64(interrupt &- 32) }
}

/// What the board has.
public struct BoardDevices {
  public static let slotLimit = 32

  /// virtio-mmio slots in the order of the tree; most are empty.
  public private(set) var slots = InlineArray<32, BoardDevice>(repeating: BoardDevice())
  public private(set) var slotCount = 0
  /// QEMU's fw_cfg.
  public private(set) var firmwareConfiguration: UInt64 = 0
  /// A PL031.
  public private(set) var clock: UInt64 = 0

  /// Reads a tree whose devices are children of the root or of a bus, with two cells for an address and for a size.
  public init(_ blob: Blob) {
    guard var tree = DeviceTree(blob) else { return }
    var node = DeviceNode()
    while true {
      switch tree.next() {
      case .beginNode:
        node = DeviceNode()
      case .property(let property):
        node.read(property, of: blob)
      case .endNode:
        add(node)
        node = DeviceNode()
      case .end, .malformed: return
      }
    }
  }

  /// The device with this ID in the slots, the one with `number` of its kind before it.
  public func device<Machine: ServerMachine>(
    _ kind: UInt32, number: Int = 0, of machine: Machine
  ) -> BoardDevice? {
    var left = number
    for index in 0..<slotCount {
      let slot = slots[index & 31]
      guard DriverTransport(machine.registers(at: slot.address)).device == kind else { continue }
      if left == 0 { return slot }
      left &-= 1
    }
    return nil
  }

  private mutating func add(_ node: DeviceNode) {
    if node.isClock, clock == 0 { clock = node.device.address }
    if node.isFirmwareConfiguration { firmwareConfiguration = node.device.address }
    if node.isSlot, slotCount < Self.slotLimit {
      slots[slotCount] = node.device
      slotCount &+= 1
    }
  }
}

/// What a node says, whether it is of use or not.
private struct DeviceNode {
  var device = BoardDevice()
  var isSlot = false
  var isClock = false
  var isFirmwareConfiguration = false

  mutating func read(_ property: DeviceTreeProperty, of blob: Blob) {
    switch blob.name(at: property.name) {
    case .compatible: readCompatible(property, of: blob)
    case .reg where property.length >= 16: device.address = blob.number(at: property.value, cells: 2)
    case .interrupts where property.length >= 12: readInterrupt(property.value, of: blob)
    default: break
    }
  }

  /// Any of the strings in it counts.
  private mutating func readCompatible(_ property: DeviceTreeProperty, of blob: Blob) {
    for offset in property.value..<property.value &+ property.length
    where offset == property.value || blob.byte(at: offset &- 1) == 0 {
      switch blob.name(at: offset) {
      case .virtioMMIO: isSlot = true
      case .pl031: isClock = true
      case .firmwareConfiguration: isFirmwareConfiguration = true
      default: break
      }
    }
  }

  /// Three cells: 0 for a shared interrupt, its number without the first 32, and how it is triggered.
  private mutating func readInterrupt(_ offset: Int, of blob: Blob) {
    let number = blob.cell(at: offset &+ 4)
    if blob.cell(at: offset) == 0, number < 64 { device.interrupt = 32 &+ number }
  }
}
