// Checks that the virtual machine behaves as the architecture says. QEMU's `virt` board is the oracle:
// every check holds there too, except for those asked for by the word `pocketvisor` in the boot arguments.

import GuestMachine
import GuestSupport

/// Prints one line for each check and counts.
enum Report {
  nonisolated(unsafe) static var passed: UInt64 = 0
  nonisolated(unsafe) static var failed: UInt64 = 0
  /// Whether this runs under Pocketvisor, so that promises beyond the architecture are checked.
  nonisolated(unsafe) static var underPocketvisor = false

  static func finish() {
    Console.write("conformance: ")
    Console.write(decimal: passed)
    Console.write(" passed, ")
    Console.write(decimal: failed)
    Console.write(" failed\n")
  }
}

/// Reports whether a condition holds; `detail` is printed when it does not.
func check(_ name: StaticString, _ condition: Bool, _ detail: UInt64 = 0) {
  Console.write(condition ? "ok " : "FAIL ")
  Console.write(name)
  if condition {
    Report.passed += 1
  } else {
    Report.failed += 1
    Console.write(" ")
    Console.write(hex: detail)
  }
  Console.write("\n")
}

/// Reports whether a value is the one that is due.
func expect(_ name: StaticString, _ actual: UInt64, _ wanted: UInt64) {
  if actual == wanted { return check(name, true) }
  Report.failed += 1
  Console.write("FAIL ")
  Console.write(name)
  Console.write(" is ")
  Console.write(hex: actual)
  Console.write(", should be ")
  Console.write(hex: wanted)
  Console.write("\n")
}

func expect(_ name: StaticString, _ actual: UInt32, _ wanted: UInt32) {
  expect(name, UInt64(actual), UInt64(wanted))
}

func expect(_ name: StaticString, _ actual: Int64, _ wanted: Int64) {
  expect(name, UInt64(bitPattern: actual), UInt64(bitPattern: wanted))
}

func runConformance() {
  let arguments = BootArguments()
  Report.underPocketvisor = arguments.contains("pocketvisor")
  initializeInterrupts()
  checkIdentity()
  checkTraps()
  checkMemory()
  checkDistributor()
  if !InterruptController.isVersion2 { checkRedistributors() }
  checkPrivateInterrupts()
  checkDelivery()
  checkPriorities()
  checkCrowd()
  checkTimers()
  checkConsole(input: arguments.contains("input"))
  checkPower()
  checkVectors()
  if Report.underPocketvisor {
    checkWatchdog()
    checkFramework()
  }
  if Processors.count > 1 { checkProcessors() }
  Report.finish()
  PowerInterface.systemOff()
}
