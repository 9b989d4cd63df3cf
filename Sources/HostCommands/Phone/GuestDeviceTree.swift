import Appliance

/// The machine that every guest sees, a subset of QEMU's `virt`, as a device tree (DESIGN §4).
public struct GuestDeviceTree: Sendable {
  public var cpus: Int
  public var memoryBase: UInt64
  public var memorySize: UInt64
  public var commandLine: String
  /// Guest addresses of the ramdisk, if there is one.
  public var ramdisk: Range<UInt64>?
  /// 2 or 3.
  public var interruptControllerGeneration: Int
  /// Whether the board's CPUs have virtualization extensions and a generic timer; else the timer is an SP804.
  public var hasGenericTimer = true
  /// Given to this VM alone; nil for none.
  public var key: [UInt8]?
  public var windows: [SharedWindow] = []
  /// Whether there is a PL031.
  public var hasClock = false
  /// What it has of the device server; nil for a VM that is no client.
  public var client: Client?
  /// What it is told as the device server; nil for any other VM.
  public var deviceServer: DeviceTreeNode?

  /// A window of memory that the VM shares with others.
  public struct SharedWindow: Equatable, Sendable {
    public var name: String
    public var guestAddress: UInt64
    public var isWritable: Bool
  }

  /// Bytes of the seeds that the device fills at every start, by property of `/chosen`.
  static let seeds = [(name: "rng-seed", size: 64), (name: "kaslr-seed", size: 8)]

  /// The property of `/chosen` with the key that only this VM has.
  static let keyName = "pocketvisor,key"
  /// What a node of shared memory is compatible with.
  static let windowName = "pocketvisor,shared-window"
  /// The same for what a vault shares with the device server.
  static let mailboxName = "pocketvisor,mailbox"

  enum Handle {
    static let clock: UInt32 = 1
    static let interruptController: UInt32 = 2
    static let timerClock: UInt32 = 3
  }

  /// Interrupt cells: type, number, trigger.
  enum Interrupt {
    static let shared: UInt32 = 0
    static let perCPU: UInt32 = 1
    static let levelHigh: UInt32 = 4
    /// Where a GICv2's tree says which CPUs get a per-CPU interrupt.
    static let targetsShift: UInt32 = 8
  }

  /// The tree's root.
  public var root: DeviceTreeNode {
    var root = DeviceTreeNode("")
    root.set("compatible", "linux,dummy-virt")
    root.set("model", "Pocketvisor virtual machine")
    root.set("interrupt-parent", cells: [Handle.interruptController])
    root.set("#address-cells", cells: [2])
    root.set("#size-cells", cells: [2])
    root.children = [
      chosen, Self.memory(at: memoryBase, memorySize), processors, firmware,
      hasGenericTimer ? timer : dualTimer, interruptController, clock,
      console,
    ]
    // A watchdog counts with the generic timer.
    root.children += [
      hasGenericTimer ? watchdog : nil, windowMemory, hasClock ? realTimeClock : nil,
      hasGenericTimer ? nil : timerClock, deviceServer,
    ].compactMap(\.self)
    root.children += virtioDevices + windows.map(sharedMemory)
    return root
  }

  private var chosen: DeviceTreeNode {
    var node = DeviceTreeNode("chosen")
    node.set("bootargs", commandLine)
    node.set("stdout-path", "/pl011@9000000")
    if let ramdisk {
      node.set("linux,initrd-start", numbers: [ramdisk.lowerBound])
      node.set("linux,initrd-end", numbers: [ramdisk.upperBound])
    }
    if let key { node.set(Self.keyName, bytes: key) }
    for seed in Self.seeds { node.set(seed.name, bytes: Array(repeating: 0, count: seed.size)) }
    if let frameBuffer = client?.frameBuffer {
      node.set("#address-cells", cells: [2])
      node.set("#size-cells", cells: [2])
      node.set("ranges")
      node.children = [Self.frameBuffer(at: frameBuffer)]
    }
    return node
  }

  private var processors: DeviceTreeNode {
    var node = DeviceTreeNode("cpus")
    node.set("#address-cells", cells: [1])
    node.set("#size-cells", cells: [0])
    node.children = (0..<UInt32(cpus)).map(processor)
    return node
  }

  private func processor(_ number: UInt32) -> DeviceTreeNode {
    var node = DeviceTreeNode("cpu@\(number)")
    node.set("device_type", "cpu")
    node.set("compatible", hasGenericTimer ? "arm,armv8" : "arm,cortex-a9")
    node.set("reg", cells: [number])
    node.set("enable-method", "psci")
    return node
  }

