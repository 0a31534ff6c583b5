internal import TokencertPlatform

/// The target that `TOKENCERT_FUZZ_TARGET` names.
private let target: FuzzTarget = {
    let name = environmentVariable("TOKENCERT_FUZZ_TARGET") ?? ""
    guard let target = FuzzTarget(rawValue: name) else {
        let names = FuzzTarget.allCases.map(\.rawValue).joined(separator: ", ")
        fatalError("TOKENCERT_FUZZ_TARGET must be one of \(names)")
    }
    return target
}()

/// The function that libFuzzer calls with each input.
///
/// - Returns: 0: libFuzzer keeps the input if it reached new code.
@_cdecl("LLVMFuzzerTestOneInput")
package func testOneInput(_ data: UnsafePointer<UInt8>?, _ size: Int) -> Int32 {
    unsafe target.read(Array(UnsafeBufferPointer(start: data, count: size)))
    return 0
}
