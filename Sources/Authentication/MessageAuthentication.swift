// HMAC-SHA256 (RFC 2104, FIPS 198-1): only who has the key can make a message's code.

/// A key, in the form of two hashes that it began: the key itself is needed no more.
public struct MessageAuthentication: Sendable {
  private var inner = SHA256()
  private var outer = SHA256()

  /// A shorter key is the same as one with zeros behind it.
  public init(key: borrowing InlineArray<32, UInt8>) {
    for index in 0..<64 {
      let byte = index < 32 ? key[index & 31] : 0
      inner.append(byte ^ 0x36)
      outer.append(byte ^ 0x5C)
    }
  }

  /// A message, still empty: append to it, and hand it to `finish`.
  public func begin() -> SHA256 { inner }

  /// The message's code.
  public func finish(_ message: SHA256) -> Digest {
    let digest = message.finish()
    var result = outer
    for index in 0..<4 { result.append(number: digest.words[index]) }
    return result.finish()
  }
}
