import Authentication
import Crypto
import Foundation
import Testing

/// Our own against swift-crypto, which runs on the host only, and against the standards' examples.
@Suite struct AuthenticationTests {
  private func digest(_ message: [UInt8]) -> [UInt8] {
    var hash = Authentication.SHA256()
    for byte in message { hash.append(byte) }
    return bytes(hash.finish())
  }

  private func code(_ message: [UInt8], key: [UInt8]) -> [UInt8] {
    let authentication = MessageAuthentication(key: InlineArray { $0 < key.count ? key[$0] : 0 })
    var hash = authentication.begin()
    for byte in message { hash.append(byte) }
    return bytes(authentication.finish(hash))
  }

  private func bytes(_ digest: Authentication.Digest) -> [UInt8] {
    (0..<32).map { UInt8(truncatingIfNeeded: digest.words[$0 / 8] >> (8 * UInt64($0 % 8))) }
  }

  private func hexadecimal(_ bytes: [UInt8]) -> String {
    bytes.map { String(format: "%02x", $0) }.joined()
  }

  // MARK: SHA-256

  /// FIPS 180-4, the examples published with it.
  @Test(arguments: [
    ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    (
      "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
    ),
  ]) func standardDigest(message: String, expected: String) {
    #expect(hexadecimal(digest(Array(message.utf8))) == expected)
  }

  @Test func millionLetters() {
    let letters = [UInt8](repeating: UInt8(ascii: "a"), count: 1_000_000)
    #expect(
      hexadecimal(digest(letters)) == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")
  }

  /// Every place where a message can end in its last block, four times over.
  @Test(arguments: 0...256) func digestOfLength(_ length: Int) {
    let message = (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 167 &+ length) }
    #expect(digest(message) == Array(Crypto.SHA256.hash(data: message)))
  }

  @Test func numbersAreLittleEndian() {
    var hash = Authentication.SHA256()
    hash.append(number: 0x0706_0504_0302_0100)
    hash.append(number: 0xFFFF_FFFF_FFFF_0908, size: 2)
    #expect(bytes(hash.finish()) == digest(Array(0...9)))
  }

  // MARK: HMAC

  /// RFC 4231, test cases 1 to 4: those whose key fits.
  @Test(arguments: [
    (
      [UInt8](repeating: 0x0B, count: 20), Array("Hi There".utf8),
      "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
    ),
    (
      Array("Jefe".utf8), Array("what do ya want for nothing?".utf8),
      "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    ),
    (
      [UInt8](repeating: 0xAA, count: 20), [UInt8](repeating: 0xDD, count: 50),
      "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"
    ),
    (
      Array(0x01...0x19), [UInt8](repeating: 0xCD, count: 50),
      "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"
    ),
  ]) func standardCode(key: [UInt8], message: [UInt8], expected: String) {
    #expect(hexadecimal(code(message, key: key)) == expected)
  }

  @Test(arguments: [0, 1, 42, 55, 56, 63, 64, 65, 119, 120, 4_120]) func codeOfLength(_ length: Int) {
    var random = SystemRandomNumberGenerator()
    let key = (0..<32).map { _ in UInt8.random(in: 0...255, using: &random) }
    let message = (0..<length).map { _ in UInt8.random(in: 0...255, using: &random) }
    let expected = HMAC<Crypto.SHA256>.authenticationCode(for: message, using: SymmetricKey(data: key))
    #expect(code(message, key: key) == Array(expected), "key \(key), message \(message)")
  }

  @Test func keyServesMoreThanOneMessage() {
    let authentication = MessageAuthentication(key: InlineArray { UInt8($0) })
    let first = authentication.finish(authentication.begin())
    #expect(authentication.finish(authentication.begin()).matches(first))
  }

  /// A difference of any one bit is seen.
  @Test(arguments: 0..<256) func digestsDiffer(bit: Int) {
    let words: InlineArray<4, UInt64> = [1, 2, 3, 4]
    var other = words
    other[bit / 64] ^= 1 << (bit % 64)
    #expect(Digest(words: words).matches(Digest(words: words)))
    #expect(!Digest(words: words).matches(Digest(words: other)))
  }
}
