import Testing

extension Trait where Self == TimeLimitTrait {
  /// Names a test in which the hypervisor never returns to its guest.
  ///
  /// A test waits for a thread while the guests on QEMU have them all, which counts as its time: so the limit is as
  /// long as a whole run may take.
  static var reportsHangs: Self { .timeLimit(.minutes(45)) }
}
