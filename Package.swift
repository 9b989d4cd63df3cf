// swift-tools-version: 6.2
import PackageDescription

let strict: [SwiftSetting] = [.strictMemorySafety()]

let package = Package(
  name: "Pocketvisor",
  products: [
    .library(name: "Appliance", targets: ["Appliance"]),
    .library(name: "ArmArchitecture", targets: ["ArmArchitecture"]),
    .library(name: "VirtualDevices", targets: ["VirtualDevices"]),
    .library(name: "Drivers", targets: ["Drivers"]),
    .library(name: "Hypervisor", targets: ["Hypervisor"]),
    .library(name: "Translator", targets: ["Translator"]),
    .library(name: "SoftwareVirtualization", targets: ["SoftwareVirtualization"]),
    .executable(name: "pocketvisor", targets: ["pocketvisor"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.0"),
    .package(url: "https://github.com/apple/swift-crypto", from: "4.5.0"),
  ],
  targets: [
    // Compiled for the device and for the host.
    .target(name: "ArmArchitecture", swiftSettings: strict),
    .target(name: "Appliance", swiftSettings: strict),
    .target(name: "Authentication", swiftSettings: strict),
    .target(name: "ControlProtocol", swiftSettings: strict),
    .target(name: "VirtualDevices", dependencies: ["ArmArchitecture"], swiftSettings: strict),
    .target(name: "Drivers", dependencies: ["ArmArchitecture"], swiftSettings: strict),
    .target(name: "Virtio", dependencies: ["Drivers"], swiftSettings: strict),
    .target(name: "Payments", dependencies: ["Virtio"], swiftSettings: strict),
    .target(
      name: "DeviceServer", dependencies: ["Appliance", "ControlProtocol", "Drivers", "Payments", "Virtio"],
      swiftSettings: strict),
    .target(
      name: "Hypervisor", dependencies: ["ArmArchitecture", "Appliance", "VirtualDevices", "Drivers"],
      swiftSettings: strict),
    .target(name: "Translator", swiftSettings: strict),
    .target(name: "SoftwareVirtualization", swiftSettings: strict),
    // Host only.
    .target(
      name: "HostCommands",
      dependencies: [
        "Appliance", "ControlProtocol",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Yams", package: "Yams"),
        .product(name: "Crypto", package: "swift-crypto"),
      ]),
    .executableTarget(name: "pocketvisor", dependencies: ["HostCommands"]),
    .executableTarget(name: "Benchmark"),
    .executableTarget(name: "SizeReport"),
    .testTarget(name: "ApplianceTests", dependencies: ["Appliance"]),
    .testTarget(name: "BenchmarkTests", dependencies: ["Benchmark"]),
    .testTarget(name: "ArmArchitectureTests", dependencies: ["ArmArchitecture"]),
    .testTarget(
      name: "AuthenticationTests",
      dependencies: ["Authentication", .product(name: "Crypto", package: "swift-crypto")]),
    .testTarget(name: "ControlProtocolTests", dependencies: ["ControlProtocol"]),
    .target(name: "ScriptedDevices", dependencies: ["Drivers"], path: "Tests/ScriptedDevices"),
    .testTarget(name: "DriversTests", dependencies: ["ArmArchitecture", "Drivers", "ScriptedDevices"]),
    .target(name: "SeededRandom", path: "Tests/SeededRandom"),
    .testTarget(
      name: "VirtualDevicesTests",
      dependencies: ["ArmArchitecture", "Drivers", "SeededRandom", "VirtualDevices"]),
    .target(name: "ScriptedVirtio", dependencies: ["Drivers", "Virtio"], path: "Tests/ScriptedVirtio"),
    .testTarget(name: "VirtioTests", dependencies: ["ScriptedVirtio", "Virtio"]),
    .testTarget(name: "PaymentsTests", dependencies: ["Payments", "Virtio"]),
    .testTarget(
      name: "DeviceServerTests",
      dependencies: [
        "Appliance", "ControlProtocol", "DeviceServer", "Drivers", "HostCommands", "Payments", "ScriptedVirtio",
        "Virtio",
      ]),
    .target(name: "ScriptedEscape", path: "Tests/ScriptedEscape"),
    .testTarget(
      name: "HypervisorTests",
      dependencies: [
        "Appliance", "ArmArchitecture", "Drivers", "HostCommands", "Hypervisor", "ScriptedDevices",
        "ScriptedEscape", "SeededRandom", "VirtualDevices",
      ]),
    .testTarget(name: "TranslatorTests", dependencies: ["SeededRandom", "Translator"]),
    .testTarget(name: "SoftwareVirtualizationTests", dependencies: ["SeededRandom", "SoftwareVirtualization"]),
    .testTarget(name: "FirmwareTests", dependencies: ["SizeReport"]),
    .testTarget(name: "EmulatorTests", dependencies: ["HostCommands", "pocketvisor"]),
    .testTarget(
      name: "HostCommandsTests",
      dependencies: [
        "Appliance", "HostCommands", "pocketvisor", .product(name: "Crypto", package: "swift-crypto"),
      ]),
  ]
)
