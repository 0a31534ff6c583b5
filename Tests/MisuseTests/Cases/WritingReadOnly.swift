import Cryptoki

func write(_ token: Token) throws {
    var session = try token.openSession(ReadOnly.self)
    _ = try session.createObject(Template())
}
