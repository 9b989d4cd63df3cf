// swift-tools-version: 6.2
// Test guests for 32-bit boards, as flat images: Differential runs on QEMU's `vexpress-a9`, the others under Pocketvisor
// and, but for Hostile, on QEMU's `virt` with a 32-bit CPU.
import PackageDescription

func layout(_ script: String) -> [LinkerSetting] {
  [.unsafeFlags(["-Xlinker", "-T", "-Xlinker", "\(Context.packageDirectory)/\(script).ld"])]
}

let thumbSwift: [SwiftSetting] = [.unsafeFlags(["-Xcc", "-mthumb"])]
let thumbC: [CSetting] = [.unsafeFlags(["-mthumb"])]

/// A guest: an executable of one folder, in T32 as all that it is linked with.
func guest(_ name: String, _ more: Target.Dependency...) -> Target {
  .executableTarget(
    name: name, dependencies: ["GuestSupport"] + more, swiftSettings: thumbSwift,
    linkerSettings: layout("virtual"))
}

let package = Package(
  name: "ARMv7Guests",
  targets: [
    // The root package's own sources, by links.
    .target(name: "Translator"),
    .target(name: "Appliance", swiftSettings: thumbSwift),
    // What compilers call on their own.
    .target(name: "Runtime", cSettings: thumbC),
    // Entry, vectors, and what cannot be written in Swift.
    .target(name: "Machine", dependencies: ["Runtime"]),
    .executableTarget(
      name: "Differential", dependencies: ["Machine", "Translator"],
      linkerSettings: layout("guest")),
    // The same for guests of Pocketvisor.
    .target(name: "GuestMachine", dependencies: ["Runtime"], cSettings: thumbC),
    .target(name: "GuestSupport", dependencies: ["GuestMachine", "Appliance"], swiftSettings: thumbSwift),
    .target(name: "SmallAssembly", dependencies: ["GuestMachine"], cSettings: thumbC),
    guest("Small", "SmallAssembly"),
    .target(name: "HostileAssembly", dependencies: ["GuestMachine"], cSettings: thumbC),
    guest("Hostile32", "HostileAssembly"),
    guest("SelfModifying"),
  ]
)
