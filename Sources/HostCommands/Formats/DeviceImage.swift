import Appliance
import Foundation

/// Makes the device image of a phone: the FIT that the hypervisor is handed as its ramdisk.
public struct DeviceImage: Sendable {
  public let tree: ImageTree

  /// Name of the image that holds the phone record.
  static let phoneName = "phone"

  /// - Throws: `InputError` when the phone does not fit the board.
  public init(_ layout: PhoneLayout) throws {
    var builder = ImageBuilder()
    for machine in layout.machines { builder.add(machine) }
    // The record's size does not depend on its content, so the positions of all data are known before it.
    let blank = builder.tree(
      record: Data(count: PhoneHeader.size + layout.machines.count * VirtualMachineRecord.size))
    let positions = Dictionary(uniqueKeysWithValues: zip(blank.images.map(\.name), blank.positions))
    tree = builder.tree(record: builder.record(layout, positions: positions))
    try layout.checkMemory(imageSize: tree.size)
  }
}

/// Collects the contents of a phone; the same content of several VMs is stored once.
private struct ImageBuilder {
  private var images: [ImageTree.Image] = []
  private var configurations: [ImageTree.Configuration] = []
  /// The names of the images that are copied into each VM, with their addresses.
  private var placed: [[(image: String, content: PlacedContent)]] = []

  mutating func add(_ machine: MachineLayout) {
    var parts = [("kernel", "kernel", machine.kernel), ("fdt", "flat_dt", machine.deviceTree)]
    if let ramdisk = machine.ramdisk { parts.append(("ramdisk", "ramdisk", ramdisk)) }
    let stored = parts.map { part, type, content in
      (
        part: part, image: store(content, type: type, name: "\(part)-\(machine.name)", machine.architecture),
        content: content
      )
    }
    placed.append(stored.map { ($0.image, $0.content) })
    configurations.append(
      .init(
        machine.name, "VM \(machine.name)",
        parts: stored.map { ($0.part, $0.image) } + [("loadables", DeviceImage.phoneName)]))
  }

  /// The name of the image with this content, which is added where there is none yet.
  private mutating func store(
    _ content: PlacedContent, type: String, name: String, _ architecture: Architecture
  ) -> String {
    let isKernel = type == "kernel"
    let image = ImageTree.Image(
      name, name, type: type, operatingSystem: type == "flat_dt" ? nil : "linux",
      loadAddress: isKernel ? content.guestAddress : nil, architecture: architecture, data: content.content)
    if let known = images.first(where: { $0.type == type && $0.digest == image.digest }) { return known.name }
    images.append(image)
    return name
  }

  func tree(record: Data) -> ImageTree {
    let phone = ImageTree.Image(DeviceImage.phoneName, "Phone record", type: "firmware", data: record)
    return ImageTree(description: "Pocketvisor phone", images: [phone] + images, configurations: configurations)
  }

  /// Header and one record per VM.
  func record(_ layout: PhoneLayout, positions: [String: Int]) -> Data {
    var random = SystemRandomNumberGenerator()
    let entropy = InlineArray<4, UInt64> { _ in random.next() }
    let header = PhoneHeader(
      virtualMachineCount: UInt32(layout.machines.count),
      interruptControllerGeneration: UInt32(layout.board.interruptControllerGeneration), entropy: entropy,
      deviceServer: UInt8(layout.machines.firstIndex(where: \.isDeviceServer).map { $0 + 1 } ?? 0),
      windowCount: UInt8(layout.windows.count))
    return zip(layout.machines, placed).reduce(into: header.bytes) { data, machine in
      let segments = machine.1.map { image, content in
        SegmentRecord(
          sourceOffset: UInt64(positions[image]!), size: UInt64(content.content.count),
          guestAddress: content.guestAddress)
      }
      let boardTree = machine.0.isDeviceServer ? [SegmentRecord.placedBoardTree] : []
      data += VirtualMachineRecord(machine.0, segments: segments + boardTree).bytes
    }
  }
}

extension SegmentRecord {
  /// The board's device tree, for the device server.
  static var placedBoardTree: SegmentRecord {
    SegmentRecord(
      sourceOffset: boardTree, size: DeviceServerNode.boardTreeSize, guestAddress: DeviceServerNode.boardTree)
  }
}

extension VirtualMachineRecord {
  fileprivate init(_ machine: MachineLayout, segments: [SegmentRecord]) {
    self.init()
    setName(machine.name)
    memoryBase = machine.memoryBase
    memorySize = machine.memory.bytes
    entry = machine.entry
    argument = machine.deviceTree.guestAddress
    virtualCPUCount = UInt8(machine.placement.count)
    priority = UInt8(machine.priority)
    restartPolicy = machine.restart.policyCode
    restartLimit = UInt8(machine.restart.limit)
    restartDelay = UInt16(machine.restart.delay)
    budget = UInt32(machine.budget?.microseconds ?? 0)
    period = UInt32((machine.budget?.period ?? 0) * 1000)
    partners = machine.access.partners
    readableWindows = machine.access.readableWindows
    writableWindows = machine.access.writableWindows
    sharing = machine.sharing?.code ?? Sharing.none
    executionState = machine.architecture.executionState
    windowSize = UInt8((machine.sharing?.window?.bytes ?? 0) / PhoneLimits.memoryGranule)
    for (index, cpu) in machine.placement.enumerated() { placement[index] = UInt8(cpu) }
    segmentCount = UInt8(segments.count)
    for (index, segment) in segments.enumerated() { self.segments[index] = segment }
    seedCount = UInt8(machine.seeds.count)
    for (index, seed) in machine.seeds.enumerated() {
      seeds[index] = SeedRecord(guestAddress: seed.guestAddress, size: UInt64(seed.size))
    }
  }
}
