import Cryptoki

func nest(_ session: inout Session<ReadOnly>, _ handles: [ObjectHandle]) throws {
    func inner(_ session: inout Session<ReadOnly>, _ found: [ObjectHandle]) {}
    inner(&session, try session.findObjects())
    _ = swapTwo(&session, &session)
}

func swapTwo(_ one: inout Session<ReadOnly>, _ two: inout Session<ReadOnly>) {}
