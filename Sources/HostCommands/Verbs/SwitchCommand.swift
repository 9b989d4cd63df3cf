import ArgumentParser

/// `pocketvisor switch`
struct SwitchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "switch",
    abstract: "Bring a VM's screen to the front of a running phone.",
    discussion: """
      Keys and touches go to the VM in front.

      Example:
        pocketvisor switch personal
      """)

  @OptionGroup var arguments: MachineArguments

  func run() throws {
    let (control, machine) = try arguments.find()
    try control.command(
      .bringToFront, machine, refusal: "VM `\(machine.name)` has no screen (`screen: true` in its `devices`)")
    print("\(machine.name): in front")
  }
}
