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

/// The exit status of each error. Scripts use it to decide whether they may order again.
@Suite struct FailureStatusTests {
    /// The status of each failure of a job, as in ExitStatus.md.
    static var ofJobs: [(status: TokencertCommands.ExitStatus, codes: [IssuanceError.Code])] {
        [
            (
                .dataRefused,
                [
                    .keyNotAccepted, .accountLacks, .nameNotIssuable, .addressNotIssuable,
                    .badSubject, .orderRefused,
                ]
            ),
            (.noSuchObject, [.noSuchObject, .severalObjects, .keyGone]),
            (.unreachable, [.caUnreachable]),
            (
                .cannotCreate,
                [
                    .tokenUnsuitable, .tokenNotWritable, .idTaken, .labelTaken, .noSuchPlace,
                    .noRoom, .notDestroyable, .keyUnusable, .keyTooWeak,
                ]
            ),
            (.tokenFailed, [.tokenFailed, .keyUnsafe, .notProved]),
            (
                .pending,
                [
                    .orderPending, .needsDecision, .otherOrderUnfinished, .alreadyReplaced,
                    .orderInUse,
                ]
            ),
            (
                .certificateWrong,
                [
                    .certificateWrong, .issuerNotTrusted, .certificateDiffers, .notTheOutcome,
                    .issuedBeforeOrder,
                ]
            ),
            (.noPermission, [.pinRefused, .pinExpired, .pinLastTry, .credentialsRefused]),
            (.configuration, [.ledgerFailed]),
        ]
    }

    @Test("The exit statuses are those in ExitStatus.md")
    func documented() throws {
        let file = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../../Sources/Commands/Documentation.docc/ExitStatus.md")
            .standardizedFileURL
        let text = try String(contentsOf: file, encoding: .utf8)
        let rows = text.split(separator: "\n").filter { $0.hasPrefix("| ") }.dropFirst()
        let expected = TokencertCommands.ExitStatus.allCases.map {
            "| \($0.rawValue) | \($0.meaning) |"
        }
        #expect(rows.map { String($0) } == expected)
    }

    // Otherwise a script could order a second certificate or give up a key.
    @Test("Each failure of a job has its exit status, whatever the step")
    func jobs() {
        for (status, codes) in Self.ofJobs {
            for code in codes {
                for step in Step.allCases {
                    let failure = Failure(IssuanceError(code, at: step, "reason"))
                    #expect(failure.status == status, "\(code) at \(step)")
                    #expect(failure.code == code.description)
                    #expect(failure.message == "reason")
                }
            }
        }
    }

    @Test("A refused PIN and a failed token have different statuses")
    func tokens() {
        let ofPINs: [ReturnValue] = [
            .pinIncorrect, .pinInvalid, .pinLenRange, .pinExpired, .pinLocked,
        ]
        let others: [ReturnValue] = [
            .deviceRemoved, .deviceError, .functionFailed, .userNotLoggedIn,
            ReturnValue(rawValue: 0x8000_0001),
        ]
        for value in ofPINs + others {
            let error = CryptokiError(.returned, function: "C_Login", returnValue: value)
            let failure = Failure(error)
            #expect(failure.status == (ofPINs.contains(value) ? .noPermission : .tokenFailed))
            #expect(failure.code == value.description)
            #expect(failure.message.hasSuffix("[\(value)]"), "\(failure.message)")
            // The hint says that the PIN was sent, so one of its few attempts may be used up.
            #expect(failure.hints[0].hasPrefix("it was sent once") == ofPINs.contains(value))
        }
        let cases: [(CryptokiError.Code, TokencertCommands.ExitStatus)] = [
            (.invalidURI, .usage), (.otherToken, .noSuchObject),
            (.moduleUnusable, .configuration), (.functionMissing, .tokenFailed),
            (.malformedAnswer, .tokenFailed),
        ]
        for (code, status) in cases {
            let failure = Failure(CryptokiError(code, function: "C_Sign", context: "x"))
            #expect(failure.status == status && failure.code == code.description, "\(code)")
        }
    }

    // Otherwise a module that only needs arguments would look broken.
    @Test("Only CKR_ARGUMENTS_BAD leads to a hint about --module-arguments")
    func moduleArguments() {
        for value in [.argumentsBad, .deviceError, nil] as [ReturnValue?] {
            let error = CryptokiError(
                .moduleUnusable, function: "C_Initialize", returnValue: value)
            let isOffered = Failure(error).hints.contains { $0.contains("--module-arguments") }
            #expect(isOffered == (value == .argumentsBad), "\(String(describing: value))")
        }
    }

