// From which pages of the guest code was translated.

import ARMv7Assembly
import Hypervisor
import SoftwareVirtualization
import Translator

extension ContextReference {
  /// Code is about to be translated from a page: stores to it are to be noticed.
  func protect(_ page: UInt32, _ bytes: UInt32) {
    guard let found = try? walk.translate(Access(address: page, isFetch: true)),
      value.memory.physical(found.physical) != nil
    else { return }
    if !found.isGlobal { value.hasLocalCode = true }
    shadows.protect(found.physical, at: page, bytes: bytes)
    let old = load32(place(of: page))
    let new = found.physical & ~4095 | CodePageTag.top(page)
    store32(place(of: page), old == 0 || old == new ? new : CodePageTag.many)
  }

  /// No code is translated any more.
  func forgetCodePages() {
    value.hasLocalCode = false
    memory.clear(Pool.view &+ Pool.codePages, bytes: 16384)
  }

  /// The same for a page.
  func forgetCodePage(_ page: UInt32) {
    if load32(place(of: page)) != CodePageTag.many { store32(place(of: page), 0) }
  }

  /// Where the code of a page was translated from, `CodePageTag.many` if that is not known, and 0 if there is none.
  func codePage(_ page: UInt32) -> UInt32 {
    let tag = load32(place(of: page))
    guard tag != CodePageTag.many else { return tag }
    return tag & 0xFFF == CodePageTag.top(page) ? tag & ~4095 : 0
  }

  /// One word for all pages whose lowest twelve bits and sixteen times the upper eight are the same: programs, modules and
  /// the kernel keep apart.
  private func place(of page: UInt32) -> UInt {
    UInt(Pool.view &+ Pool.codePages &+ ((page &>> 12 &+ page &>> 20 & 0xFF0) & 0xFFF) &* 4)
  }
}

/// What a word of `Pool.codePages` is, but 0: the guest's physical page, and below it the virtual page's upper bits and 1; or
/// that there is more than one.
enum CodePageTag {
  static var many: UInt32 { ~0 }
  static func top(_ page: UInt32) -> UInt32 { page &>> 23 & 0x1FE | 1 }
}
