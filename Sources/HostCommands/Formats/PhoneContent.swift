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
    for (index, machine) in machines.enumerated() { try machine.checkRules(index, of: count, path) }
    trees = try machines.map { try GuestTreeContent(of: $0, in: image) }
  }
}

extension VirtualMachineRecord {
  private var memory: Range<UInt64>? {
    let end = memoryBase.addingReportingOverflow(memorySize)
    let isAligned = (memoryBase | memorySize) % PhoneLimits.memoryGranule == 0
    guard !end.overflow, isAligned, memorySize > 0, end.partialValue <= PhoneLimits.guestAddressEnd else {
      return nil
    }
    return memoryBase..<end.partialValue
  }

  /// The checks that the hypervisor makes before it follows the record, and that its segments are images.
  fileprivate func check(in image: ImageFile) throws {
    let subject = "\(image.file.path): the record of VM `\(nameText)` is damaged"
    guard let memory, memory.contains(entry), memory.contains(argument) else {
      throw InputError("\(subject): its memory")
    }
    guard (1...PhoneLimits.virtualCPUsPerMachine).contains(Int(virtualCPUCount)) else {
      throw InputError("\(subject): its CPUs")
    }
    guard segmentCount <= PhoneLimits.segments, seedCount <= PhoneLimits.seeds else {
      throw InputError("\(subject): its counts")
    }
    for index in 0..<Int(segmentCount) {
      guard segments[index].isContained(in: memory), image.holds(segments[index]) else {
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
  fileprivate func checkRules(_ index: Int, of count: Int, _ path: String) throws {
    let subject = "\(path): the record of VM `\(nameText)` is damaged"
    guard budget <= period, (budget == 0) == (period == 0), period <= 1_000_000, period % 1000 == 0 else {
      throw InputError("\(subject): its budget")
    }
    guard restartPolicy <= RestartPolicy.always, restartDelay <= 60_000 else {
      throw InputError("\(subject): its restart rule")
    }
    let others = ((1 << count) - 1) & ~(1 << index)
    guard Int(partners) & ~others == 0 else { throw InputError("\(subject): the VMs that it calls") }
    guard writableWindows & ~readableWindows == 0 else { throw InputError("\(subject): its windows") }
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
