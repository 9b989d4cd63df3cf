import Foundation

/// The devices of QEMU's board that a phone with a device server gets, and what they are connected to.
public struct EmulatedDevices: Equatable, Sendable {
  /// Where the screen is shown.
  public enum Display: Equatable, Sendable {
    /// Nowhere; `pocketvisor screenshot` sees it all the same.
    case nowhere
    /// In a window of the desktop.
    case window
    /// To who connects to a socket at this path and speaks VNC.
    case socket(String)
  }

  /// Path of a raw image; nil for no disk.
  public var disk: String?
  /// Path of the socket of QEMU's monitor.
  public var monitor: String
  /// Paths of the sockets at the other ends of the control ports.
  public var controls: [String]
  public var display = Display.nowhere

  /// What the names of control ports begin with; a number follows.
  static let controlPort = "pocketvisor.control."

  /// virtio-mmio of version 2. The disk is written through the host's cache: a flush of the guest is one of the host.
  var arguments: [String] {
    var arguments = ["-global", "virtio-mmio.force-legacy=false"]
    if let disk {
      let file = Self.escape(disk)
      arguments += ["-drive", "if=none,id=disk,format=raw,cache=writeback,discard=unmap,file=\(file)"]
      // A host without room is the guest's I/O error; QEMU would stop the whole phone.
      arguments += ["-device", "virtio-blk-device,drive=disk,werror=report,rerror=report"]
    }
    arguments += ["-netdev", "user,id=network", "-device", "virtio-net-device,netdev=network"]
    arguments += ["-device", "virtio-rng-device"]
    arguments += ["-device", "virtio-keyboard-device", "-device", "virtio-tablet-device", "-device", "ramfb"]
    arguments += ["-device", "virtio-serial-device"]
    for (index, path) in controls.enumerated() {
      arguments += ["-chardev", "socket,id=control\(index),server=on,wait=off,path=\(Self.escape(path))"]
      let port = "nr=\(index + 1),chardev=control\(index),name=\(Self.controlPort)\(index + 1)"
      arguments += ["-device", "virtserialport,\(port)"]
    }
    arguments += ["-qmp", "unix:\(Self.escape(monitor)),server=on,wait=off"]
    return arguments + display.arguments
  }

  /// As a value in a list that commas separate.
  private static func escape(_ path: String) -> String { path.replacingOccurrences(of: ",", with: ",,") }
}

extension EmulatedDevices.Display {
  /// Whether the installed QEMU can open windows.
  static var hasWindows: Bool {
    let output = (try? EmulatorProcess.output(of: BoardModel.virt.program, ["-display", "help"])) ?? ""
    return output.split(separator: "\n").contains("gtk")
  }

  fileprivate var arguments: [String] {
    switch self {
    case .nowhere: ["-display", "none"]
    case .window: ["-display", "gtk"]
    case .socket(let path): ["-display", "none", "-vnc", "unix:\(path)"]
    }
  }
}
