// Messages and notifications between VMs: FF-A 1.2 (DEN 0077A), the subset of Documentation/Specification.md. VM n of
// the phone is partition n + 1. Whom a VM may talk to is fixed in its record.
//
// A request goes from the registers of the caller to those of a virtual CPU that listens, the answer back. Nothing is
// stored on the way, and nobody waits in the hypervisor: a caller is a virtual CPU that is not ready.

import Appliance
import ArmArchitecture
import Synchronization
import VirtualDevices

extension VirtualMachine {
  /// What FF-A calls it.
  @inline(__always) var partition: UInt32 { index &+ 1 }

  /// Whether it may send requests and notifications to the VM with this place.
  @inline(__always) func mayCall(_ index: UInt32) -> Bool {
    record.partners &>> UInt8(truncatingIfNeeded: index) & 1 != 0
  }
}

extension Core where H: VirtualizationExtensions {
  /// Answers a function of the framework.
  @inline(never) func callPartition(_ guest: VirtualCPUReference, _ number: UInt32) -> VirtualCPUReference {
    guard PartitionFunction.exists(number) else { return refuse(guest, PartitionError.notSupported) }
    let function = PartitionFunction(number)
    switch function {
    case .version:
      let isKnown = argument(guest, 1) &>> 31 == 0
      return answer(guest, isKnown ? PartitionResult.version : FirmwareResult.notSupported)
    case .features: return describeFeature(guest)
    case .identity: return succeed(guest, guest.value.machine.value.partition)
    case .partition: return describePartition(guest)
    case .wait: return listen(guest)
    default: return callBetween(guest, function)
    }
  }

  /// Answers a function that names two partitions in w1, a sender and a receiver.
  @inline(__always) private func callBetween(_ guest: VirtualCPUReference, _ function: PartitionFunction)
    -> VirtualCPUReference
  {
    let names = UInt32(truncatingIfNeeded: guest.value.registers[1])
    let own = guest.value.machine.value.partition
    if function == .getNotification {
      return names & 0xFFFF == own ? takeNotifications(guest) : refuse(guest, PartitionError.invalidParameters)
    }
    let isReceiver = function == .bindNotification || function == .unbindNotification
    let parties = isReceiver ? names &>> 16 | names &<< 16 : names
    guard parties &>> 16 == own, parties & 0xFFFF != own, let other = machine(partition: parties & 0xFFFF)
    else {
      return refuse(guest, PartitionError.invalidParameters)
    }
    if isReceiver { return bind(guest, other, function == .bindNotification) }
    if function == .response { return respond(guest, to: other) }
    guard guest.value.machine.value.isServer || guest.value.machine.value.mayCall(other.value.index) else {
      return refuse(guest, PartitionError.denied)
    }
    return function == .request ? request(guest, other) : notify(guest, other)
  }

  // MARK: Results

  /// Puts a function number and what w2 says into the guest's registers; no other result register says anything.
  @inline(never) func reply(_ guest: VirtualCPUReference, _ function: UInt32, _ value: UInt32) {
    for index in 1..<8 { guest.value.registers[index] = 0 }
    guest.value.registers[0] = UInt64(function)
    guest.value.registers[2] = UInt64(value)
  }

  @inline(never) private func succeed(_ guest: VirtualCPUReference, _ value: UInt32) -> VirtualCPUReference {
    reply(guest, PartitionResult.success, value)
    return resume(guest)
  }

  @inline(never) private func refuse(_ guest: VirtualCPUReference, _ code: Int32) -> VirtualCPUReference {
    reply(guest, PartitionResult.error, UInt32(bitPattern: code))
    return resume(guest)
  }

  // MARK: Who is there

  /// FFA_FEATURES.
  private func describeFeature(_ guest: VirtualCPUReference) -> VirtualCPUReference {
    let feature = UInt32(truncatingIfNeeded: guest.value.registers[1])
    if feature == PartitionFunction.notificationInterruptFeature {
      return succeed(guest, GuestInterrupt.notification.rawValue)
    }
    return PartitionFunction.exists(feature) ? succeed(guest, 0) : refuse(guest, PartitionError.notSupported)
  }

  /// FFA_PARTITION_INFO_GET_REGS: one descriptor at a time, whose UUID is the VM's name.
  private func describePartition(_ guest: VirtualCPUReference) -> VirtualCPUReference {
    let index = UInt32(truncatingIfNeeded: guest.value.registers[3]) & 0xFFFF
    guard guest.value.registers[1] | guest.value.registers[2] == 0, let machine = machine(partition: index &+ 1)
    else { return refuse(guest, PartitionError.invalidParameters) }
    reply(guest, PartitionResult.success | FirmwareFunction.wide, 0)
    let isService: UInt64 = guest.value.machine.value.mayCall(index) ? 1 : 0
    guest.value.registers[2] = 24 &<< 48 | UInt64(index) &<< 16 | UInt64(phone.value.machineCount &- 1)
    guest.value.registers[3] =
      UInt64(index &+ 1) | UInt64(machine.value.record.virtualCPUCount) &<< 16 | isService &<< 32
    unsafe withUnsafeBytes(of: &machine.value.record.name) { name in
      guest.value.registers[4] = unsafe name.loadUnaligned(as: UInt64.self)
      guest.value.registers[5] = unsafe name.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
    }
    return resume(guest)
  }

