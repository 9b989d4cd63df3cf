import VirtualDevices

/// Something in the hypervisor's arena. It lives as long as the hypervisor, so a reference never dangles.
@safe
public struct Reference<Value: ~Copyable> {
  let pointer: UnsafeMutablePointer<Value>

  /// - Parameter pointer: initialised memory of the arena.
  @unsafe public init(_ pointer: UnsafeMutablePointer<Value>) { unsafe self.pointer = unsafe pointer }

  /// - Parameter address: of initialised memory of the arena, as assembly keeps it.
  @unsafe public init(address: UnsafeMutableRawPointer) {
    unsafe pointer = unsafe address.assumingMemoryBound(to: Value.self)
  }

  /// The address as assembly keeps it.
  @unsafe public var address: UnsafeMutableRawPointer { unsafe UnsafeMutableRawPointer(pointer) }

  public var value: Value {
    @inline(__always) unsafeAddress { unsafe UnsafePointer(pointer) }
    @inline(__always) nonmutating unsafeMutableAddress { unsafe pointer }
  }

  @inline(__always) public static func == (left: Self, right: Self) -> Bool {
    unsafe left.pointer == right.pointer
  }
}

public typealias VirtualCPUReference = Reference<VirtualCPU>
public typealias VirtualMachineReference = Reference<VirtualMachine>
public typealias PhysicalCPUReference = Reference<PhysicalCPU>
public typealias PhoneReference = Reference<Phone>
typealias BankReference = Reference<InterruptBank>
