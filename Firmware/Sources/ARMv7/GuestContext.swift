// What a virtual CPU is besides `VirtualCPU`, where no hardware keeps it.

import ARMv7Assembly
import Hypervisor
import SoftwareVirtualization
import Translator
import VirtualDevices

/// What assembly saves of User mode, and gives back: `StateSlot.registers`, `.position` and `.flags`.
struct Frame {
  /// r0…r14.
  var registers: InlineArray<15, UInt32>
  var programCounter: UInt32
  /// CPSR.
  var state: UInt32

  var isT32: Bool { state & 1 &<< 5 != 0 }

  /// The instruction is done.
  @inline(__always) mutating func skip(to address: UInt32) {
    programCounter = address
    if isT32 { advanceIfThen() }
  }

  @inline(never) private mutating func advanceIfThen() {
    state = state & ~0x0600_FC00 | Status.ifThen(ITState.advanced(Status.ifThen(in: state)))
  }
}

/// What runs in User mode.
enum Running: UInt32 {
  /// The guest's User mode, directly.
  case user
  /// The guest's kernel, out of the code cache.
  case kernel
  /// The translator, for the guest.
  case translator
}

/// A virtual CPU's processor, as far as the translator does not have it.
struct GuestContext: ~Copyable {
  var running: Running
  /// The guest begins anew: all of this is to be made again before it goes on.
  var isFresh: Bool
  /// The guest's tables or its ASID have changed since a space was activated.
  var isSpaceStale: Bool
  var timer: VirtualDualTimer
  /// Its memory, and the piece of the board's that has its tables, its cache and its state page.
  var memory: GuestMemory
  var pool: UInt32
  /// The first-level table that is walked, with its ASID.
  var table: UInt32
  var identifier: UInt32
  /// The page that each view of the guest's memory shows.
  var views: InlineArray<8, UInt32>
  /// Where the guest reached devices last, while they certainly are there.
  var devices: InlineArray<4, DevicePlace>
  /// The store to a page of code that is being done.
  var step: Step
  /// Whether code was translated from a page that not all address spaces have.
  var hasLocalCode: Bool
}

/// A page of the guest's kernel that shows a device.
struct DevicePlace {
  /// Plus 1 if it is only known that it can be read; or `Pool.noDevice`.
  var page: UInt32
  var physical: UInt32

  /// Drivers have their pages beside each other, or with a page between them.
  static func index(_ address: UInt32) -> Int { Int(bitPattern: UInt((address &>> 12 ^ address &>> 14) & 3)) }
}

/// A store to a page from which code was translated: it is done alone, from another place, while the page is open.
struct Step {
  var isActive: Bool
  /// Where it is in the cache, and CPSR there.
  var position: UInt32
  var state: UInt32
  /// Its bytes.
  var size: UInt32
  /// The pages that are open.
  var pages: InlineArray<2, UInt32>
  /// The guest's physical address of code that it changed, and 0.
  var changed: UInt32
  /// The same of the code that was dropped before the store is done again.
  var dropped: UInt32
}

typealias ContextReference = Reference<GuestContext>

/// Where things lie in the 4 MiB of a virtual CPU, and in every address space of its guest (`CacheLayout.standard`).
enum Pool {
  static var cache: UInt32 { 0 }
  /// 16 pages of branch targets, 5 of the directory and one of the translator's stack, as in the guest's spaces.
  static var table: UInt32 { 0x10_0000 }
  static var state: UInt32 { 0x11_7000 }
  /// Second-level tables: of the translator's megabyte, the status window, the cache's two, the hypervisor's.
  static var levels: UInt32 { 0x11_8000 }
  /// 4,096 words that say from which pages code was translated.
  static var codePages: UInt32 { 0x11_A000 }
  /// To the end: enough for a VM of 700 MiB.
  static var shadow: UInt32 { 0x12_0000 }

  /// Where it is for the hypervisor, in every address space.
  static var view: UInt32 { 0xFE40_0000 }
  static var size: UInt32 { 0x40_0000 }
  /// The megabytes of all address spaces that are not the guest's.
  static var reserved: Range<UInt32> { 0xFE0..<0xFE8 }
  static var statusWindow: UInt32 { 0xFE10_0000 }
  static var codeCache: UInt32 { 0xFE20_0000 }
  static var cacheSize: UInt32 { 0x20_0000 }
  /// The end of the translator's stack.
  static var stackTop: UInt32 { 0xFE02_6000 }
  static var translator: UInt32 { 0xFE00_0000 }
  /// Where a store is done alone: unused bytes of the cache's first page.
  static var step: UInt32 { 0xFE20_0080 }
  static var noDevice: UInt32 { 2 }
  /// The guest's dual timer, by its physical address.
  static var timer: UInt32 { 0x0904_0000 }
  /// Eight pages that show the guest's memory to the hypervisor.
  static var guestViews: UInt32 { 0xFFFE_0000 }
  /// Their descriptors.
  static var viewDescriptors: UInt32 { view &+ levels &+ 4096 &+ (guestViews &>> 12 & 255) &* 4 }
}
