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
    let old = load32(place(of: page))
    store32(place(of: page), old == 0 || old == tag(page) ? tag(page) : CodePageTag.many)
  }

  /// No code is translated any more.
  func forgetCodePages() {
    value.hasLocalCode = false
    memory.clear(Pool.view &+ Pool.codePages, bytes: 16384)
  }

  /// Whether code may have been translated from a page.
  func mayHoldCode(_ page: UInt32) -> Bool {
    let tag = load32(place(of: page))
    return tag == self.tag(page) || tag == CodePageTag.many
  }

  /// One word for all pages with the same lowest bits.
  private func place(of page: UInt32) -> UInt { UInt(Pool.view &+ Pool.codePages &+ page &>> 10 & 0x3FFC) }

  private func tag(_ page: UInt32) -> UInt32 { page & ~4095 | 1 }
}

/// What a word of `Pool.codePages` is, but for a page and 1: zero, or this for more than one page.
private enum CodePageTag {
  static var many: UInt32 { ~0 }
}
