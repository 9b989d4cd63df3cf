// swift-tools-version: 6.2
// The test guests: flat arm64 images that run on QEMU's `virt` board and under Pocketvisor alike.
import PackageDescription

let layout: [LinkerSetting] = [
  .unsafeFlags(["-Xlinker", "-T", "-Xlinker", "\(Context.packageDirectory)/guest.ld"])
]

/// A guest: an executable of one folder, linked as a flat image.
func guest(_ name: String) -> Target {
  .executableTarget(
    name: name, dependencies: ["GuestSupport"], linkerSettings: layout)
}

let package = Package(
  name: "Guests",
  targets: [
    // The root package's own sources, by a link: its host-only dependencies stay out of this build.
    .target(name: "Appliance"),
    .target(name: "GuestMachine"),
    .target(
      name: "GuestSupport",
      dependencies: ["GuestMachine", "Appliance"]),
    guest("Bench"),
    guest("Conformance"),
    guest("Crash"),
    guest("Entry"),
    guest("Hostile"),
    guest("Neighbour"),
  ]
)