  @inline(__always) private func machine(partition: UInt32) -> VirtualMachineReference? {
    partition &- 1 < 8 ? phone.value.machines[Int((partition &- 1) & 7)] : nil
  }

  // MARK: Requests

  /// FFA_MSG_WAIT: the first virtual CPU of a VM can serve others, one after the other.
  @inline(never) private func listen(_ guest: VirtualCPUReference) -> VirtualCPUReference {
    guard guest.value.index == 0, guest.value.client == nil else { return refuse(guest, PartitionError.denied) }
    return wait(guest, VirtualCPUState.listening)
  }

  /// FFA_MSG_SEND_DIRECT_REQ: hands the request over and waits for the answer; interrupts wait with it.
  private func request(_ guest: VirtualCPUReference, _ machine: VirtualMachineReference) -> VirtualCPUReference
  {
    guard UInt32(truncatingIfNeeded: guest.value.registers[2]) == 0 else {
      return refuse(guest, PartitionError.invalidParameters)
    }
    let service = machine.value.virtualCPU(0)
    guard claim(service, VirtualCPUState.listening) else { return refuse(guest, PartitionError.busy) }
    fold(guest)
    guest.value.service = service
    guest.value.state.store(VirtualCPUState.calling, ordering: .releasing)
    service.value.client = guest
    hand(guest, to: service)
    return schedule()
  }

  /// FFA_MSG_SEND_DIRECT_RESP: answers, and listens again.
  private func respond(_ guest: VirtualCPUReference, to machine: VirtualMachineReference) -> VirtualCPUReference
  {
    guard let client = guest.value.client, client.value.machine == machine else {
      return refuse(guest, PartitionError.denied)
    }
    answerClient(of: guest)
    return listen(guest)
  }

  /// Gives the client its answer, unless it no longer waits for it.
  @inline(never) private func answerClient(of guest: VirtualCPUReference) {
    guard let client = guest.value.client else { return }
    guest.value.client = nil
    guard let service = client.value.service, service == guest, claim(client, VirtualCPUState.calling) else {
      return
    }
    client.value.service = nil
    hand(guest, to: client)
  }

  /// A virtual CPU goes off: who waits for its answer gets none.
  @inline(__always) func abandonClient(of guest: VirtualCPUReference) {
    reply(guest, PartitionResult.error, UInt32(bitPattern: PartitionError.aborted))
    answerClient(of: guest)
  }

  /// Takes a virtual CPU that waits in this state: nobody else wakes it.
  @inline(never) func claim(_ guest: VirtualCPUReference, _ state: UInt32) -> Bool {
    guest.value.state.compareExchange(
      expected: state, desired: VirtualCPUState.claimed, ordering: .acquiringAndReleasing
    ).exchanged
  }

  /// Copies a message between the registers of two virtual CPUs, the second of which was claimed and goes on.
  @inline(never) private func hand(_ guest: VirtualCPUReference, to other: VirtualCPUReference) {
    let isWide = guest.value.registers[0] & UInt64(FirmwareFunction.wide) != 0
    for index in 0..<8 {
      other.value.registers[index] = guest.value.registers[index] & (isWide && index != 0 ? ~0 : 0xFFFF_FFFF)
    }
    other.value.state.store(VirtualCPUState.ready, ordering: .releasing)
    alert(other.value.cpu)
  }

  // MARK: Notifications

  /// The notifications that w3 and w4 name.
  @inline(__always) private func bitmap(_ guest: VirtualCPUReference) -> UInt64 {
    guest.value.registers[3] & 0xFFFF_FFFF | guest.value.registers[4] &<< 32
  }

  /// FFA_NOTIFICATION_BIND and UNBIND.
  private func bind(_ guest: VirtualCPUReference, _ sender: VirtualMachineReference, _ isBound: Bool)
    -> VirtualCPUReference
  {
    let machine = guest.value.machine
    let place = Int(sender.value.index & 7)
    let others = machine.value.bound[place] & ~bitmap(guest)
    machine.value.bound[place] = isBound ? others | bitmap(guest) : others
    return succeed(guest, 0)
  }

  /// FFA_NOTIFICATION_SET: interrupts the first virtual CPU of the receiver where there is something new.
  private func notify(_ guest: VirtualCPUReference, _ receiver: VirtualMachineReference) -> VirtualCPUReference
  {
    let notifications = bitmap(guest)
    if guest.value.machine.value.isServer {
      serve(receiver, notifications)
      return succeed(guest, 0)
    }
    guard notifications & ~receiver.value.bound[Int(guest.value.machine.value.index & 7)] == 0 else {
      return refuse(guest, PartitionError.denied)
    }
    let earlier = receiver.value.notified.bitwiseOr(notifications, ordering: .acquiringAndReleasing).oldValue
    if notifications & ~earlier != 0 { pend(GuestInterrupt.notification, to: receiver.value.virtualCPU(0)) }
    return succeed(guest, 0)
  }

  /// FFA_NOTIFICATION_GET: all of them are from VMs, w4 and w5.
  private func takeNotifications(_ guest: VirtualCPUReference) -> VirtualCPUReference {
    let notifications = guest.value.machine.value.notified.exchange(0, ordering: .acquiringAndReleasing)
    reply(guest, PartitionResult.success, 0)
    guest.value.registers[4] = notifications & 0xFFFF_FFFF
    guest.value.registers[5] = notifications &>> 32
    return resume(guest)
  }
}
