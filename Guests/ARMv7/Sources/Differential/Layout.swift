// Where everything lies: virtual addresses, and the physical pages behind them.

import Machine

/// Virtual addresses. A domain belongs to a slot of 1 MiB, so what is open at a time is in slots of its own:
/// the tested code's memory, the program, the page that runs tested code, and the cache of the translated code. The last
/// two are where the tested code's own addresses do not lead by adding, shifting or inverting them.
enum Layout {
  /// The page of `machine_run`, and behind it the context.
  static let run: UInt32 = 0xb5d3_9000
  static let context: UInt32 = 0xb5d3_a000

  /// States that are kept (Test.swift).
  static let states: UInt32 = 0xb5d3_b000

  /// How many pairs of `cache` the translator has.
  static let pairs: UInt32 = states &+ 0x600

  /// The tested kernel's vectors and their handlers, one page.
  static let vectors: UInt32 = 0x4000_0000
  /// Its code.
  static let code: UInt32 = 0x4000_1000
  static let codePages: UInt32 = 4
  /// Its data, with nothing mapped before and behind it.
  static let data: UInt32 = 0x4004_0000
  static let dataPages: UInt32 = 2
  static var dataBytes: UInt32 { dataPages * page }
  /// An address where nothing is.
  static let hole: UInt32 = 0x4008_0000

  /// Pairs of a page of translated code and the state page.
  static let cache: UInt32 = 0x5a60_0000
  static let cachePairs: UInt32 = 16
  static let table: UInt32 = 0x5a70_0000
  static let tablePages: UInt32 = 16

  static let directory: UInt32 = 0x5a72_0000
  static let directoryPages: UInt32 = 5
  /// The state page, by which bits of the status change.
  static let window: UInt32 = 0x5a80_0000

  static let page: UInt32 = 4096
}

/// DACR values, two bits for each domain: 1 is "as the page says", 0 is closed.
enum Domains {
  static let tested: UInt32 = 0
  static let program: UInt32 = 1
  static let run: UInt32 = 2
  static let cache: UInt32 = 3

  /// All are open; the page tables keep User mode out of what is not its own.
  static let all: UInt32 = 0x55
  /// While tested code runs natively, with all privileges.
  static let native: UInt32 = 0x11
}
