// swift-tools-version: 6.2
// The test guests: flat arm64 images that run on QEMU's `virt` board and under Pocketvisor alike.
import PackageDescription

let layout: [LinkerSetting] = [
  .unsafeFlags(["-Xlinker", "-T", "-Xlinker", "\(Context.packageDirectory)/guest.ld"])
]

/// A guest: an executable of one folder, linked as a flat image.
func guest(_ name: String, _ more: Target.Dependency...) -> Target {
  .executableTarget(
    name: name, dependencies: ["GuestSupport"] + more, linkerSettings: layout)
}

let package = Package(
  name: "Guests",
  targets: [
    // The root package's own sources, by links: its host-only dependencies stay out of this build.
    .target(name: "Appliance"),
    .target(name: "ArmArchitecture"),
    .target(name: "Authentication"),
    .target(name: "Drivers", dependencies: ["ArmArchitecture"]),
    .target(name: "Virtio", dependencies: ["Drivers"]),
    .target(name: "ControlProtocol"),
    .target(name: "Payments", dependencies: ["Virtio"]),
    .target(
      name: "DeviceServer", dependencies: ["Appliance", "ControlProtocol", "Drivers", "Payments", "Virtio"]),
    .target(name: "GuestMachine"),
    .target(
      name: "GuestSupport",
      dependencies: ["GuestMachine", "Appliance"]),
    guest("Bench"),
    guest("Client", "Authentication"),
    guest("Conformance"),
    guest("Crash"),
    guest("Disk", "Drivers", "Virtio"),
    guest("Entry"),
    guest("Hostile"),
    guest("Load"),
    guest("Neighbour"),
    guest("Rogue"),
    guest("Steward", "DeviceServer"),
    guest("Vault", "Authentication", "Payments"),
  ]
)
