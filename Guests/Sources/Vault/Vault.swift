// The service: answers to requests. Every request is hostile: none makes it trap, wait or print much.

import Authentication
import GuestMachine
import GuestSupport
import Payments

/// Operations: x3 of a request.
private enum Operation {
  static let authenticate: UInt64 = 1
  static let authenticateWindow: UInt64 = 2
  static let verify: UInt64 = 3
}

/// Outcomes: x3 of a response.
private enum Status {
  static let done: UInt64 = 0
  /// The code is not this payment's.
  static let wrong: UInt64 = 1
  /// -1
  static let unknownOperation = ~0 as UInt64
  /// -2: also where there is no window.
  static let outsideOfWindow = ~1 as UInt64
}

struct Vault {
  /// The most bytes that one request may have authenticated.
  private static let lengthLimit: UInt64 = 4096

  private let authentication: MessageAuthentication
  /// The first one only: a client that shares another window with this vault would learn about this one's
  /// contents by their codes.
  private let window = SharedWindow.first()
  private var hasAuthenticated = false
  /// Nothing is printed about refusals before this time.
  private var quietUntil: UInt64 = 0

  init(authentication: MessageAuthentication) { self.authentication = authentication }

  /// The response to a request. Who sent it is the hypervisor's word.
  mutating func answer(_ request: FrameworkMessage) -> FrameworkMessage {
    let is64 = request.function == FrameworkFunction.request64
    var response = FrameworkMessage(
      is64 ? FrameworkFunction.response64 : FrameworkFunction.response,
      request.receiver << 16 | request.sender)
    response.registers[3] = is64 ? perform(request, &response) : Status.unknownOperation
    report(request, status: response.registers[3])
    return response
  }

  private func perform(_ request: FrameworkMessage, _ response: inout FrameworkMessage) -> UInt64 {
    switch request.registers[3] {
    case Operation.authenticate:
      return give(paymentCode(request), in: &response)
    case Operation.authenticateWindow:
      guard let code = windowCode(request) else { return Status.outsideOfWindow }
      return give(code, in: &response)
    case Operation.verify:
      guard let code = digest(at: request.registers[7]) else { return Status.outsideOfWindow }
      return code.matches(paymentCode(request)) ? Status.done : Status.wrong
    default:
      return Status.unknownOperation
    }
  }

  private func give(_ code: Digest, in response: inout FrameworkMessage) -> UInt64 {
    for index in 0..<4 { response.registers[4 &+ index] = code.words[index] }
    return Status.done
  }

  /// The code of a payment: x4 amount, x5 payee, x6 nonce.
  private func paymentCode(_ request: FrameworkMessage) -> Digest {
    var message = begin("payment", request)
    for register in 4..<7 { message.append(number: request.registers[register]) }
    return authentication.finish(message)
  }

  /// The code of bytes in the window: x4 offset, x5 length. Each byte is read once.
  private func windowCode(_ request: FrameworkMessage) -> Digest? {
    let (offset, length) = (request.registers[4], request.registers[5])
    guard let window, length > 0, length <= Self.lengthLimit, window.contains(offset, count: length) else {
      return nil
    }
    var message = begin("window", request)
    for index in 0..<length { message.append(window.byte(at: offset &+ index)) }
    return authentication.finish(message)
  }

  /// A message of one kind from one VM: neither can pass for another's.
  private func begin(_ kind: StaticString, _ request: FrameworkMessage) -> SHA256 {
    begin(kind, sender: request.sender)
  }

  private func begin(_ kind: StaticString, sender: UInt64) -> SHA256 {
    var message = authentication.begin()
    for index in 0..<kind.utf8CodeUnitCount { message.append(kind.utf8Start[index]) }
    message.append(number: sender, size: 2)
    return message
  }

  /// The code of a payment that the device server carried here, of a VM that it names.
  mutating func carriedCode(_ request: PaymentRequest, of sender: UInt64) -> PaymentCode {
    var message = begin("carried", sender: sender)
    message.append(number: request.amount)
    message.append(number: request.nonce)
    for index in 0..<request.payeeCount { message.append(request.payee[index]) }
    noteAuthentication(of: sender)
    return PaymentCode(authentication.finish(message).words)
  }

  private mutating func noteAuthentication(of sender: UInt64) {
    guard !hasAuthenticated else { return }
    hasAuthenticated = true
    write("vault: authenticated a payment of VM ", sender)
  }

  /// The code that a client put into the window.
  private func digest(at offset: UInt64) -> Digest? {
    guard let window, window.contains(offset, count: 32) else { return nil }
    var words = InlineArray<4, UInt64>(repeating: 0)
    for index in 0..<UInt64(32) {
      words[Int(index &>> 3)] |= UInt64(window.byte(at: offset &+ index)) &<< (index & 7 &* 8)
    }
    return Digest(words: words)
  }

  /// A line for the first payment, and at most one a second for refusals: nobody makes the vault spend its time
  /// on printing.
  private mutating func report(_ request: FrameworkMessage, status: UInt64) {
    let isPayment = request.registers[3] == Operation.authenticate
    if status == Status.done, isPayment { noteAuthentication(of: request.sender) }
    let now = read_CNTVCT_EL0()
    if status != Status.done, now >= quietUntil {
      quietUntil = now &+ read_CNTFRQ_EL0()
      write("vault: refused a request of VM ", request.sender)
    }
  }

  private func write(_ text: StaticString, _ machine: UInt64) {
    Console.write(text)
    Console.write(decimal: machine)
    Console.write("\n")
  }
}
