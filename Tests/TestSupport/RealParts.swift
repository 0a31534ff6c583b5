internal import Testing

/// All tests that use a module, a server or the program itself, one after the other: the test
/// targets share a process, SoftHSM2 has one configuration for each process, and the machine may be
/// small.
@Suite(.serialized) package struct RealParts {}
