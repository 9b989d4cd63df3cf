import Appliance
import Foundation

/// What the tool must know about a board to lay a phone out for it. Everything else the hypervisor reads
/// from the board's own device tree.
public struct BoardDescription: Equatable, Sendable {
  public var name: String
  public var memory: MemorySize
  /// Where its memory begins.
  public var memoryBase: UInt64
  /// CPUs that the hypervisor can use; at most 8.
  public var cpus: Int
  /// Generation of the interrupt controller: 2 or 3.
  public var interruptControllerGeneration: Int
  /// Whether its CPUs have virtualization extensions, and with them a generic timer.
  public var hasVirtualizationExtensions: Bool

  public init(
    name: String, memory: MemorySize, memoryBase: UInt64, cpus: Int, interruptControllerGeneration: Int,
    hasVirtualizationExtensions: Bool = true
  ) {
    self.hasVirtualizationExtensions = hasVirtualizationExtensions
    self.name = name
    self.memory = memory
    self.memoryBase = memoryBase
    self.cpus = cpus
    self.interruptControllerGeneration = interruptControllerGeneration
  }

  /// QEMU's `virt` board.
  /// - Parameter gic: the generation of its interrupt controller.
  public static func virt(cpus: Int, memory: MemorySize, gic: Int = 3) -> BoardDescription {
    BoardDescription(
      name: "QEMU virt", memory: memory, memoryBase: 0x4000_0000, cpus: cpus, interruptControllerGeneration: gic
    )
  }

  /// Reads a board's device tree.
  /// - Parameter memory: what a board without virtualization extensions has where its tree does not say it, because the
  ///   boot loader or QEMU adds that.
  /// - Throws: `InputError` that says what the board lacks.
  public init(reading file: InputFile, memory otherwise: MemorySize? = nil) throws {
    let root = try DeviceTreeNode(reading: file)
    name = root.string("model") ?? file.path
    hasVirtualizationExtensions = !root.hasNarrowInterruptController
    let banks = Self.memory(of: root)
    let said = MemorySize(bytes: banks.reduce(0) { $0 &+ $1.size })
    memory = said.bytes == 0 && !hasVirtualizationExtensions ? otherwise ?? said : said
    memoryBase = banks.map(\.base).min() ?? 0
    guard memory.bytes > 0 else {
      throw InputError(
        "\(file.path): the board's device tree has no memory: "
          + (hasVirtualizationExtensions ? "add a memory node" : "say how much there is with --memory"))
    }
    let found =
      root.node("cpus")?.children.filter { $0.string("device_type") == "cpu" && $0.isEnabled }.count ?? 0
    guard found > 0 else { throw InputError("\(file.path): the board's device tree has no CPU") }
    cpus = min(found, PhoneLimits.physicalCPUs)
    guard let generation = root.interruptControllerGeneration else {
      throw InputError("\(file.path): the board has no GICv2 or GICv3")
    }
    interruptControllerGeneration = generation
  }

  private static func memory(of root: DeviceTreeNode) -> [(base: UInt64, size: UInt64)] {
    let address = Int(root.cell("#address-cells") ?? 2)
    let size = Int(root.cell("#size-cells") ?? 1)
    guard (1...2).contains(address), (1...2).contains(size) else { return [] }
    return root.children.filter { $0.string("device_type") == "memory" && $0.isEnabled }.flatMap {
      $0.ranges(address: address, size: size)
    }
  }
}

extension DeviceTreeNode {
  fileprivate var isEnabled: Bool { ["okay", "ok"].contains(string("status") ?? "okay") }

  /// What `reg` says, its addresses and sizes having so many cells.
  fileprivate func ranges(address: Int, size: Int) -> [(base: UInt64, size: UInt64)] {
    let cells = (property("reg")?.value.count ?? 0) / 4
    return stride(from: 0, through: cells - address - size, by: address + size).map { start in
      (number("reg", start, cells: address), number("reg", start + address, cells: size))
    }
  }

  /// Whether a device of the board is an interrupt controller that boards without virtualization extensions have.
  fileprivate var hasNarrowInterruptController: Bool {
    !Set(strings("compatible")).isDisjoint(with: ["arm,cortex-a9-gic", "allwinner,sun4i-a10-ic"])
      || children.contains(where: \.hasNarrowInterruptController)
  }

  /// Of the first GIC found, depth first.
  fileprivate var interruptControllerGeneration: Int? {
    let compatible = strings("compatible")
    if compatible.contains("arm,gic-v3") { return 3 }
    if !Set(compatible).isDisjoint(with: [
      "arm,gic-400", "arm,cortex-a15-gic", "arm,cortex-a9-gic", "allwinner,sun4i-a10-ic",
    ]) {
      return 2
    }
    return children.lazy.compactMap(\.interruptControllerGeneration).first
  }
}
