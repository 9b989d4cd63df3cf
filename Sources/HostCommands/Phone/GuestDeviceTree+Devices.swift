import Appliance

// What a client of the device server sees of it: places for virtio devices, a clock, a frame buffer
// (Documentation/DeviceServer.md).

extension GuestDeviceTree {
  /// What makes a VM a client of the device server.
  public struct Client: Equatable, Sendable {
    /// Bytes of the DMA window at `PhoneLimits.memoryBase`; nil where all memory is shared.
    public var window: UInt64?
    /// Guest address of its frame buffer, if it has a screen.
    public var frameBuffer: UInt64?
    var places: [VirtioPlace]

    /// What Linux must be told so that its devices' buffers and rings fill the DMA window, and nothing else does:
    /// bounce buffers of 2 KiB each (`swiotlb`), of which Linux takes a power of two; the rest for rings (`cma`); and
    /// no ordinary pages (`lowmem_reserve_ratio`).
    var linuxArguments: String? {
      window.map {
        let rings = MemorySharing.ringSize($0)
        return "swiotlb=\(($0 - rings) >> 11) cma=\(rings >> 20)M sysctl.vm.lowmem_reserve_ratio=1"
      }
    }
  }

  /// The names that nodes are found by again.
  static let frameBufferName = "simple-framebuffer"
  private static let rising: UInt32 = 1

  /// The DMA window as memory. Behind the main bank in the tree: loaders take the first bank for theirs.
  var windowMemory: DeviceTreeNode? { client?.window.map { Self.memory(at: PhoneLimits.memoryBase, $0) } }

  static func memory(at base: UInt64, _ size: UInt64) -> DeviceTreeNode {
    var node = DeviceTreeNode("memory@\(String(base, radix: 16))")
    node.set("device_type", "memory")
    node.set("reg", numbers: [base, size])
    return node
  }

  /// The devices; below a bus that reaches the DMA window only, where there is one.
  var virtioDevices: [DeviceTreeNode] {
    guard let client else { return [] }
    let devices = client.places.map(Self.virtio)
    guard let window = client.window, !devices.isEmpty else { return devices }
    var bus = DeviceTreeNode("bus")
    bus.set("compatible", "simple-bus")
    bus.set("#address-cells", cells: [2])
    bus.set("#size-cells", cells: [2])
    bus.set("ranges")
    bus.set("dma-ranges", numbers: [PhoneLimits.memoryBase, PhoneLimits.memoryBase, window])
    bus.children = devices
    return [bus]
  }

  /// Linux: Documentation/devicetree/bindings/virtio/mmio.yaml.
  private static func virtio(_ place: VirtioPlace) -> DeviceTreeNode {
    var node = DeviceTreeNode("virtio_mmio@\(String(place.guestAddress, radix: 16))")
    node.set("compatible", "virtio,mmio")
    node.set("reg", numbers: [place.guestAddress, VirtioPlace.registersSize])
    node.set("interrupts", cells: [Interrupt.shared, place.interrupt, rising])
    node.set("dma-coherent")
    return node
  }

  /// The PL031, which the device server keeps right.
  var realTimeClock: DeviceTreeNode {
    var node = DeviceTreeNode("pl031@9010000")
    node.set("compatible", "arm,pl031", "arm,primecell")
    node.set("reg", numbers: [0x901_0000, 0x1000])
    node.set("interrupts", cells: [Interrupt.shared, 2, Interrupt.levelHigh])
    node.set("clocks", cells: [Handle.clock])
    node.set("clock-names", "apb_pclk")
    return node
  }

  /// Linux: Documentation/devicetree/bindings/display/simple-framebuffer.yaml; below `/chosen`.
  static func frameBuffer(at address: UInt64) -> DeviceTreeNode {
    var node = DeviceTreeNode("framebuffer@\(String(address, radix: 16))")
    node.set("compatible", frameBufferName)
    node.set("reg", numbers: [address, Screen.size])
    node.set("width", cells: [Screen.width])
    node.set("height", cells: [Screen.height])
    node.set("stride", cells: [Screen.stride])
    node.set("format", "x8r8g8b8")
    return node
  }
}
