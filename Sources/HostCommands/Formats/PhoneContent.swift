import Appliance
import Foundation

/// The phone record of a device image, read back and checked.
public struct PhoneContent {
  public let header: PhoneHeader
  public let machines: [VirtualMachineRecord]
  /// What the device tree of each VM tells it besides what the record says.
  let trees: [GuestTreeContent]

  /// - Throws: `InputError` when the image is no device image, or its record cannot be followed.
  public init(_ image: ImageFile) throws {
    let path = image.file.path
    guard let entry = image.entry(DeviceImage.phoneName), let header = PhoneHeader(image.data(of: entry)) else {
      throw InputError("\(path): is no device image: it has no phone record")
    }
    guard entry.range.lowerBound == PhoneHeader.offset(treeSize: UInt32(image.file.treeSize)) else {
      throw InputError("\(path): the device would not find its phone record: it is not the first data")
    }
    guard header.magic == PhoneHeader.expectedMagic else {
      throw InputError("\(path): its phone record has another format")
    }
    let count = Int(header.virtualMachineCount)
    let data = image.data(of: entry).dropFirst(PhoneHeader.size)
    guard (1...PhoneLimits.virtualMachines).contains(count), data.count == count * VirtualMachineRecord.size
    else {
      throw InputError("\(path): its phone record is damaged: \(count) VMs in \(data.count) bytes")
    }
    self.header = header
    machines = (0..<count).compactMap { VirtualMachineRecord(data.dropFirst($0 * VirtualMachineRecord.size)) }
    for machine in machines { try machine.check(in: image) }
    for (index, machine) in machines.enumerated() { try machine.checkRules(index, header, path) }
    guard Int(header.deviceServer) <= count, Int(header.windowCount) <= PhoneLimits.windows else {
      throw InputError("\(path): its phone record is damaged: its device server or windows")
    }
    trees = try machines.map { try GuestTreeContent(of: $0, in: image) }
  }
}

extension VirtualMachineRecord {
  var architecture: Architecture? { Architecture(executionState: executionState) }

  private var memory: Range<UInt64>? {
    let end = memoryBase.addingReportingOverflow(memorySize)
    let isAligned = (memoryBase | memorySize) % PhoneLimits.memoryGranule == 0
    guard let architecture, !end.overflow, isAligned, memorySize > 0,
      end.partialValue <= architecture.addressEnd
    else { return nil }
    return memoryBase..<end.partialValue
  }

  /// The checks that the hypervisor makes before it follows the record, and that its segments are images.
  fileprivate func check(in image: ImageFile) throws {
    let subject = "\(image.file.path): the record of VM `\(nameText)` is damaged"
    guard let memory, memory.contains(entry), memory.contains(argument) else {
      throw InputError("\(subject): its memory or execution state")
    }
    guard (1...PhoneLimits.virtualCPUsPerMachine).contains(Int(virtualCPUCount)) else {
      throw InputError("\(subject): its CPUs")
    }
    guard segmentCount <= PhoneLimits.segments, seedCount <= PhoneLimits.seeds else {
      throw InputError("\(subject): its counts")
    }
    for index in 0..<Int(segmentCount) {
      guard segments[index].isContained(in: memory),
        image.holds(segments[index]) || segments[index].sourceOffset == SegmentRecord.boardTree
      else {
        throw InputError("\(subject): segment \(index)")
      }
    }
    for index in 0..<Int(seedCount) {
      guard memory.holds(seeds[index].guestAddress, seeds[index].size) else {
        throw InputError("\(subject): seed \(index)")
      }
    }
  }
}

extension VirtualMachineRecord {
  /// What the record says about the VM's time, end and neighbours.
  fileprivate func checkRules(_ index: Int, _ header: PhoneHeader, _ path: String) throws {
    let subject = "\(path): the record of VM `\(nameText)` is damaged"
    guard budget <= period, (budget == 0) == (period == 0), period <= 1_000_000, period % 1000 == 0 else {
      throw InputError("\(subject): its budget")
    }
    guard restartPolicy <= RestartPolicy.always, restartDelay <= 60_000 else {
      throw InputError("\(subject): its restart rule")
    }
    let others = ((1 << Int(header.virtualMachineCount)) - 1) & ~(1 << index)
    guard Int(partners) & ~others == 0 else { throw InputError("\(subject): the VMs that it calls") }
    guard writableWindows & ~readableWindows == 0, Int(readableWindows) >> Int(header.windowCount) == 0 else {
      throw InputError("\(subject): its windows")
    }
    let isServer = Int(header.deviceServer) == index + 1
    guard isServer ? isDeviceServer : !hasBoardTree && isClient(of: header) else {
      throw InputError("\(subject): what it has of the device server")
    }
  }

  private var hasBoardTree: Bool {
    (0..<Int(segmentCount)).contains { segments[$0].sourceOffset == SegmentRecord.boardTree }
  }

  /// One CPU, the board's tree and the window of its state, and no client.
  private var isDeviceServer: Bool {
    virtualCPUCount == 1 && hasBoardTree && writableWindows & 1 != 0
      && (sharing, windowSize) == (Sharing.none, 0)
  }

  /// What a VM shares must be one of three things, and needs a server unless it is nothing.
  private func isClient(of header: PhoneHeader) -> Bool {
    switch sharing {
    case Sharing.none: windowSize == 0
    case Sharing.window: header.deviceServer != 0 && windowSize != 0 && memoryBase == PhoneLimits.mainBase
    case Sharing.all: header.deviceServer != 0 && windowSize == 0
    default: false
    }
  }
}

extension SegmentRecord {
  fileprivate func isContained(in memory: Range<UInt64>) -> Bool { memory.holds(guestAddress, size) }
}

extension ImageFile {
  fileprivate func holds(_ segment: SegmentRecord) -> Bool {
    entries.contains {
      UInt64($0.range.lowerBound) == segment.sourceOffset && UInt64($0.range.count) == segment.size
    }
  }
}

extension Range<UInt64> {
  /// Whether `size` bytes from `address` on lie inside.
  fileprivate func holds(_ address: UInt64, _ size: UInt64) -> Bool {
    let end = address.addingReportingOverflow(size)
    return !end.overflow && address >= lowerBound && end.partialValue <= upperBound
  }
}
