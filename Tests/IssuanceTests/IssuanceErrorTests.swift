import Testing

@testable import Cryptoki
@testable import TokencertIssuance
@testable import TokencertLedger

/// The errors of a job after failures of a token or of the ledger.
@Suite struct IssuanceErrorTests {
    private func failure(
        _ value: ReturnValue?, of function: String = "C_Login",
        _ code: CryptokiError.Code = .returned
    ) -> IssuanceError {
        IssuanceError(
            CryptokiError(code, function: function, returnValue: value, context: "the context"),
            at: .write, while: "it failed")
    }

    // Otherwise an unrecognized refusal of a PIN would lead to further tries and a locked token.
    @Test("Each return value of a token has the code that determines the hints")
    func returnValues() {
        let codes: [(IssuanceError.Code, [ReturnValue])] = [
            (
                .pinRefused,
                [.pinIncorrect, .pinInvalid, .pinLenRange, .pinLocked, .userTypeInvalid]
            ),
            (.pinExpired, [.pinExpired]),
            (
                .tokenNotWritable,
                [.deviceMemory, .tokenWriteProtected, .sessionReadOnly, .userPINNotInitialized]
            ),
            (
                .tokenFailed,
                [
                    .generalError, .functionFailed, .deviceError, .deviceRemoved,
                    .userNotLoggedIn, .functionNotSupported, .keyFunctionNotPermitted,
                    ReturnValue(rawValue: 0x8000_0001),
                ]
            ),
        ]
        for (code, values) in codes {
            for value in values {
                let error = failure(value)
                #expect(error.code == code, "\(value)")
                #expect(error.step == .write && error.reason == "it failed")
                #expect(error.text == "it failed [\(value)]")
                #expect(error.tokenError?.returnValue == value)
            }
        }
    }

    @Test("A prohibited action means that an object cannot be removed only during a removal")
    func prohibited() {
        #expect(failure(.actionProhibited, of: "C_DestroyObject").code == .notDestroyable)
        for function in ["C_CreateObject", "C_Sign", "C_GenerateKeyPair", ""] {
            #expect(failure(.actionProhibited, of: function).code == .tokenFailed)
        }
    }

    @Test("A failure without a return value is described in words")
    func withoutValue() {
        let missing = failure(nil, of: "C_SignInit", .functionMissing)
        #expect(missing.code == .tokenFailed)
        #expect(missing.text == "it failed [the module has no C_SignInit (the context)]")
        // The token did not fail: another one is in the slot.
        let other = failure(nil, .otherToken)
        #expect(other.code == .noSuchObject && other.reason == "the context")
        #expect(other.tokenError == nil && other.text == "the context")
    }

    @Test("The details of a failure are kept when more are added")
    func adding() {
        let first = IssuanceError(
            .accountLacks, at: .plan, "r", choices: ["a"], wanted: "b"
        ).with(circumstances: [.orderIsOver], seenCertificate: "pkcs11:")
        let second = first.with(reason: "s", order: OrderStanding(7, nil))
        #expect(second.code == .accountLacks && second.step == .plan && second.reason == "s")
        #expect(second.choices == ["a"] && second.wanted == "b")
        #expect(second.circumstances == [.orderIsOver])
        #expect(second.seenCertificate == "pkcs11:" && second.order?.number == 7)
        #expect(second.with().order?.number == 7 && first.order == nil)
    }

    @Test("An IssuanceError from a body is unchanged, and any other error counts as the token's")
    func anyError() throws {
        struct Other: Error, CustomStringConvertible { let description = "other" }
        func fail(_ error: any Error) throws -> Int { throw error }
        let own = IssuanceError(.idTaken, at: .generate, "r")
        let kept = try #require(throws: IssuanceError.self) {
            _ = try at(.write, "writing") { try fail(own) }
        }
        #expect(kept.code == .idTaken && kept.step == .generate)
        let token = try #require(throws: IssuanceError.self) {
            _ = try at(.write, "writing") {
                try fail(CryptokiError(.returned, function: "C_Login", returnValue: .pinLocked))
            }
        }
        #expect(token.code == .pinRefused && token.reason == "writing")
        let other = try #require(throws: IssuanceError.self) {
            _ = try at(.write, "writing") { try fail(Other()) }
        }
        #expect(other.code == .tokenFailed && other.step == .write && other.reason == "other")
    }

    // Otherwise the hint would recommend resume for an order in use, or omit it for others.
    @Test("Each failure of the ledger has the code that determines the hints")
    func ledger() {
        let codes: [(LedgerError.Code, IssuanceError.Code)] = [
            (.unfinished, .otherOrderUnfinished), (.inUse, .orderInUse),
            (.alreadyReplaced, .alreadyReplaced), (.alreadySent, .orderPending),
            (.unusable, .ledgerFailed), (.absent, .ledgerFailed), (.full, .ledgerFailed),
            (.locked, .ledgerFailed), (.damaged, .ledgerFailed), (.newer, .ledgerFailed),
            (.noSuchOrder, .ledgerFailed), (.finished, .ledgerFailed),
        ]
        for (code, expected) in codes {
            let error = IssuanceError(ledger: LedgerError(code, "r", order: 7), at: .order)
            #expect(error.code == expected && error.step == .order, "\(code)")
            #expect(error.reason == "r" && error.order?.number == 7)
            // The order cannot be read, so it may have been sent.
            #expect(error.order?.mayHaveOrdered == true && error.order?.nextAction == nil)
        }
        #expect(IssuanceError(ledger: LedgerError(.full, "r"), at: .order).order == nil)
    }
}