    @Test("Errors of ledgers, secrets and the CA have the statuses of their kinds")
    func others() {
        let ledger: [(LedgerError.Code, TokencertCommands.ExitStatus)] = [
            (.absent, .noSuchObject), (.noSuchOrder, .noSuchObject), (.inUse, .pending),
            (.locked, .configuration), (.full, .configuration), (.damaged, .configuration),
            (.newer, .configuration), (.unusable, .configuration),
        ]
        for (code, status) in ledger {
            let failure = Failure(LedgerError(code, "reason", order: 7))
            #expect(failure.status == status && failure.code == code.description, "\(code)")
        }
        let secrets: [(SecretError.Code, TokencertCommands.ExitStatus)] = [
            (.unknownSource, .usage), (.noTerminal, .usage), (.cancelled, .noPermission),
            (.interrupted, .interrupted), (.unreadable, .noPermission),
            (.timedOut, .noPermission), (.empty, .noPermission), (.malformed, .noPermission),
        ]
        for (code, status) in secrets {
            let failure = Failure(SecretError(code, "reason"))
            #expect(failure.status == status && failure.code == code.description, "\(code)")
            // Otherwise the user would count an attempt that was not made.
            #expect(
                [.unknownSource, .noTerminal].contains(code)
                    || failure.hints[0].contains("was sent"), "\(failure.hints)")
        }
        let ca: [(IssuanceError.Code, TokencertCommands.ExitStatus)] = [
            (.credentialsRefused, .noPermission), (.orderRefused, .dataRefused),
            (.caUnreachable, .unreachable),
        ]
        for (code, status) in ca {
            let failure = Failure(IssuanceError(code, at: .plan, "reason"))
            #expect(failure.status == status, "\(code)")
        }
        let x509 = X509Error(.malformed, "x")
        #expect(Failure(x509).status == .configuration)
        #expect(Failure(HTTPError(.failed, "reason")).status == .configuration)
    }

    // MARK: Trust anchors and refused PINs

    @Test("Unusable trust anchors have the status of a configuration error")
    func trust() {
        let denied = FileError("cannot read", "/a", number: 13)
        let broken = X509Error(.malformed, "x")
        let file = "/anchors/it's.pem"
        let errors: [TrustStoreError] = [
            .noAnchors, .folderUnreadable(denied), .notAFile(file), .changeable(file),
            .retiredRoot(file: file),
            .notWritten(denied), .certificateFile(.unreadable(denied)),
            .certificateFile(.brokenPEM(file: file, broken)),
            .certificateFile(.noCertificate(file: file, nil)),
            .anchorUnusable(file: file, .certificateFile(.noCertificate(file: file, broken))),
        ]
        for error in errors {
            let failure = Failure(error)
            #expect(failure.status == .configuration, "\(error)")
            #expect(!failure.hints.isEmpty && !failure.message.isEmpty, "\(error)")
        }
        // Users paste the command: it must remove that file and must not run anything else.
        let unusable = Failure(errors[errors.count - 1])
        #expect(unusable.code == "trustAnchorUnreadable")
        #expect(
            unusable.hints.contains(#"to remove it: tokencert trust remove 'it'\''s.pem'"#),
            "\(unusable.hints)")
        let named = Failure(trust: .certificateFile(.unreadable(denied)), option: "--cert")
        #expect(named.hints == ["set --cert to a file with certificates in PEM or one in DER"])
    }

    @Test("The hint to replace the PIN appears only if the source can change")
    func refusedPINs() {
        func hints(_ canChange: Bool, wasAnswered: Bool) -> [String] {
            let pin = RefusedPINsError.Refusal(
                name: "PIN", source: "file:/pin", canChange: canChange)
            let error: RefusedPINsError = wasAnswered ? .refusedBefore(pin) : .triedBefore(pin)
            let failure = Failure(error)
            #expect(failure.status == .noPermission && failure.message == "\(error)")
            return failure.hints
        }
        for wasAnswered in [true, false] {
            let changing = hints(true, wasAnswered: wasAnswered)
            #expect(changing.first == "put the correct PIN there" && changing.count == 2)
            #expect(changing.last?.contains("--retry-pin") == true)
            #expect(hints(false, wasAnswered: wasAnswered) == Array(changing.dropFirst()))
        }
        let path = "/state/it's/refused-pins"
        let unreadable = Failure(
            RefusedPINsError.unreadable(path: path, reason: "it is no JSON", nil))
        #expect(unreadable.status == .configuration && unreadable.code == "refusedPINsUnreadable")
        // The hint moves the file and does not remove it, since its content may be needed again.
        #expect(
            unreadable.hints.contains {
                $0.hasSuffix(
                    #"mv '/state/it'\''s/refused-pins' '/state/it'\''s/refused-pins.old'"#)
            }, "\(unreadable.hints)")
        // A record that cannot be read at the moment still protects the token.
        for (number, isMoved) in [(ENOENT, true), (ELOOP, true), (EMFILE, false), (EACCES, false)] {
            let error = FileError("cannot open", path, number: number)
            let failure = Failure(
                RefusedPINsError.unreadable(path: path, reason: "\(error)", error))
            #expect(failure.hints.contains { $0.contains(": mv ") } == isMoved, "\(error)")
        }
        let notWritten = Failure(RefusedPINsError.notWritten(reason: "the disk is full", nil))
        #expect(notWritten.code == "refusedPINsNotWritten" && !notWritten.hints.isEmpty)
    }

    // MARK: Secrets are never printed

    @Test("A PIN in the wrong place is not printed")
    func secrets() throws {
        for text in ["7654321", "pin:7654321", "file 7654321", "command:'7654321", "fd:7654321x"] {
            let error = try #require(throws: SecretError.self) { _ = try SecretSource(text) }
            let failure = Failure(error)
            #expect(failure.status == .usage && failure.code == "unknownSource", "\(text)")
            let all = ([failure.message] + failure.hints).joined(separator: "\n")
            #expect(!all.contains("7654321"), "\(all)")
        }
        for text in [
            "pkcs11:token=work?pin-value=7654321", "pkcs11:tok en=a?pin-value=7654321",
            "pkcs11:token=a?pin-value=7654321&pin-source=/a", "pkcs11:token=?pin-value=7654321",
            "pkcs11:token=work?pin-value=7654321&x=%zz", "x pkcs11:?pin-value=7654321",
        ] {
            let error = try #require(throws: (any Error).self) { _ = try parseURI(text) }
            let failure = Failure(error)
            #expect(failure.status == .usage, "\(text)")
            let all = ([failure.message] + failure.hints).joined(separator: "\n")
            #expect(!all.contains("7654321"), "\(all)")
        }
    }

    // MARK: Format

    // Otherwise a second line could look like a hint, or like the output of another program.
    @Test("An error message is a single line, whatever a token or a CA returned")
    func lines() {
        for (text, line) in [
            ("a\nb", "a b"), ("a\r\nb\rc", "a b c"), ("\n\na\n", "a"), ("a\u{2028}b", "a b"),
            ("a\u{85}b", "a b"), ("", ""), ("\n", ""),
        ] {
            let failure = Failure(.bug, text, hints: ["h"])
            #expect(failure.message == line, "\(text.debugDescription)")
        }
        #expect(Failure(.cannotCreate, "m", hints: ["h"]).code == "cannotCreate")
    }

    /// Programs that read the JSON rely on these names.
    @Test("A failure in JSON has an attachment only if data would be lost otherwise")
    func json() throws {
        let plain = FailureReport(Failure(.pending, code: "c", "m", hints: ["h"]))
        #expect(
            try jsonLine(plain) == #"{"code":"c","hints":["h"],"message":"m","status":75}"#)
        let full = FailureReport(
            Failure(.configuration, code: "c", "m", hints: [], attachment: ["a", "", "b"]))
        #expect(
            try jsonLine(full)
                == #"{"attachment":["a","","b"],"code":"c","hints":[],"message":"m","status":78}"#)
    }

    @Test("A missing or uninitialized token counts as absent, and several tokens do not")
    func absentTokens() {
        let codes: [(TokenSelectionError.Code, Bool)] = [
            (.none, true), (.uninitialized, true), (.several, false),
        ]
        for (code, isAbsent) in codes {
            let failure = Failure(TokenSelectionError(code: code, candidates: []))
            #expect(failure.status == .noSuchObject && failure.isTokenAbsent == isAbsent)
        }
        #expect(!Failure(.noSuchObject, "x", hints: ["h"]).isTokenAbsent)
    }

    @Test("A failed token operation is described in words, with the PKCS#11 name of the reason")
    func words() {
        let removed = CryptokiError(
            .returned, function: "C_Sign", returnValue: .deviceRemoved, context: "the key 01")
        #expect(
            removed.plainText == "cannot sign on the token (the key 01) [CKR_DEVICE_REMOVED]")
        let unknown = CryptokiError(
            .returned, function: "C_SeedRandom", returnValue: .functionFailed)
        #expect(
            unknown.plainText == "C_SeedRandom failed [CKR_FUNCTION_FAILED]")
        let missing = CryptokiError(.functionMissing, function: "C_CreateObject")
        #expect(missing.plainText == missing.description)
    }
}
