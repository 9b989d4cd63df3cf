import Appliance
import Foundation
import Yams

/// A phone as `phone.yaml` describes it. The order of the VMs is their order on the device.
public struct PhoneDescription: Equatable, Sendable {
  public var virtualMachines: [VirtualMachineDescription]

  public init(virtualMachines: [VirtualMachineDescription]) {
    self.virtualMachines = virtualMachines
  }

  /// Reads a phone.yaml.
  /// - Throws: `InputError` with line and column.
  public init(reading file: InputFile) throws {
    let text = String(decoding: file.data, as: UTF8.self)
    let phone = try YAMLMapping(parsing: text, subject: "the phone", file: file.path)
    try phone.allow(only: ["vms"])
    guard let list = phone.node("vms") else { throw InputError("the phone has no `vms`", at: phone.place) }
    let machines = try YAMLMapping(list, subject: "`vms`", file: file.path)
    virtualMachines = try machines.entries.map { entry in
      try VirtualMachineDescription(name: entry.name, at: entry.place, entry.value, file: file.path)
    }
    try checkLimits(at: machines.place)
  }

  private func checkLimits(at place: SourcePlace) throws {
    guard !virtualMachines.isEmpty else { throw InputError("`vms` is empty", at: place) }
    guard virtualMachines.count <= PhoneLimits.virtualMachines else {
      throw InputError(
        "\(virtualMachines.count) VMs; a phone has at most \(PhoneLimits.virtualMachines)", at: place)
    }
  }
}

/// One VM of a phone.yaml.
public struct VirtualMachineDescription: Equatable, Sendable {
  /// What a VM starts.
  public enum Software: Equatable, Sendable {
    /// Paths of an arm64 Image and of a ramdisk.
    case kernel(String, ramdisk: String?)
    /// Path of an appliance that `pack` wrote.
    case appliance(String)
  }

  public var name: String
  public var software: Software
  /// What the file says; for an appliance, its manifest holds what is not said here.
  public var settings: MachineSettings
  /// Where the VM stands in the file, for messages of later steps.
  public var place: SourcePlace

  public init(name: String, software: Software, settings: MachineSettings, place: SourcePlace) {
    self.name = name
    self.software = software
    self.settings = settings
    self.place = place
  }
}

extension VirtualMachineDescription {
  private static let softwareKeys = ["kernel", "ramdisk", "appliance"]

  init(name: String, at place: SourcePlace, _ node: Node, file: String) throws {
    try Self.check(name: name, at: place)
    let mapping = try YAMLMapping(node, subject: "VM `\(name)`", file: file)
    try mapping.allow(only: Self.softwareKeys + MachineSettings.keys)
    self.name = name
    self.place = place
    software = try Self.software(mapping, at: place)
    settings = try MachineSettings(mapping)
  }

  private static func check(name: String, at place: SourcePlace) throws {
    let allowed = name.utf8.allSatisfy {
      (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2D
    }
    guard allowed, (1...15).contains(name.utf8.count) else {
      throw InputError("`\(name)` is no name for a VM: 1 to 15 of a-z, 0-9 and -", at: place)
    }
  }

  private static func software(_ mapping: YAMLMapping, at place: SourcePlace) throws -> Software {
    let kernel = try mapping.string("kernel")
    let ramdisk = try mapping.string("ramdisk")
    let appliance = try mapping.string("appliance")
    let resolve = { (name: String) in InputFile.resolve(name, besides: mapping.file) }
    switch (kernel, appliance) {
    case (let kernel?, nil): return .kernel(resolve(kernel), ramdisk: ramdisk.map(resolve))
    case (nil, let appliance?) where ramdisk == nil: return .appliance(resolve(appliance))
    case (nil, nil): throw InputError("\(mapping.subject) needs a `kernel` or an `appliance`", at: place)
    default: throw InputError("\(mapping.subject): an `appliance` brings its own kernel and ramdisk", at: place)
    }
  }
}
