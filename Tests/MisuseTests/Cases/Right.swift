import Cryptoki
import TokencertPlatform

func right(_ token: Token, _ pin: borrowing Secret) throws {
    try token.withLogin(as: .user, pin: pin) {
        var session = try token.openSession(ReadWrite.self)
        var template = Template()
        template[.token] = true
        _ = try session.createObject(template)
        try session.close()
    }
}
