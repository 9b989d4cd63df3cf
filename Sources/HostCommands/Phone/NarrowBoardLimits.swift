/// What boards without virtualization extensions cannot do, refused before the hypervisor stops at it.
struct NarrowBoardLimits {
  /// Of a VM: the hypervisor's shadow tables (`ShadowLayout`) have room for no more.
  static let memory = MemorySize.mebibytes(700)
  /// What the hypervisor takes for each VM: shadow tables and translated code (`Hardware.softwareBytes`).
  static let overhead = MemorySize.mebibytes(4)

  let board: String

  /// - Parameters:
  ///   - layouts: of the VMs of `phone`, in their order.
  /// - Throws: `InputError` for the first VM that asks for too much, with its place.
  func check(_ phone: PhoneDescription, _ layouts: [MachineLayout]) throws {
    for (machine, layout) in zip(phone.virtualMachines, layouts) {
      guard let mistake = mistake(machine.rules, layout) else { continue }
      throw InputError("VM `\(machine.name)` \(mistake)", at: machine.place)
    }
    guard phone.allWindows.isEmpty else {
      throw InputError(
        "\(board) has no `windows`, for its CPUs have no virtualization extensions: leave them out")
    }
  }

  private func mistake(_ rules: MachineRules, _ layout: MachineLayout) -> String? {
    if rules.isDeviceServer { return lacks("device servers", "leave out this VM, and `devices` of the others") }
    if rules.devices != nil { return lacks("disks, networks and screens", "leave out `devices`") }
    if !rules.calls.isEmpty { return lacks("calls between VMs", "leave out `calls`") }
    guard layout.architecture == .arm else {
      return "is 64-bit, but the CPUs of \(board) are not: give it a kernel for 32-bit ARM"
    }
    guard layout.placement.count == 1 else {
      return "has \(layout.placement.count) virtual CPUs, but \(board) gives a VM one: write `cpus: 1`"
    }
    guard layout.memory <= Self.memory else {
      return "has \(layout.memory) of memory, but \(board) gives a VM at most \(Self.memory): lower `memory`"
    }
    return nil
  }

  private func lacks(_ what: String, _ remedy: String) -> String {
    "needs \(what), which \(board) has none of, for its CPUs have no virtualization extensions: \(remedy)"
  }
}
