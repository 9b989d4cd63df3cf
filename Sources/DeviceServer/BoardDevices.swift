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

/// What the board has. It is looked up in the tree each time: that is done a few times at the start.
public struct BoardDevices {
  private let tree: Blob
  /// QEMU's fw_cfg; 0: there is none.
  public let firmwareConfiguration: UInt64
  /// A PL031; 0: there is none.
  public let clock: UInt64

  /// Reads a tree with two cells for an address and for a size.
  public init(_ tree: Blob) {
    self.tree = tree
    firmwareConfiguration = Self.first(.firmwareConfiguration, in: tree) { _ in true }.address
    clock = Self.first(.pl031, in: tree) { _ in true }.address
  }

  /// The device with this ID in the virtio-mmio slots, the one with `number` of its kind before it.
  public func device<Machine: ServerMachine>(
    _ kind: UInt32, number: Int = 0, of machine: Machine
  ) -> BoardDevice? {
    var left = number
    let device = Self.first(.virtioMMIO, in: tree) { device in
      guard DriverTransport(machine.registers(at: device.address)).device == kind else { return false }
      left &-= 1
      return left < 0
    }
    return device.address == 0 ? nil : device
  }

  /// The first device that a tree says is `compatible`, and for which a condition holds; one at address 0 if there is none.
  private static func first(
    _ compatible: TreeName, in blob: Blob, where isWanted: (BoardDevice) -> Bool
  ) -> BoardDevice {
    guard var tree = DeviceTree.walk(blob) else { return BoardDevice() }
    var node = DeviceNode()
    while true {
      switch tree.next() {
      case .beginNode: node = DeviceNode()
      case .property: node.read(tree.property, of: blob, compatible)
      case .endNode:
        if node.isCompatible, node.device.address != 0, isWanted(node.device) { return node.device }
        node = DeviceNode()
      case .end, .malformed: return BoardDevice()
      }
    }
  }
}

/// What a node says, whether it is of use or not.
private struct DeviceNode {
  var device = BoardDevice()
  var isCompatible = false

  mutating func read(_ property: DeviceTreeProperty, of blob: Blob, _ compatible: TreeName) {
    switch blob.treeName(at: property.name) {
    case .compatible: isCompatible = has(property, compatible, in: blob)
    case .reg where property.length >= 16: device.address = blob.number(at: property.value, cells: 2)
    case .interrupts where property.length >= 12: readInterrupt(property.value, of: blob)
    default: break
    }
  }

  /// Whether any of the strings in a property is this one.
  private func has(_ property: DeviceTreeProperty, _ name: TreeName, in blob: Blob) -> Bool {
    for offset in property.value..<property.value &+ property.length
    where offset == property.value || blob.byte(at: offset &- 1) == 0 {
      if blob.treeName(at: offset) == name { return true }
    }
    return false
  }

  /// Three cells: 0 for a shared interrupt, its number without the first 32, and how it is triggered.
  private mutating func readInterrupt(_ offset: Int, of blob: Blob) {
    let number = blob.cell(at: offset &+ 4)
    if blob.cell(at: offset) == 0, number < 64 { device.interrupt = 32 &+ number }
  }
}
