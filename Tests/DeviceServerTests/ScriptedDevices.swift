import DeviceServer
import ScriptedVirtio
import Virtio

/// A virtio disk with a partition table.
final class ScriptedDisk {
  struct Content {
    var sectors: UInt64 = 4096
    var partitions: [(name: String, first: UInt64, last: UInt64)] = [
      ("work.root", 100, 1123), ("personal.root", 2000, 2999), ("guest.root", 3000, 3007),
    ]
    var isSound = true
  }

  let device: LoopedDevice
  var data: [UInt8]
  var flushes = 0
  /// Requests seen: kind and sector.
  var requests: [(kind: UInt32, sector: UInt64)] = []
  /// Answers requests that came together last first.
  var isReversed = false
  /// Sectors that cannot be read or written.
  var broken: Set<UInt64> = []
  private let memory: MemoryView

  init(_ memory: MemoryView, _ content: Content) {
    self.memory = memory
    let features: UInt64 = Feature.version1 | 1 << 9 | 1 << 6
    device = LoopedDevice(
      DeviceOffer(device: DeviceKind.block, features: features, queues: 1, queueSize: 1024), memory: memory)
    device.registers.view.store64(0x100, content.sectors)
    device.registers.view.store32(0x114, 512)
    data = PartitionedDisk.bytes(content)
  }

  /// Does everything that is asked; answers whether there was anything, and so an interrupt.
  func run() -> Bool {
    guard device.transport.isLive else { return false }
    var chains: [(UInt16, UInt32)] = []
    while let chain = try? device.transport.queues[0].take(from: memory) {
      chains.append((chain.head, perform(chain)))
    }
    for (head, length) in isReversed ? chains.reversed() : chains {
      device.transport.queues[0].complete(head, length: length, in: memory)
    }
    return !chains.isEmpty
  }

  private func perform(_ chain: DescriptorChain) -> UInt32 {
    var chain = chain
    var segments: [Segment] = []
    while let segment = try? chain.segment(in: memory) { segments.append(segment) }
    let header = segments.removeFirst()
    let status = segments.removeLast()
    let kind = memory.load32(header.address)
    let sector = memory.load64(header.address + 8)
    requests.append((kind, sector))
    let isBroken = broken.contains(sector)
    if !isBroken { for (index, segment) in segments.enumerated() { move(segment, index, segments, sector) } }
    if kind == 4 { flushes += 1 }
    memory.store8(status.address, isBroken ? 1 : 0)
    return segments.filter(\.isWritable).reduce(1) { $0 + $1.length }
  }

  private func move(_ segment: Segment, _ index: Int, _ segments: [Segment], _ sector: UInt64) {
    let before = segments[..<index].reduce(0) { $0 + Int($1.length) }
    let place = Int(sector) * 512 + before
    for offset in 0..<Int(segment.length) {
      let address = segment.address + UInt64(offset)
      if segment.isWritable {
        memory.store8(address, data[place + offset])
      } else {
        data[place + offset] = memory.load8(address)
      }
    }
  }
}

/// Lays out a GUID partition table.
enum PartitionedDisk {
  static func bytes(_ content: ScriptedDisk.Content) -> [UInt8] {
    var data = [UInt8](repeating: 0, count: Int(content.sectors) * 512)
    for (index, partition) in content.partitions.enumerated() {
      let place = 2 * 512 + index * 128
      data[place] = 1
      put(&data, place + 32, partition.first, 8)
      put(&data, place + 40, partition.last, 8)
      for (offset, character) in partition.name.utf8.enumerated() { data[place + 56 + offset * 2] = character }
    }
    header(&data, content)
    return data
  }

  private static func header(_ data: inout [UInt8], _ content: ScriptedDisk.Content) {
    for (offset, character) in "EFI PART".utf8.enumerated() { data[512 + offset] = character }
    let fields: [(Int, UInt64, Int)] = [
      (8, 0x1_0000, 4), (12, 92, 4), (24, 1, 8), (32, content.sectors - 1, 8), (40, 34, 8),
      (48, content.sectors - 34, 8), (72, 2, 8), (80, 128, 4), (84, 128, 4),
      (88, UInt64(sum(data[1024..<1024 + 16384])), 4),
    ]
    for (offset, value, size) in fields { put(&data, 512 + offset, value, size) }
    put(&data, 512 + 16, UInt64(sum(data[512..<604])), 4)
    if !content.isSound { data[1024 + 56] ^= 1 }
  }

  private static func put(_ data: inout [UInt8], _ place: Int, _ value: UInt64, _ size: Int) {
    for index in 0..<size { data[place + index] = UInt8(truncatingIfNeeded: value >> (index * 8)) }
  }

  private static func sum(_ bytes: ArraySlice<UInt8>) -> UInt32 {
    var check = CyclicRedundancyCheck()
    for byte in bytes { check.add(byte) }
    return check.value
  }
}

/// A virtio network interface.
final class ScriptedInterface {
  let device: LoopedDevice
  var sent: [[UInt8]] = []
  /// Frames that are still to come in.
  var incoming: [[UInt8]] = []
  private let memory: MemoryView

  init(_ memory: MemoryView) {
    self.memory = memory
    device = LoopedDevice(
      DeviceOffer(device: DeviceKind.network, features: Feature.version1 | 1 << 5, queues: 2, queueSize: 1024),
      memory: memory)
  }

  func run() -> Bool {
    guard device.transport.isLive else { return false }
    var hasWorked = false
    while let chain = try? device.transport.queues[1].take(from: memory) {
      sent.append(Array(bytes(chain).dropFirst(12)))
      device.transport.queues[1].complete(chain.head, length: 0, in: memory)
    }
    while !incoming.isEmpty, let chain = try? device.transport.queues[0].take(from: memory) {
      receive(incoming.removeFirst(), chain)
      hasWorked = true
    }
    return hasWorked
  }

  private func bytes(_ chain: DescriptorChain) -> [UInt8] {
    var chain = chain
    var bytes: [UInt8] = []
    while let segment = try? chain.segment(in: memory) {
      bytes += (0..<UInt64(segment.length)).map { memory.load8(segment.address + $0) }
    }
    return bytes
  }

  private func receive(_ frame: [UInt8], _ chain: DescriptorChain) {
    var walk = chain
    guard let segment = try? walk.segment(in: memory) else { return }
    for (offset, byte) in ([UInt8](repeating: 0, count: 12) + frame).enumerated() {
      memory.store8(segment.address + UInt64(offset), byte)
    }
    device.transport.queues[0].complete(chain.head, length: UInt32(frame.count + 12), in: memory)
  }
}

/// A virtio entropy device whose bytes count up.
final class ScriptedEntropy {
  let device: LoopedDevice
  private var next: UInt8 = 1
  private let memory: MemoryView

  init(_ memory: MemoryView) {
    self.memory = memory
    device = LoopedDevice(
      DeviceOffer(device: DeviceKind.entropy, features: Feature.version1, queues: 1, queueSize: 8),
      memory: memory)
  }

  func run() -> Bool {
    guard device.transport.isLive, let chain = try? device.transport.queues[0].take(from: memory) else {
      return false
    }
    var walk = chain
    guard let segment = try? walk.segment(in: memory) else { return false }
    for offset in 0..<UInt64(100) {
      memory.store8(segment.address + offset, next)
      next = next % 250 + 1
    }
    device.transport.queues[0].complete(chain.head, length: 100, in: memory)
    return true
  }
}
