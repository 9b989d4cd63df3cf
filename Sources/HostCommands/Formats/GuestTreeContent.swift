import Appliance
import Foundation

/// What the device tree of a VM says about windows, keys and devices, read back from a device image.
struct GuestTreeContent {
  /// Its frame buffer's not counted.
  let windows: [GuestDeviceTree.SharedWindow]
  let hasKey: Bool
  /// What the device server serves, a node for every VM; empty in the trees of others.
  let served: [DeviceTreeNode]

  /// - Throws: `InputError` where the VM has no device tree, or one that contradicts its record.
  init(of machine: VirtualMachineRecord, in image: ImageFile) throws {
    let path = image.file.path
    let name = machine.nameText
    let placed = (0..<Int(machine.segmentCount)).map { machine.segments[$0] }
    guard let segment = placed.first(where: { $0.guestAddress == machine.argument }) else {
      throw InputError("\(path): VM `\(name)` has no device tree")
    }
    let start = Int(segment.sourceOffset)
    let data = image.file.data.subdata(in: start..<start + Int(segment.size))
    let root = try DeviceTreeNode(reading: InputFile(path: "\(path) (device tree of `\(name)`)", data: data))
    windows = root.children.compactMap(\.sharedWindow)
    hasKey = root.node("chosen")?.property(GuestDeviceTree.keyName) != nil
    served = root.node(DeviceServerNode.name)?.children ?? []
    let screen = root.node("chosen")?.children.compactMap(\.frameBuffer) ?? []
    guard Self.bits(windows + screen) == machine.readableWindows,
      Self.bits(windows.filter(\.isWritable) + screen) == machine.writableWindows
    else { throw InputError("\(path): VM `\(name)`: record and device tree disagree about its windows") }
    let shared = root.node("memory@40000000")?.number("reg", 2, cells: 2) ?? 0
    guard machine.sharing != Sharing.window || shared == UInt64(machine.windowSize) * PhoneLimits.memoryGranule
    else { throw InputError("\(path): VM `\(name)`: record and device tree disagree about its memory") }
  }

  /// A bit for each window, by number; nil when there are windows elsewhere.
  private static func bits(_ windows: [GuestDeviceTree.SharedWindow]) -> UInt8? {
    windows.reduce(0) { bits, window in
      let index = (0..<PhoneLimits.windows).first {
        WindowDescription.guestAddress(of: $0) == window.guestAddress
      }
      guard let bits, let index else { return nil }
      return bits | 1 << UInt8(index)
    }
  }
}

extension DeviceTreeNode {
  /// A frame buffer as the window that it is the beginning of.
  fileprivate var frameBuffer: GuestDeviceTree.SharedWindow? {
    guard string("compatible") == GuestDeviceTree.frameBufferName, cell("reg", 1) != nil else { return nil }
    return GuestDeviceTree.SharedWindow(
      name: "screen", guestAddress: number("reg", 0, cells: 2), isWritable: true)
  }

  fileprivate var sharedWindow: GuestDeviceTree.SharedWindow? {
    guard string("compatible") == GuestDeviceTree.windowName, cell("reg", 1) != nil
    else { return nil }
    return GuestDeviceTree.SharedWindow(
      name: string("label") ?? "?", guestAddress: number("reg", 0, cells: 2),
      isWritable: property("read-only") == nil)
  }
}
