// SHA-256 (FIPS 180-4), for the vault: small rather than fast, without allocation, and total.

/// 32 bytes that stand for a message.
public struct Digest: Sendable {
  /// The bytes as four little-endian words, as they travel in registers.
  public let words: InlineArray<4, UInt64>

  public init(words: InlineArray<4, UInt64>) { self.words = words }

  /// Whether both are the same, in a time that does not depend on where they differ.
  public func matches(_ other: Digest) -> Bool {
    var difference: UInt64 = 0
    for index in 0..<4 { difference |= words[index] ^ other.words[index] }
    return difference == 0
  }
}

/// A message on its way through the hash; a copy goes its own way from there.
public struct SHA256: Sendable {
  private var state: InlineArray<8, UInt32> = [
    0x6A09_E667, 0xBB67_AE85, 0x3C6E_F372, 0xA54F_F53A, 0x510E_527F, 0x9B05_688C, 0x1F83_D9AB, 0x5BE0_CD19,
  ]
  /// The last block, as far as it came; words of older blocks stand where it did not come yet.
  private var block = InlineArray<16, UInt32>(repeating: 0)
  /// Bytes so far.
  private var count: UInt64 = 0

  public init() {}

  /// Adds one byte to the message.
  @inline(never) public mutating func append(_ byte: UInt8) {
    let word = Int(truncatingIfNeeded: count &>> 2 & 15)
    block[word] = block[word] &<< 8 | UInt32(byte)
    count &+= 1
    if count & 63 == 0 { compress() }
  }

  /// Adds the lowest `size` bytes of a number, the lowest first.
  public mutating func append(number: UInt64, size: Int = 8) {
    var rest = number
    for _ in 0..<size {
      append(UInt8(truncatingIfNeeded: rest))
      rest &>>= 8
    }
  }

  /// Ends the message (section 5.1.1: a one, zeros, and its length in bits) and gives its digest.
  public consuming func finish() -> Digest {
    let bits = count &<< 3
    append(0x80)
    while count & 63 != 56 { append(0) }
    append(number: bits.byteSwapped)
    var words = InlineArray<4, UInt64>(repeating: 0)
    for index in 0..<4 {
      let low = state[index &* 2].byteSwapped
      words[index] = UInt64(low) | UInt64(state[index &* 2 &+ 1].byteSwapped) &<< 32
    }
    return Digest(words: words)
  }

  /// Section 6.2.2; the message schedule overwrites the block, of which no more than 16 words are needed.
  private mutating func compress() {
    var round = state
    for index in 0..<64 {
      if index >= 16 { block[index & 15] &+= schedule(index) }
      let choice = round[4] & round[5] ^ ~round[4] & round[6]
      let first =
        round[7] &+ mix(round[4], 6, 11, 25) &+ choice &+ Self.constants[index] &+ block[index & 15]
      let majority = round[0] & round[1] ^ round[0] & round[2] ^ round[1] & round[2]
      let second = mix(round[0], 2, 13, 22) &+ majority
      for register in stride(from: 7, to: 0, by: -1) { round[register] = round[register &- 1] }
      round[4] &+= first
      round[0] = first &+ second
    }
    for index in 0..<8 { state[index] &+= round[index] }
  }

  /// What the word 16 places before gets added.
  private func schedule(_ index: Int) -> UInt32 {
    let near = block[(index &- 2) & 15]
    let far = block[(index &- 15) & 15]
    return (rotate(near, 17) ^ rotate(near, 19) ^ near &>> 10) &+ block[(index &- 7) & 15]
      &+ (rotate(far, 7) ^ rotate(far, 18) ^ far &>> 3)
  }

  private func mix(_ value: UInt32, _ first: UInt32, _ second: UInt32, _ third: UInt32) -> UInt32 {
    rotate(value, first) ^ rotate(value, second) ^ rotate(value, third)
  }

  private func rotate(_ value: UInt32, _ bits: UInt32) -> UInt32 {
    value &>> bits | value &<< (32 &- bits)
  }

  /// Section 4.2.2.
  private static let constants: InlineArray<64, UInt32> = [
    0x428A_2F98, 0x7137_4491, 0xB5C0_FBCF, 0xE9B5_DBA5, 0x3956_C25B, 0x59F1_11F1, 0x923F_82A4, 0xAB1C_5ED5,
    0xD807_AA98, 0x1283_5B01, 0x2431_85BE, 0x550C_7DC3, 0x72BE_5D74, 0x80DE_B1FE, 0x9BDC_06A7, 0xC19B_F174,
    0xE49B_69C1, 0xEFBE_4786, 0x0FC1_9DC6, 0x240C_A1CC, 0x2DE9_2C6F, 0x4A74_84AA, 0x5CB0_A9DC, 0x76F9_88DA,
    0x983E_5152, 0xA831_C66D, 0xB003_27C8, 0xBF59_7FC7, 0xC6E0_0BF3, 0xD5A7_9147, 0x06CA_6351, 0x1429_2967,
    0x27B7_0A85, 0x2E1B_2138, 0x4D2C_6DFC, 0x5338_0D13, 0x650A_7354, 0x766A_0ABB, 0x81C2_C92E, 0x9272_2C85,
    0xA2BF_E8A1, 0xA81A_664B, 0xC24B_8B70, 0xC76C_51A3, 0xD192_E819, 0xD699_0624, 0xF40E_3585, 0x106A_A070,
    0x19A4_C116, 0x1E37_6C08, 0x2748_774C, 0x34B0_BCB5, 0x391C_0CB3, 0x4ED8_AA4A, 0x5B9C_CA4F, 0x682E_6FF3,
    0x748F_82EE, 0x78A5_636F, 0x84C8_7814, 0x8CC7_0208, 0x90BE_FFFA, 0xA450_6CEB, 0xBEF9_A3F7, 0xC671_78F2,
  ]
}
