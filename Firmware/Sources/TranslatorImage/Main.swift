// The translator as a program: its memory is the guest's address space.

import Translator

/// - Returns: what ends the request.
@c(serve)
func serve(_ request: UInt32, _ argument: UInt32) -> UInt32 {
  Translator(space: GuestSpace(), layout: .standard).serve(request, argument)
}
