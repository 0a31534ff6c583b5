internal import OpenSSLX509
internal import TokencertCAcert
internal import TokencertIssuance
internal import TokencertPlatform

/// A transport that returns a fixed response.
private struct Echo: Transport {
    let answer: TransportAnswer

    mutating func post(
        to url: String, form: borrowing Secret
    ) throws(TransportError) -> TransportAnswer {
        answer
    }
}

func readAnswers(_ bytes: [UInt8]) {
    let answer = TransportAnswer(status: 200, body: bytes)
    switch AnswerMeaning(answer) {
    case .issued(let text): _ = Certificate.all(inPEM: text)
    case .refused(let text, _): precondition(isPlain(text) && isShort(text))
    case .pending(let identifier): precondition(identifier?.isEmpty != true)
    case .unclear(let reason): precondition(isPlain(reason) && isShort(reason))
    }
    let api = CAcertAccount(
        baseURL: "https://localhost", username: "a", password: Secret(),
        transport: Echo(answer: answer))
    if let status = try? api.accountStatus() {
        precondition(!status.names.contains(AccountStatus.anonymousName))
        for name in status.names {
            // A name in a certificate has one form of the name or none, never both.
            precondition(name.form(of: name.text) == .exact)
            _ = name.obstacle
        }
    }
}

/// A message is shown in full up to 4096 bytes, each of which may be a character of two bytes.
private func isShort(_ text: String) -> Bool { text.utf8.count <= 3 * 4096 + 100 }

/// Whether a text for the user has no line breaks.
private func isPlain(_ text: String) -> Bool {
    !text.unicodeScalars.contains { $0 == "\n" || $0 == "\r" }
}
