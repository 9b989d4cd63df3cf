// Constants in registers, written before it is known what they are.

extension Generator {
  /// MOVW and MOVT, eight bytes, A32 or T32.
  mutating func constant(_ register: UInt32, _ value: UInt32) {
    moveHalf(register, value & 0xffff, isTop: false)
    moveHalf(register, value &>> 16, isTop: true)
  }

  private mutating func moveHalf(_ register: UInt32, _ half: UInt32, isTop: Bool) {
    let top: UInt32 = isTop ? 1 : 0
    if isT32 {
      wide(
        0xf240 | top &<< 7 | half &>> 12 | (half &>> 11 & 1) &<< 10,
        (half &>> 8 & 7) &<< 12 | register &<< 8 | half & 0xff)
    } else {
      word(0xe300_0000 | top &<< 22 | (half &>> 12) &<< 16 | register &<< 12 | half & 0xfff)
    }
  }

  /// Writes a constant again, where it was written before in the same state.
  mutating func rewrite(_ place: UInt32, t32: Bool, _ register: UInt32, _ value: UInt32) {
    let saved = (address, isT32)
    (address, isT32) = (place, t32)
    constant(register, value)
    (address, isT32) = saved
  }

  /// The address of the next instruction, with bit 0 for T32.
  var here: UInt32 { address | (isT32 ? 1 : 0) }
}
