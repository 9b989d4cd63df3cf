import Foundation
import Testing

@testable import HostCommands

/// The verbs that talk to a running phone, with a phone that runs.
@Suite(.enabled(if: Repository.isBuilt)) struct ControlTests {
  private static let phone = """
    vms:
      steward: { role: device-server, kernel: \(Repository.guest("steward")), memory: 8MiB, priority: 1, budget: 50% }
      load: { kernel: \(Repository.guest("load")), cmdline: mode=spin, memory: 32MiB }
      bare: { kernel: \(Repository.guest("neighbour")), cmdline: ticks=1000000, memory: 32MiB }
    """

  @Test func listPauseStopStart() throws {
    let running = try RunningProgram(Self.phone)
    #expect(running.waits(for: "steward: ready"))
    let list = try running.pocketvisor("vm", "list")
    #expect(list.contains(try Regex("steward +running +8MiB .*device server")), "\(list)")
    #expect(try running.pocketvisor("vm", "pause", "load") == "load: paused\n")
    #expect(try running.pocketvisor("vm", "resume", "load") == "load: running\n")
    #expect(try running.pocketvisor("vm", "stop", "load") == "load: stopped\n")
    #expect(try running.pocketvisor("vm", "start", "load") == "load: running\n")
    #expect(try running.pocketvisor("vm", "restart", "load") == "load: running\n")
    let top = try running.pocketvisor("top", "--count", "2", "--interval", "0.2")
    #expect(top.components(separatedBy: "CPU TIME").count == 3, "\(top)")
  }

  @Test func mistakesAreSaid() throws {
    let running = try RunningProgram(Self.phone)
    #expect(running.waits(for: "steward: ready"))
    #expect(
      try running.pocketvisor("vm", "stop", "lod")
        == "Error: the phone has no VM `lod`, but steward, load, bare; did you mean `load`?\n")
    #expect(
      try running.pocketvisor("vm", "stop", "steward").hasPrefix("Error: VM `steward` is the device server"))
    #expect(try running.pocketvisor("switch", "load").hasPrefix("Error: VM `load` has no screen"))
    #expect(try running.pocketvisor("vm", "console", "bare").hasPrefix("Error: VM `bare` has no console"))
  }
}
