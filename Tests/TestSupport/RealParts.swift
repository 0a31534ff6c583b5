internal import Testing

/// All tests that use a module, a server or the program. They run one at a time, since the test
/// targets share a process and SoftHSM2 has one configuration per process.
@Suite(.serialized) package struct RealParts {}
