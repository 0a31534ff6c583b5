internal import TokencertPlatform

/// The target that `TOKENCERT_FUZZ_TARGET` names.
private let target: FuzzTarget = {
    let name = environmentVariable("TOKENCERT_FUZZ_TARGET") ?? ""
    guard let target = FuzzTarget(rawValue: name) else {
        let names = FuzzTarget.allCases.map(\.rawValue).joined(separator: ", ")
        fatalError("TOKENCERT_FUZZ_TARGET is one of \(names)")
    }
    return target
}()

/// What libFuzzer calls with each input.
///
/// - Parameters:
///   - data: The bytes, or nil where there are none.
///   - size: How many.
/// - Returns: 0: the input is kept where it reached something new.
@_cdecl("LLVMFuzzerTestOneInput")
package func testOneInput(_ data: UnsafePointer<UInt8>?, _ size: Int) -> Int32 {
    unsafe target.read(Array(UnsafeBufferPointer(start: data, count: size)))
    return 0
}
