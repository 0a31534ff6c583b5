import Foundation
import Testing

@testable import Cryptoki
@testable import OpenSSLX509
@testable import TokencertCAcert
@testable import TokencertCommands
@testable import TokencertHTTP
@testable import TokencertIssuance
@testable import TokencertLedger
@testable import TokencertPlatform
@testable import TokencertTokens

/// Every error that the code can throw has a hint.
@Suite struct HintTests {
    private static let sources = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "../../Sources").standardizedFileURL

    /// The codes that a source file declares.
    private func codes(_ file: String) throws -> Set<String> {
        let text = try String(
            contentsOf: Self.sources.appending(path: file), encoding: .utf8)
        let names = text.matches(of: /static let (\w+) = Code\(value: "(\w+)"\)/)
            .map { String($0.output.2) }
        #expect(!names.isEmpty, "\(file) has no codes")
        return Set(names)
    }

    private func expectHints(_ failure: Failure, _ what: String) {
        #expect(!failure.hints.isEmpty, "\(what) has no hint")
        #expect(!failure.message.isEmpty && !failure.message.contains("\n"), "\(what)")
        #expect(!failure.code.isEmpty, "\(what)")
    }

    @Test("Each failure of a job has a hint, whatever the step")
    func issuance() throws {
        let all: [IssuanceError.Code] = [
            .tokenUnsuitable, .tokenNotWritable, .idTaken, .noSuchPlace, .noRoom, .noSuchObject,
            .severalObjects, .pinRefused, .pinExpired, .pinLastTry, .tokenFailed, .keyUnsafe,
            .notProved, .keyNotAccepted, .accountLacks, .badSubject, .orderRefused,
            .credentialsRefused, .caUnreachable, .orderPending, .needsDecision,
            .otherOrderUnfinished, .orderInUse, .alreadyReplaced, .ledgerFailed,
            .certificateWrong, .certificateDiffers, .nameNotIssuable, .addressNotIssuable,
            .issuerNotTrusted, .keyGone, .notTheOutcome, .issuedBeforeOrder, .labelTaken,
            .keyUnusable, .keyTooWeak, .notDestroyable, .certificateRevoked,
        ]
        #expect(Set(all.map(\.description)) == (try codes("Issuance/Order/IssuanceError.swift")))
        for code in all {
            for step in Step.allCases {
                // Errors about another order include its number.
                var standing = OrderStanding(7, nil)
                (standing.mayHaveOrdered, standing.nextAction) = (false, .order)
                let error = IssuanceError(code, at: step, "reason", choices: ["choice"])
                expectHints(
                    Failure(issuance: error.with(order: standing)), "\(code) at \(step)")
            }
        }
    }

    @Test("Each error of a token has a hint and contains the PKCS#11 name")
    func tokens() throws {
        let values = (1...UInt(0x1FF)).map { ReturnValue(rawValue: $0) }
        let named = values.compactMap { value in value.standardName.map { (value, $0) } }
        #expect(named.count > 80)
        for (value, name) in named {
            let error = CryptokiError(.returned, function: "C_Sign", returnValue: value)
            let failure = Failure(cryptoki: error)
            expectHints(failure, name)
            #expect(failure.message.contains(name), "\(failure.message)")
            let issuing = Failure(
                issuance: IssuanceError(error, at: .request, while: "the token did not sign"))
            expectHints(issuing, name)
            // The message is in plain words and ends with the PKCS#11 name.
            #expect(issuing.message.hasSuffix("[\(name)]"), "\(issuing.message)")
        }
        let all: [CryptokiError.Code] = [
            .returned, .functionMissing, .moduleUnusable, .invalidURI, .otherToken,
            .malformedAnswer,
        ]
        #expect(
            Set(all.map(\.description)).isSuperset(
                of: try codes("Cryptoki/Errors/CryptokiError.swift")))
        for code in all {
            expectHints(
                Failure(cryptoki: CryptokiError(code, function: "C_Sign", context: "x")), "\(code)")
        }
    }

    @Test("Errors of ledgers, secrets, connections and certificates have hints")
    func others() throws {
        let ledger: [LedgerError.Code] = [
            .noSuchOrder, .inUse, .locked, .full, .damaged, .newer, .unusable, .unfinished,
            .alreadyReplaced, .alreadySent, .finished, .absent,
        ]
        #expect(
            Set(ledger.map(\.description)).isSuperset(of: try codes("Ledger/LedgerError.swift")))
        for code in ledger {
            expectHints(Failure(LedgerError(code, "reason", order: 7)), "\(code)")
        }
        let secrets: [SecretError.Code] = [
            .unknownSource, .unreadable, .noTerminal, .cancelled, .interrupted,
            .timedOut, .empty, .malformed,
        ]
        #expect(
            Set(secrets.map(\.description)) == (try codes("Platform/Secrets/SecretError.swift")))
        for code in secrets { expectHints(Failure(SecretError(code, "reason")), "\(code)") }
        expectHints(Failure(HTTPError(.failed, "reason")), "HTTP")
        let full = Failure(FileError("cannot write", "/file", number: ENOSPC))
        #expect(full.status == .configuration)
        expectHints(full, "file")
        expectHints(Failure(X509Error(.failed, "x")), "X.509")
        for code in [TokenSelectionError.Code.none, .several, .uninitialized] {
            let failure = Failure(TokenSelectionError(code: code, candidates: []))
            // The hints for several tokens are their names, and this error has no candidates.
            #expect(code == .several || !failure.hints.isEmpty, "\(code)")
        }
    }

    @Test("An unexpected error has a hint")
    func bug() {
        struct Other: Error {}
        let failure = Failure(Other())
        #expect(failure.status == .bug)
        expectHints(failure, "a bug")
    }

    @Test("No failure in Commands is written with an empty list of hints")
    func literals() throws {
        let files = FileManager.default.enumerator(
            at: Self.sources.appending(path: "Commands"), includingPropertiesForKeys: nil)
        var count = 0
        for case let file as URL in files ?? .init() where file.pathExtension == "swift" {
            let text = try String(contentsOf: file, encoding: .utf8)
            count += text.matches(of: /hints: \[/).count
            #expect(!text.contains("hints: []"), "\(file.lastPathComponent)")
        }
        #expect(count > 50)
    }
}
