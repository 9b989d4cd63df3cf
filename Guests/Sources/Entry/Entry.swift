// The smallest guest: tells when its first instruction ran.

import GuestMachine
import GuestSupport

func runEntry() {
  Console.write("bench entry-ticks ")
  Console.write(decimal: first_virtual_count())
  // Where a hypervisor lets a guest's virtual clock begin at its start, the physical one tells how late that was.
  Console.write("\nbench clock-offset-ticks ")
  Console.write(decimal: read_CNTPCT_EL0() &- read_CNTVCT_EL0())
  Console.write("\nentry: done\n")
  PowerInterface.systemOff()
}
