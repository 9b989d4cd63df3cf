import Appliance

/// A name that the server looks for in its own device tree or in the board's, as its 32-bit FNV-1a hash: comparing strings
/// would take their text and a loop. A host test computes the hashes from the names.
struct TreeName: Equatable {
  let hash: UInt32

  /// `label`
  static let label = TreeName(hash: 0xF697_17FD)
  /// `partition`
  static let partition = TreeName(hash: 0xD909_5409)
  /// `read-only`
  static let readOnly = TreeName(hash: 0xEF73_F9AA)
  /// `network`
  static let network = TreeName(hash: 0x5218_86C5)
  /// `mac`
  static let mac = TreeName(hash: 0xECA3_0428)
  /// `reach`
  static let reach = TreeName(hash: 0x4CFD_5078)
  /// `host`
  static let host = TreeName(hash: 0xAFFE_A56F)
  /// `console`
  static let console = TreeName(hash: 0x2E32_9B2A)
  /// `vault`
  static let vault = TreeName(hash: 0x4549_6BAF)
  /// `may-pay`
  static let mayPay = TreeName(hash: 0xB0D7_A5DD)
  /// `mailbox`
  static let mailbox = TreeName(hash: 0x2B70_81CB)
  /// `entropy`
  static let entropy = TreeName(hash: 0x0F30_F812)
  /// `screen`
  static let screen = TreeName(hash: 0x55C5_4C11)
  /// `colour`
  static let colour = TreeName(hash: 0x0205_E0FD)
  /// `device-server`
  static let deviceServer = TreeName(hash: 0xB04A_77AD)
  /// `board-tree`
  static let boardTree = TreeName(hash: 0x5FE8_626E)
  /// `virtio,mmio`
  static let virtioMMIO = TreeName(hash: 0x67F9_97C0)
  /// `qemu,fw-cfg-mmio`
  static let firmwareConfiguration = TreeName(hash: 0x3DA7_021C)
  /// `arm,pl031`
  static let pl031 = TreeName(hash: 0x557C_8D39)
  /// `compatible`
  static let compatible = TreeName(hash: 0xD697_FC33)
  /// `interrupts`
  static let interrupts = TreeName(hash: 0xE9BD_4619)
  /// `reg`
  static let reg = TreeName(hash: 0x43F4_8595)
  /// `memory`
  static let memory = TreeName(hash: 0x84E9_F1AE)
}

extension Blob {
  /// The zero-terminated string at `offset`, as a name.
  func treeName(at offset: Int) -> TreeName {
    var hash: UInt32 = 0x811C_9DC5
    var position = offset
    while true {
      let character = byte(at: position)
      guard character != 0 else { return TreeName(hash: hash) }
      hash = (hash ^ UInt32(character)) &* 0x0100_0193
      position &+= 1
    }
  }
}
