import Appliance
import Foundation
import Yams

/// A phone as `phone.yaml` describes it. The order of the VMs and of the windows is their order on the device.
public struct PhoneDescription: Equatable, Sendable {
  public var virtualMachines: [VirtualMachineDescription]
  public var windows: [WindowDescription]

  public init(virtualMachines: [VirtualMachineDescription], windows: [WindowDescription] = []) {
    self.virtualMachines = virtualMachines
    self.windows = windows
  }

  /// Reads a phone.yaml.
  /// - Throws: `InputError` with line and column.
  public init(reading file: InputFile) throws {
    let text = String(decoding: file.data, as: UTF8.self)
    let phone = try YAMLMapping(parsing: text, subject: "the phone", file: file.path)
    try phone.allow(only: ["windows", "vms"])
    guard let list = phone.node("vms") else { throw InputError("the phone has no `vms`", at: phone.place) }
    let machines = try YAMLMapping(list, subject: "`vms`", file: file.path)
    try Self.check(machines.entries.count, "VMs", limit: PhoneLimits.virtualMachines, at: machines.place)
    guard !machines.entries.isEmpty else { throw InputError("`vms` is empty", at: machines.place) }
    let names = machines.entries.map(\.name)
    virtualMachines = try machines.entries.map { entry in
      try VirtualMachineDescription(
        name: entry.name, at: entry.place, entry.value, file: file.path, among: names)
    }
    windows = try Self.windows(phone, among: names)
    try DeviceRules(phone: self).check()
  }

  private static func windows(_ phone: YAMLMapping, among names: [String]) throws -> [WindowDescription] {
    guard let list = phone.node("windows") else { return [] }
    let windows = try YAMLMapping(list, subject: "`windows`", file: phone.file)
    try check(windows.entries.count, "windows", at: windows.place)
    return try windows.entries.map { entry in
      try WindowDescription(name: entry.name, at: entry.place, entry.value, file: phone.file, among: names)
    }
  }

  static func check(
    _ count: Int, _ things: String, limit: Int = PhoneLimits.windows, at place: SourcePlace
  ) throws {
    guard count <= limit else {
      throw InputError("\(count) \(things); a phone has at most \(limit)", at: place)
    }
  }

  /// Refuses what is no name for a VM or a window.
  static func check(name: String, of thing: String, at place: SourcePlace) throws {
    let allowed = name.utf8.allSatisfy {
      (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2D
    }
    guard allowed, (1...15).contains(name.utf8.count) else {
      throw InputError("`\(name)` is no name for \(thing): 1 to 15 of a-z, 0-9 and -", at: place)
    }
  }
}

/// One VM of a phone.yaml.
public struct VirtualMachineDescription: Equatable, Sendable {
  /// What a VM starts.
  public enum Software: Equatable, Sendable {
    /// Paths of a kernel and of a ramdisk.
    case kernel(String, form: KernelForm = KernelForm(), ramdisk: String?)
    /// Path of an appliance that `pack` wrote.
    case appliance(String)
  }

  public var name: String
  public var software: Software
  /// What the file says; for an appliance, its manifest holds what is not said here.
  public var settings: MachineSettings
  public var rules: MachineRules
  /// Where the VM stands in the file, for messages of later steps.
  public var place: SourcePlace

  public init(
    name: String, software: Software, settings: MachineSettings, rules: MachineRules = MachineRules(),
    place: SourcePlace
  ) {
    self.name = name
    self.software = software
    self.settings = settings
    self.rules = rules
    self.place = place
  }
}

extension VirtualMachineDescription {
  private static let softwareKeys = ["kernel", "ramdisk", "appliance"] + KernelForm.keys

  init(name: String, at place: SourcePlace, _ node: Node, file: String, among names: [String]) throws {
    try PhoneDescription.check(name: name, of: "a VM", at: place)
    let mapping = try YAMLMapping(node, subject: "VM `\(name)`", file: file)
    try mapping.allow(only: Self.softwareKeys + MachineSettings.keys + MachineRules.keys)
    self.name = name
    self.place = place
    software = try Self.software(mapping, at: place)
    settings = try MachineSettings(mapping)
    rules = try MachineRules(mapping, name: name, among: names)
  }

  private static func software(_ mapping: YAMLMapping, at place: SourcePlace) throws -> Software {
    let kernel = try mapping.string("kernel")
    let form = try KernelForm(mapping)
    let ramdisk = try mapping.string("ramdisk")
    let appliance = try mapping.string("appliance")
    let resolve = { (name: String) in InputFile.resolve(name, besides: mapping.file) }
    switch (kernel, appliance) {
    case (let kernel?, nil):
      return .kernel(resolve(kernel), form: form, ramdisk: ramdisk.map(resolve))
    case (nil, let appliance?)
    where ramdisk == nil && !KernelForm.keys.contains(where: { mapping.node($0) != nil }):
      return .appliance(resolve(appliance))
    case (nil, nil): throw InputError("\(mapping.subject) needs a `kernel` or an `appliance`", at: place)
    default: throw InputError("\(mapping.subject): an `appliance` brings its own kernel and ramdisk", at: place)
    }
  }
}
