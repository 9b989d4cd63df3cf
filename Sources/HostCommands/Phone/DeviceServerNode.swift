import Appliance

/// What the device server is told about the phone: a node of its device tree (Documentation/DeviceServer.md).
struct DeviceServerNode {
  static let name = "device-server"
  /// Where the copy of the board's device tree goes: between the server's own tree and its kernel.
  static let boardTree: UInt64 = PhoneLimits.memoryBase + 0x10_0000
  /// The longest tree of a board that there is room for.
  static let boardTreeSize: UInt64 = 512 << 10

  let phone: PhoneDescription
  /// Bytes of RAM of each VM, the DMA window included.
  let memory: [UInt64]

  var node: DeviceTreeNode {
    var node = DeviceTreeNode(Self.name)
    node.set("compatible", "pocketvisor,device-server")
    node.set("#address-cells", cells: [1])
    node.set("#size-cells", cells: [0])
    node.set("board-tree", numbers: [Self.boardTree])
    node.children = phone.virtualMachines.indices.map(machine)
    return node
  }

  private func machine(_ index: Int) -> DeviceTreeNode {
    let machine = phone.virtualMachines[index]
    var node = DeviceTreeNode("vm@\(index)")
    node.set("reg", cells: [UInt32(index)])
    node.set("label", machine.name)
    node.set("memory", numbers: [memory[index]])
    if let devices = machine.rules.devices { add(devices, of: machine, at: index, to: &node) }
    return node
  }

  private func add(
    _ devices: ClientDevices, of machine: VirtualMachineDescription, at index: Int,
    to node: inout DeviceTreeNode
  ) {
    if let disk = devices.disk {
      node.set("partition", disk.name)
      if disk.isReadOnly { node.set("read-only") }
    }
    if let network = devices.network {
      node.set("network")
      node.set("mac", bytes: Self.mac(of: index))
      node.set("reach", cells: [reach(of: machine)])
      if network.reachesHost { node.set("host") }
    }
    if devices.hasConsole { node.set("console") }
    if let vault = devices.vault { node.set("vault", cells: [place(of: vault)]) }
    if devices.hasEntropy { node.set("entropy") }
    if let screen = devices.screen, let window = phone.frameBuffer(of: machine.name) {
      node.set("screen", cells: [UInt32(window)])
      node.set("colour", cells: [screen.colour ?? Screen.colours[index % Screen.colours.count]])
    }
  }

  /// Locally administered.
  static func mac(of index: Int) -> [UInt8] { [0x52, 0x50, 0x56, 0, 0, UInt8(index + 1)] }

  private func place(of name: String) -> UInt32 {
    UInt32(phone.virtualMachines.firstIndex { $0.name == name } ?? 0)
  }

  /// A bit for each VM that it wants to reach and that wants to reach it.
  private func reach(of machine: VirtualMachineDescription) -> UInt32 {
    let wanted = machine.rules.devices?.network?.reach ?? []
    let mutual = wanted.filter {
      phone.machine($0)?.rules.devices?.network?.reach.contains(machine.name) ?? false
    }
    return mutual.reduce(0) { $0 | 1 << place(of: $1) }
  }
}
