// What the hypervisor and the translator say to each other. Both are one CPU's: the hypervisor starts the translator with
// a request in r0 and its argument in r1; the translator ends, or asks for something, by SVC with a `TranslatorCall` in r0.

/// What the translator is to do. The guest's registers are in the state page's frame.
public enum TranslatorRequest {
  /// The CPU comes out of reset; the argument is the guest's PC.
  public static var start: UInt32 { 0 }
  /// Cached code left by SVC; the argument is its immediate.
  public static var exit: UInt32 { 1 }
  /// A store to the status window aborted.
  public static var statusStore: UInt32 { 2 }
  /// The guest takes an exception, the argument, at its known PC.
  public static var take: UInt32 { 3 }
  /// The same where cached code was interrupted.
  public static var interrupt: UInt32 { 4 }
  /// The code of a page, the argument, is no longer what was translated. Cached code was interrupted, or User mode.
  public static var drop: UInt32 { 5 }
  /// All code is to be translated anew. Cached code was interrupted, or User mode.
  public static var flush: UInt32 { 6 }
  /// The same behind an instruction that left by SVC.
  public static var dropBehind: UInt32 { 7 }
  public static var flushBehind: UInt32 { 8 }
}

/// What the translator asks for.
public enum TranslatorCall {
  /// Done: the guest goes on in cached code at the frame's position.
  public static var resume: UInt32 { 0 }
  /// Done: it goes on in User mode at its own PC.
  public static var user: UInt32 { 1 }
  /// The cache is damaged.
  public static var lost: UInt32 { 2 }
  /// Code is about to be translated from r2 bytes at r1. The translator goes on.
  public static var protect: UInt32 { 3 }
  /// Code was written: r1, r2 bytes. The translator goes on.
  public static var publish: UInt32 { 4 }
  /// LDRT, STRT or one of their kin accesses r1, as a store if r2 is not 0. The translator goes on if the guest's User mode
  /// may do that; else the guest takes the abort.
  public static var checkUser: UInt32 { 5 }
}

extension Translator {
  /// Does what the hypervisor asks for.
  /// - Returns: a `TranslatorCall`.
  public func serve(_ request: UInt32, _ argument: UInt32) -> UInt32 {
    switch request {
    case TranslatorRequest.start:
      reset()
      enter(argument)
    case TranslatorRequest.exit: return Translator.call(handle(argument))
    case TranslatorRequest.statusStore: return Translator.call(handleStatusStore())
    case TranslatorRequest.take: return take(argument)
    case TranslatorRequest.interrupt: return recover() ? take(argument) : TranslatorCall.lost
    default: return forget(request, argument)
    }
    return TranslatorCall.resume
  }

  /// What ends a request. Departures that are the hypervisor's do not come here.
  private static func call(_ outcome: Outcome) -> UInt32 {
    switch outcome {
    case .resume: return TranslatorCall.resume
    case .user: return TranslatorCall.user
    default: return TranslatorCall.lost
    }
  }

  private func take(_ exception: UInt32) -> UInt32 {
    guard let exception = GuestException(rawValue: exception) else { return TranslatorCall.lost }
    // A return from an exception that was under way may have masked it.
    if exception == .interrupt, self[.status] & Status.interrupts != 0 { return Translator.call(goOn()) }
    take(exception)
    return TranslatorCall.resume
  }

  /// Forgets code, and goes on where the guest was.
  private func forget(_ request: UInt32, _ page: UInt32) -> UInt32 {
    let isBehind = request >= TranslatorRequest.dropBehind
    if isBehind { self[.position] = self[.position] &- 4 }
    guard isInUserMode || recover() else { return TranslatorCall.lost }
    if isBehind {
      self[.programCounter] = self[.programCounter] &+ 4
      self[.ifThen] = ITState.advanced(self[.ifThen])
    }
    let isDrop = request == TranslatorRequest.drop || request == TranslatorRequest.dropBehind
    // A branch may have been translated with a word from the other page of the pair.
    isDrop ? drop(page & ~8191, count: 8192) : flush()
    return Translator.call(goOn())
  }
}
