import Foundation
import Testing
import Translator

/// Every instruction of Debian's kernel is known to the decoder.
@Suite(.enabled(if: DebianKernel.isThere)) struct KernelTextTests {
  @Test func kernel() throws {
    let kernel = try DebianKernel()
    let sections = try kernel.sections()
    for section in sections { expectNoUnknown(section, "the kernel") }
    let counts = sections.map(\.counts).reduce(into: [:]) { $0.merge($1, uniquingKeysWith: +) }
    print(Self.report(counts, literals: sections.map(\.literalCount).reduce(0, +)))
    if kernel.isMeasured {
      for (kind, count) in Self.measured { #expect(counts[kind] == count, "\(kind.rawValue)") }
    }
  }

  /// What another program counted in Linux 6.1.0-50-armmp, but for the last four, one BL, CPSID with a mode, which it
  /// has with those without, and one MSR that is not of the CPSR's lowest byte only.
  private static let measured: [InstructionClass: Int] = [
    .branch: 99_801, .conditionalBranch: 242_721, .call: 226_979, .multipleLoad: 44_216, .linkBranch: 8995,
    .computedCall: 9485, .registerBranch: 1168, .move: 24, .addition: 15, .popped: 1649, .tableLoad: 857,
    .loaded: 188, .literalBranch: 5, .literal: 14_368, .indexedLiteral: 6, .store: 2, .address: 392, .sum: 20,
    .moved: 1, .disable: 1791, .enable: 876, .changeMode: 3, .readStatus: 1799, .readSavedStatus: 7,
    .writeStatus: 1731, .writeSavedStatus: 17, .exceptionReturn: 8, .multipleReturn: 6, .loadUser: 2,
    .storeUser: 6, .unprivileged: 40, .readThreadUserReadOnly: 20_578, .threadPrivileged: 3174,
    .readDomains: 1435, .writeDomains: 2834, .synchronize: 2999, .waitForEvent: 56, .waitForInterrupt: 19,
    .supervisorCall: 1, .hypervisorCall: 26, .secureMonitorCall: 43, .undefined: 1603, .unknown: 65,
  ]

  @Test(arguments: DebianKernel.modules) func module(_ path: String) throws {
    let module = try #require(KernelModule(path: path))
    var counts: [InstructionClass: Int] = [:]
    for section in module.sections {
      expectNoUnknown(section, path)
      counts.merge(section.counts, uniquingKeysWith: +)
    }
    print(path.split(separator: "/").last!, Self.report(counts, literals: 0))
    #expect(counts[.copy, default: 0] > 500)
  }

  /// The program in the zImage.
  @Test func decompressor() throws {
    let section = try DebianKernel().decompressorText()
    expectNoUnknown(section, "the decompressor")
    print("decompressor:", Self.report(section.counts, literals: section.literalCount))
    #expect(section.counts[.copy, default: 0] > 8000)
  }

  private func expectNoUnknown(_ section: TextSection, _ name: String) {
    let unknown = section.places(of: .unknown).filter { !Self.isAbsent($0.word) }
    #expect(unknown.isEmpty, "\(name): \(unknown.map { String($0.address, radix: 16) })")
  }

  /// Instructions that ARMv7 without extensions does not have, and that kernels only reach where it does.
  private static let absent: [(mask: UInt32, value: UInt32)] = [
    // ERET, MSR ELR_hyp.
    (0x0FFF_FFFF, 0x0160_006E), (0x0FB0_F2F0, 0x0120_F200),
    // MRRC and MCRR p15: the generic timer's and GICv3's; ranges of ARM1136's cache.
    (0x0FE0_0F00, 0x0C40_0F00),
    // Coprocessors 0 and 1: iWMMXt. MRC of flags: ARM926's cache.
    (0x0C00_0E00, 0x0C00_0000), (0x0F10_FF10, 0x0E10_FF10),
  ]

  private static func isAbsent(_ word: UInt32) -> Bool { absent.contains { word & $0.mask == $0.value } }

  private static func report(_ counts: [InstructionClass: Int], literals: Int) -> String {
    let classes = InstructionClass.allCases.compactMap { kind in counts[kind].map { "\(kind.rawValue) \($0)" } }
    return "\(counts.values.reduce(0, +)) instructions, \(literals) literals: "
      + classes.joined(separator: ", ")
  }
}
