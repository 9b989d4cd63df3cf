// swift-tools-version: 6.2
import PackageDescription

let package = Package(
  name: "Firmware",
  products: [
    .executable(name: "Pocketvisor", targets: ["AArch64"]),
    .executable(name: "PocketvisorGICv2", targets: ["AArch64GICv2"]),
  ],
  dependencies: [.package(name: "Pocketvisor", path: "..")],
  targets: [
    // Vectors, entry, register save and restore in assembly; one instruction each as inline C.
    .target(name: "AArch64Assembly", path: "Sources/AArch64Assembly"),
    // The image for boards with a GICv3, and from the same sources but one file the one for boards with a GICv2.
    image("AArch64"),
    image("AArch64GICv2"),
  ]
)

func image(_ name: String) -> Target {
  .executableTarget(
    name: name,
    dependencies: [
      "AArch64Assembly",
      .product(name: "Appliance", package: "Pocketvisor"),
      .product(name: "ArmArchitecture", package: "Pocketvisor"),
      .product(name: "Drivers", package: "Pocketvisor"),
      .product(name: "Hypervisor", package: "Pocketvisor"),
    ],
    path: "Sources/\(name)",
    exclude: name == "AArch64" ? ["image.ld"] : [],
    swiftSettings: [.strictMemorySafety()])
}
