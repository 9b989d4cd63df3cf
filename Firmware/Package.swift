// swift-tools-version: 6.2
import PackageDescription

let package = Package(
  name: "Firmware",
  products: [.executable(name: "Pocketvisor", targets: ["AArch64"])],
  dependencies: [.package(name: "Pocketvisor", path: "..")],
  targets: [
    // Vectors, entry, register save and restore in assembly; one instruction each as inline C.
    .target(name: "AArch64Assembly", path: "Sources/AArch64Assembly"),
    .executableTarget(
      name: "AArch64",
      dependencies: [
        "AArch64Assembly",
        .product(name: "Appliance", package: "Pocketvisor"),
        .product(name: "ArmArchitecture", package: "Pocketvisor"),
        .product(name: "Drivers", package: "Pocketvisor"),
        .product(name: "Hypervisor", package: "Pocketvisor"),
      ],
      path: "Sources/AArch64",
      exclude: ["image.ld"],
      swiftSettings: [.strictMemorySafety()]),
  ]
)
