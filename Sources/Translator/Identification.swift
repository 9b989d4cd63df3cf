extension Translator {
  /// The registers of a Cortex-A9 r4p1 out of reset, whatever CPU this is: what all of them can do that guests run on.
  /// Zero are what there is none of: TCM, debug, performance counters.
  func identify() {
    self[.control] = 0x00C5_0078
    self[.identification(0, 0)] = 0x414F_C091
    // Lines of 32 bytes in caches of 32 KiB and four ways, physically indexed and tagged as far as a guest can see.
    self[.identification(0, 1)] = 0x8333_8003
    self[.cacheLevels] = 0x0920_0003
    for cache: UInt32 in 0..<2 {
      self[StateSlot(rawValue: StateSlot.cacheSizes.rawValue &+ 4 &* cache)] = 0x700F_E019
    }
    self[.cacheSize] = 0x700F_E019
    // MPIDR: of the VM's first CPU.
    self[.identification(0, 5)] = 1 &<< 31
    // A32 and Thumb-2 but no ThumbEE; no Security Extensions, no generic timer.
    self[.identification(1, 0)] = 0x31
    self[.identification(1, 1)] = 1
    self[.identification(1, 4)] = 0x0010_0103
    self[.identification(1, 5)] = 0x2000_0000
    self[.identification(1, 6)] = 0x0123_0000
    self[.identification(1, 7)] = 0x2111
    self[.identification(2, 0)] = 0x0010_1111
    self[.identification(2, 1)] = 0x1211_2111
    self[.identification(2, 2)] = 0x2123_2031
    self[.identification(2, 3)] = 0x1111_2131
    self[.identification(2, 4)] = 0x0011_1142
    // VFPv3 with 32 registers, and Advanced SIMD.
    self[.floatingPointIdentification] = 0x4103_3094
    self[.mediaFeatures0] = 0x1011_0222
    self[.mediaFeatures1] = 0x0001_1111
  }
}
