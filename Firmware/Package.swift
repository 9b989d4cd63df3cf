// swift-tools-version: 6.2
import PackageDescription

let package = Package(
  name: "Firmware",
  products: [
    .executable(name: "Pocketvisor", targets: ["AArch64"]),
    .executable(name: "PocketvisorGICv2", targets: ["AArch64GICv2"]),
    .executable(name: "PocketvisorARMv7", targets: ["ARMv7"]),
    .executable(name: "PocketvisorTranslator", targets: ["TranslatorImage"]),
  ],
  dependencies: [.package(name: "Pocketvisor", path: "..")],
  targets: [
    // Vectors, entry, register save and restore in assembly; one instruction each as inline C.
    .target(name: "AArch64Assembly", path: "Sources/AArch64Assembly"),
    // The translator's image is part of the hypervisor's, so it is built first.
    .target(
      name: "ARMv7Assembly", path: "Sources/ARMv7Assembly",
      cSettings: [.unsafeFlags(["-Wa,-I\(Context.packageDirectory)/.build"])]),
    // The image for boards with a GICv3, and from the same sources but one file the one for boards with a GICv2.
    image("AArch64", assembly: "AArch64Assembly", exclude: ["image.ld"]),
    image("AArch64GICv2", assembly: "AArch64Assembly"),
    // The image for CPUs without virtualization extensions.
    image(
      "ARMv7", assembly: "ARMv7Assembly", exclude: ["image.ld"], more: ["SoftwareVirtualization", "Translator"]),
    // What translates a guest's kernel, unprivileged.
    .target(name: "TranslatorAssembly"),
    .executableTarget(
      name: "TranslatorImage",
      dependencies: ["TranslatorAssembly", .product(name: "Translator", package: "Pocketvisor")],
      exclude: ["translator.ld"], swiftSettings: [.strictMemorySafety()]),
  ]
)

func image(_ name: String, assembly: Target.Dependency, exclude: [String] = [], more: [String] = []) -> Target {
  .executableTarget(
    name: name,
    dependencies: [
      assembly,
      .product(name: "Appliance", package: "Pocketvisor"),
      .product(name: "ArmArchitecture", package: "Pocketvisor"),
      .product(name: "Drivers", package: "Pocketvisor"),
      .product(name: "Hypervisor", package: "Pocketvisor"),
    ] + more.map { .product(name: $0, package: "Pocketvisor") },
    path: "Sources/\(name)",
    exclude: exclude,
    swiftSettings: [.strictMemorySafety()])
}
