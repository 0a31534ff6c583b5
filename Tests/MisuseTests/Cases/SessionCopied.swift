import Cryptoki

func copy(_ token: Token) throws {
    let session = try token.openSession(ReadOnly.self)
    let second = session
    try second.close()
    try session.close()
}
