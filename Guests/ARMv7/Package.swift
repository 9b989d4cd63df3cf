// swift-tools-version: 6.2
// Test guests for 32-bit boards: flat images that run on QEMU's `vexpress-a9`.
import PackageDescription

let package = Package(
  name: "ARMv7Guests",
  targets: [
    // The root package's own sources, by a link.
    .target(name: "Translator"),
    // Entry, vectors, and what cannot be written in Swift.
    .target(name: "Machine"),
    .executableTarget(
      name: "Differential", dependencies: ["Machine", "Translator"],
      linkerSettings: [
        .unsafeFlags(["-Xlinker", "-T", "-Xlinker", "\(Context.packageDirectory)/guest.ld"])
      ]),
  ]
)
