/// What the device server looks for beside it, in its own tree and in the board's.
extension DeviceTreeName {
  /// `label`
  public static let label = DeviceTreeName(hash: 0xF697_17FD)
  /// `partition`
  public static let partition = DeviceTreeName(hash: 0xD909_5409)
  /// `read-only`
  public static let readOnly = DeviceTreeName(hash: 0xEF73_F9AA)
  /// `network`
  public static let network = DeviceTreeName(hash: 0x5218_86C5)
  /// `mac`
  public static let mac = DeviceTreeName(hash: 0xECA3_0428)
  /// `reach`
  public static let reach = DeviceTreeName(hash: 0x4CFD_5078)
  /// `host`
  public static let host = DeviceTreeName(hash: 0xAFFE_A56F)
  /// `console`
  public static let console = DeviceTreeName(hash: 0x2E32_9B2A)
  /// `vault`
  public static let vault = DeviceTreeName(hash: 0x4549_6BAF)
  /// `entropy`
  public static let entropy = DeviceTreeName(hash: 0x0F30_F812)
  /// `screen`
  public static let screen = DeviceTreeName(hash: 0x55C5_4C11)
  /// `colour`
  public static let colour = DeviceTreeName(hash: 0x0205_E0FD)
  /// `device-server`
  public static let deviceServer = DeviceTreeName(hash: 0xB04A_77AD)
  /// `board-tree`
  public static let boardTree = DeviceTreeName(hash: 0x5FE8_626E)
  /// `virtio,mmio`
  public static let virtioMMIO = DeviceTreeName(hash: 0x67F9_97C0)
  /// `qemu,fw-cfg-mmio`
  public static let firmwareConfiguration = DeviceTreeName(hash: 0x3DA7_021C)
  /// `arm,pl031`
  public static let pl031 = DeviceTreeName(hash: 0x557C_8D39)
}
