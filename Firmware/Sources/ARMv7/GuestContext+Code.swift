// From which pages of the guest code was translated.

import ARMv7Assembly
import Hypervisor
import SoftwareVirtualization
import Translator

extension ContextReference {
  /// Code is about to be translated from a page: stores to it are to be noticed.
  func protect(_ page: UInt32, _ bytes: UInt32) {
    guard let found = try? walk.translate(Access(address: page, isFetch: true)) else { return }
    if !found.isGlobal { value.hasLocalCode = true }
    shadows.protect(found.physical, at: page, bytes: bytes)
    value.codePages[Int(bitPattern: UInt(page &>> 17 & 31))] |= 1 &<< (page &>> 12 & 31)
  }

  /// No code is translated any more.
  func forgetCodePages() {
    value.hasLocalCode = false
    for word in 0..<32 { value.codePages[word] = 0 }
  }

  /// Whether code may have been translated from a page.
  func mayHoldCode(_ page: UInt32) -> Bool {
    value.codePages[Int(bitPattern: UInt(page &>> 17 & 31))] &>> (page &>> 12 & 31) & 1 != 0
  }
}
