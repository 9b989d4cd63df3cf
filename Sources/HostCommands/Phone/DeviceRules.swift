/// Whether the devices of all VMs of a phone go together.
struct DeviceRules {
  let phone: PhoneDescription

  /// - Throws: `InputError` with line and column.
  func check() throws {
    try checkServer()
    for machine in phone.virtualMachines {
      guard let devices = machine.rules.devices else { continue }
      if let network = devices.network { try check(network, of: machine) }
      try checkVault(devices, of: machine)
    }
    try checkPartitions()
    try checkWindows()
  }

  /// At most one, and one if there are devices to be served.
  private func checkServer() throws {
    let servers = phone.virtualMachines.filter(\.rules.isDeviceServer)
    if servers.count > 1 {
      throw InputError(
        "VM `\(servers[1].name)` cannot be the device server: VM `\(servers[0].name)` is", at: servers[1].place)
    }
    let client = phone.virtualMachines.first { $0.rules.devices != nil }
    guard let client, let devices = client.rules.devices, servers.isEmpty else { return }
    throw InputError(
      "VM `\(client.name)` has `devices`, but no VM of the phone is their server (`role: device-server`)",
      at: devices.place)
  }

  private func check(_ network: NetworkAccess, of machine: VirtualMachineDescription) throws {
    for name in network.reach {
      guard name != machine.name else {
        throw InputError("VM `\(name)` needs no network to reach itself", at: network.place)
      }
      guard phone.machine(name)?.rules.devices?.network != nil else {
        throw InputError(
          "VM `\(machine.name)` wants to reach VM `\(name)`, which has no `network`", at: network.place)
      }
    }
  }

  private func checkVault(_ devices: ClientDevices, of machine: VirtualMachineDescription) throws {
    guard let vault = devices.vault else { return }
    guard machine.rules.calls.contains(vault) else {
      throw InputError(
        "VM `\(machine.name)` has VM `\(vault)` as its vault, but `calls` does not name it", at: devices.place)
    }
    guard phone.machine(vault)?.rules.isDeviceServer == false else {
      throw InputError("VM `\(vault)` is the device server and cannot be a vault too", at: devices.place)
    }
  }

  private func checkPartitions() throws {
    var owners: [String: String] = [:]
    for machine in phone.virtualMachines {
      guard let disk = machine.rules.devices?.disk else { continue }
      if let owner = owners[disk.name] {
        throw InputError(
          "VM `\(machine.name)` cannot have partition `\(disk.name)`: it is VM `\(owner)`'s", at: disk.place)
      }
      owners[disk.name] = machine.name
    }
  }

  private func checkWindows() throws {
    guard let server = phone.deviceServer else { return }
    try PhoneDescription.check(
      phone.allWindows.count, "windows with those that the device server needs (one, and two for every screen)",
      at: server.place)
  }
}
