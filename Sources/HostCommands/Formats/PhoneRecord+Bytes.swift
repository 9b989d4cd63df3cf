import Appliance
import Foundation

// The records have no padding (`PhoneRecordTests` pins every offset), and the host is little-endian as the
// device is: their memory is the format.

extension PhoneHeader {
  var bytes: Data { withUnsafeBytes(of: self) { Data($0) } }

  /// The header at the start of `data`; nil when there are too few bytes.
  init?(_ data: Data) {
    guard data.count >= Self.size else { return nil }
    self.init(virtualMachineCount: 0, interruptControllerGeneration: 0, entropy: InlineArray(repeating: 0))
    withUnsafeMutableBytes(of: &self) { $0.copyBytes(from: data.prefix(Self.size)) }
  }
}

extension VirtualMachineRecord {
  var bytes: Data { withUnsafeBytes(of: self) { Data($0) } }

  /// The record at the start of `data`; nil when there are too few bytes.
  init?(_ data: Data) {
    guard data.count >= Self.size else { return nil }
    self.init()
    withUnsafeMutableBytes(of: &self) { $0.copyBytes(from: data.prefix(Self.size)) }
  }

  var nameText: String {
    String(decoding: name.indices.map { name[$0] }.prefix { $0 != 0 }, as: UTF8.self)
  }

  mutating func setName(_ text: String) {
    for (index, byte) in text.utf8.prefix(15).enumerated() { name[index] = byte }
  }
}
