import Cryptoki
import OpenSSLX509
import Testing

@testable import TokencertCommands
@testable import TokencertIssuance
@testable import TokencertTokens

/// What prompts say, and what counts as an answer.
@Suite struct PromptRuleTests {
    // Otherwise a typing error would choose something.
    @Test("Only a number in the list is a choice")
    func numbers() {
        #expect(indexNumbered("1", among: 3) == 0 && indexNumbered("3", among: 3) == 2)
        for text in [
            "", "0", "4", "-1", "+1", "1 ", "1.0", "x", "99999999999999999999", "\u{0661}",
        ] {
            #expect(indexNumbered(text, among: 3) == nil, "\(text)")
        }
    }

    // A prompt that comes back after any other error could send a PIN again.
    @Test("Only a mistake that was not sent brings the prompt back")
    func mistakes() {
        for code in ["weakPIN", "pinLength", "notTheSame"] {
            let failure = Failure(.usage, code: code, "reason", hints: [])
            #expect(typingMistake(failure) == "reason")
        }
        #expect(typingMistake(IssuanceError(.pinRefused, at: .plan, "too short")) == "too short")
        #expect(typingMistake(IssuanceError(.pinLastTry, at: .plan, "locked")) == nil)
        #expect(typingMistake(Failure(.usage, code: "other", "reason", hints: [])) == nil)
    }

    @Test("A question is never asked before a command has begun")
    func noQuestion() {
        #expect(!isTextWanted)
        #expect(typedAnswer(to: "?") == nil && numberChosen("?", among: ["a", "b"]) == nil)
    }

    @Test("The explanation of a new PIN has its length and fits into 80 columns")
    func purposes() {
        let user = purposeOfPIN(.user, 4...255)
        #expect(user.contains("4 to 255 characters"))
        #expect(purposeOfPIN(.user, 6...Int.max).contains("6 or more characters"))
        for line in [user, purposeOfPIN(.securityOfficer, 4...8)] {
            #expect(line.count <= 80 && line.hasSuffix("Keep it safe."), "\(line)")
        }
    }

    // MARK: What is deleted

    private func record(_ number: UInt, _ objectClass: ObjectClass) -> ObjectRecord {
        ObjectRecord(
            handle: ObjectHandle(rawValue: number), objectClass: objectClass, id: [0xAB],
            labelBytes: Array("mail".utf8),
            on: try! ObjectURIs(token: PKCS11URI(parsing: "pkcs11:token=work")))
    }

    private func certificate(_ isReadable: Bool = true) -> CertificateEntry {
        CertificateEntry(
            record: record(9, .certificate), valueHash: [],
            content: isReadable
                ? CertificateEntry.Content(
                    subject: "CN=Anna", issuer: "CN=b", subjectName: "Anna", issuerName: "b",
                    serialNumber: "2dd50d", notBefore: 0, notAfter: 1_858_896_000,
                    keyKind: .ed25519, isAuthority: false) : nil,
            obstacle: isReadable ? nil : .pem, certificate: nil)
    }

    private func summary(
        _ classes: [ObjectClass], _ certificates: [CertificateEntry]
    ) -> RemovalSummary {
        RemovalSummary(
            key: nil, records: classes.map { record(1, $0) }, certificates: certificates,
            consequences: ["it stays"])
    }

    // Otherwise the user would confirm something else than what is deleted.
    @Test("Each object that is deleted has a line, and the result counts them")
    func removal() {
        let all = summary([.privateKey, .publicKey], [certificate()])
        #expect(
            all.lines(width: nil) == [
                "  key pair mail, id ab",
                "  certificate of Anna, serial 2dd50d, valid to 2028-11-27", "  ! it stays",
            ])
        #expect(all.count == "1 key pair and 1 certificate")
        #expect(summary([.publicKey], []).count == "1 public key")
        #expect(summary([.privateKey], []).count == "1 private key")
        #expect(summary([], [certificate(), certificate(false)]).count == "2 certificates")
        #expect(
            summary([], [certificate(false)]).lines(width: 80)[0] == "  certificate mail (PEM text)"
        )
    }
}