  private var firmware: DeviceTreeNode {
    var node = DeviceTreeNode("psci")
    node.set("compatible", "arm,psci-1.0", "arm,psci-0.2")
    node.set("method", "hvc")
    return node
  }

  /// Secure, non-secure, virtual and hypervisor timer, as on `virt`.
  private var timer: DeviceTreeNode {
    var node = DeviceTreeNode("timer")
    node.set("compatible", "arm,armv8-timer", "arm,armv7-timer")
    let targets: UInt32 = isVersion3 ? 0 : (1 << UInt32(cpus) - 1) << Interrupt.targetsShift
    node.set(
      "interrupts", cells: [13, 14, 11, 10].flatMap { [Interrupt.perCPU, $0, targets | Interrupt.levelHigh] })
    node.set("always-on")
    return node
  }

  /// An SP804: two timers of 1 MHz with one interrupt.
  private var dualTimer: DeviceTreeNode {
    var node = DeviceTreeNode("timer@9040000")
    node.set("compatible", "arm,sp804", "arm,primecell")
    node.set("reg", numbers: [0x904_0000, 0x1000])
    node.set("interrupts", cells: [Interrupt.shared, 10, Interrupt.levelHigh])
    node.set("clocks", cells: [Handle.timerClock, Handle.timerClock, Handle.clock])
    node.set("clock-names", "timer0clk", "timer1clk", "apb_pclk")
    return node
  }

  private var timerClock: DeviceTreeNode {
    fixedClock("timer-clk", hertz: 1_000_000, output: "timer_clk", handle: Handle.timerClock)
  }

  private var isVersion3: Bool { interruptControllerGeneration == 3 }

  private var interruptController: DeviceTreeNode {
    var node = DeviceTreeNode("intc@8000000")
    node.set("compatible", isVersion3 ? "arm,gic-v3" : "arm,cortex-a15-gic")
    let distributor: [UInt64] = [0x800_0000, 0x1_0000]
    let banks: [UInt64] = isVersion3 ? [0x80A_0000, 0x2_0000 * UInt64(cpus)] : [0x801_0000, 0x2000]
    node.set("reg", numbers: distributor + banks)
    node.set("interrupt-controller")
    node.set("#interrupt-cells", cells: [3])
    node.set("#address-cells", cells: [2])
    node.set("#size-cells", cells: [2])
    node.set("ranges")
    node.set("phandle", cells: [Handle.interruptController])
    return node
  }

  private var clock: DeviceTreeNode {
    fixedClock("apb-pclk", hertz: 24_000_000, output: "clk24mhz", handle: Handle.clock)
  }

  private func fixedClock(_ name: String, hertz: UInt32, output: String, handle: UInt32) -> DeviceTreeNode {
    var node = DeviceTreeNode(name)
    node.set("compatible", "fixed-clock")
    node.set("#clock-cells", cells: [0])
    node.set("clock-frequency", cells: [hertz])
    node.set("clock-output-names", output)
    node.set("phandle", cells: [handle])
    return node
  }

  private var console: DeviceTreeNode {
    var node = DeviceTreeNode("pl011@9000000")
    node.set("compatible", "arm,pl011", "arm,primecell")
    node.set("reg", numbers: [0x900_0000, 0x1000])
    node.set("interrupts", cells: [Interrupt.shared, 1, Interrupt.levelHigh])
    node.set("clocks", cells: [Handle.clock, Handle.clock])
    node.set("clock-names", "uartclk", "apb_pclk")
    return node
  }

  /// Control frame, then refresh frame (Linux: watchdog/arm,sbsa-gwdt.yaml).
  private var watchdog: DeviceTreeNode {
    var node = DeviceTreeNode("watchdog@90d0000")
    node.set("compatible", "arm,sbsa-gwdt")
    node.set("reg", numbers: [0x90D_0000, 0x1000, 0x90C_0000, 0x1000])
    node.set("interrupts", cells: [Interrupt.shared, 9, Interrupt.levelHigh])
    return node
  }

  private func sharedMemory(_ window: SharedWindow) -> DeviceTreeNode {
    var node = DeviceTreeNode("shared-memory@\(String(window.guestAddress, radix: 16))")
    let isMailbox = window.name.hasSuffix(WindowDescription.mailbox)
    node.set("compatible", isMailbox ? Self.mailboxName : Self.windowName)
    node.set("label", window.name)
    node.set("reg", numbers: [window.guestAddress, PhoneLimits.memoryGranule])
    if !window.isWritable { node.set("read-only") }
    return node
  }
}
