// Requests that the device server carries here for programs of its clients, which have no FF-A of their own. For who asks
// there is the device server's word alone, so these codes are not those of FF-A requests.

import GuestMachine
import GuestSupport
import Payments
import Virtio

struct Mailbox {
  private let mailbox: PaymentMailbox
  /// The own FF-A identifier.
  private let own: UInt64
  private let partners: UInt64

  /// Nil where this VM shares no mailbox with a device server.
  init?() {
    guard let window = SharedWindow.first(writable: true, compatible: PaymentMailbox.compatible),
      let own = Self.identifier, let base = UnsafeMutableRawPointer(bitPattern: UInt(window.base))
    else { return nil }
    mailbox = PaymentMailbox(MemoryView(base: base, start: 0, size: window.size))
    guard mailbox.isThere else { return nil }
    self.own = own
    partners = Self.partners
    Self.letInterruptThrough()
  }

  /// FFA_ID_GET.
  private static var identifier: UInt64? {
    var message = FrameworkMessage(FrameworkFunction.identifier)
    message.call()
    return message.isSuccess ? message.registers[2] : nil
  }

  /// Whom this VM may call, a bit each by identifier; the device server is among them.
  private static var partners: UInt64 {
    var partners: UInt64 = 0
    for index in UInt64(0)..<8 {
      var message = FrameworkMessage(FrameworkFunction.partitions, 0, 0, index)
      message.call()
      guard message.isSuccess else { return partners }
      partners |= (message.registers[3] >> 32 & 1) << (message.registers[3] & 63)
    }
    return partners
  }

  /// The interrupt stays masked: it ends the waiting and is never taken.
  private static func letInterruptThrough() {
    let number = PaymentMailbox.interrupt
    initializeInterrupts()
    Distributor.initializeGroup()
    write8(Distributor.priority(number), 0xA0)
    Distributor.route(number, to: 0)
    // Edge-triggered: two bits for each interrupt, the upper one.
    let configuration = Distributor.configuration(number >> 4)
    write32(configuration, read32(configuration) | 2 << UInt32(number & 15) * 2)
    write32(Distributor.setEnable(number >> 5), 1 << UInt32(number & 31))
  }

  /// Answers what is in the mailbox. The interrupt is ended first: a request that comes later raises it again.
  func serve(_ vault: inout Vault) {
    let interrupt = ProcessorInterface.acknowledge()
    if interrupt < ProcessorInterface.spurious - 3 { ProcessorInterface.end(interrupt) }
    var hasAnswered = false
    for client in 0..<8 {
      guard let (number, request) = mailbox.request(of: client) else { continue }
      mailbox.answer(client, number: number, .paid(vault.carriedCode(request, of: UInt64(client) + 1)))
      hasAnswered = true
    }
    if hasAnswered { notifyServer() }
  }

  /// Others that it may call have asked for no notifications of it, and get none.
  private func notifyServer() {
    var left = partners
    while left != 0 {
      let partner = UInt64(left.trailingZeroBitCount)
      left &= left - 1
      var message = FrameworkMessage(FrameworkFunction.set, own << 16 | partner, 0, 1)
      message.call()
    }
  }
}
