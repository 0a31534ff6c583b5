import OpenSSLX509
import Testing
import TokencertLedger

@testable import Cryptoki
@testable import TokencertCommands
@testable import TokencertIssuance

/// Hints after a failure of a job: commands that users paste as they are printed.
@Suite struct JobHintTests {
    private func failure(
        _ code: IssuanceError.Code, choices: [String] = [], wanted: String? = nil,
        returned value: ReturnValue? = nil, order: OrderStanding? = nil
    ) -> Failure {
        let tokenError = value.map {
            CryptokiError(.returned, function: "C_CreateObject", returnValue: $0)
        }
        let error = IssuanceError(
            code, at: .write, "reason", tokenError: tokenError, choices: choices, wanted: wanted)
        return Failure(issuance: error.with(order: order))
    }

    /// An order with the given state in the ledger.
    private func order(
        _ nextAction: NextAction? = nil, mayHaveOrdered: Bool = true, isFromElsewhere: Bool = false
    ) -> OrderStanding {
        var order = OrderStanding(7, nil)
        order.nextAction = nextAction
        order.mayHaveOrdered = mayHaveOrdered
        order.isFromElsewhere = isFromElsewhere
        return order
    }

    // MARK: The clock

    // Otherwise the user would search for the fault at the CA.
    @Test("A TLS certificate that is expired or not yet valid suggests checking the clock")
    func clock() {
        let advice = "check this machine's clock: date"
        for (reason, isClock) in [
            ("SSL certificate problem: certificate has expired", true),
            ("SSL certificate problem: certificate is not yet valid", true),
            ("SSL certificate problem: unable to get local issuer certificate", false),
            ("Could not resolve host: www.cacert.org", false),
        ] {
            let text = "the CA cannot be reached: " + reason
            let failure = Failure(IssuanceError(.caUnreachable, at: .plan, text))
            #expect((failure.hints.first == advice) == isClock, "\(failure.hints)")
            #expect(failure.hints.contains { $0.hasPrefix("nothing was ordered") })
        }
    }

    // MARK: Placeholders

    @Test("No hint has a placeholder that is not replaced")
    func filled() {
        let actions: [NextAction?] = [
            nil, .nothing, .order, .certificate, .key, .decision("it was late"),
        ]
        var standings: [OrderStanding?] = [nil]
        for action in actions {
            for isElsewhere in [false, true] {
                for mayHaveOrdered in [false, true] {
                    standings.append(
                        order(
                            action, mayHaveOrdered: mayHaveOrdered, isFromElsewhere: isElsewhere))
                }
            }
        }
        for code in FailureStatusTests.ofJobs.flatMap({ $0.codes }) {
            for standing in standings {
                for choices in [[], ["one"], ["one", "two"]] {
                    let hints = failure(code, choices: choices, order: standing).hints
                    let open = hints.filter { $0.contains("{") || $0.contains("}") }
                    #expect(open.isEmpty, "\(code): \(open)")
                    #expect(!hints.contains(""), "\(code)")
                }
            }
        }
    }

    // Otherwise a name on a token could become a command that the user pastes.
    @Test("Braces and quotation marks in a choice are printed literally")
    func hostileChoices() {
        let names = ["{resume}", "{abandon}", "{order}", "{choice}", "{choices}", #"\0$1"#]
        let standing = order(.order)
        for code in [IssuanceError.Code.nameNotIssuable, .addressNotIssuable] {
            let option = code == .nameNotIssuable ? "--name" : "--email"
            let hints = failure(code, choices: names, order: standing).hints
            for name in names {
                #expect(
                    hints.contains("with tokencert issue, use instead: \(option) '\(name)'"),
                    "\(hints)")
            }
        }
        let places = failure(.noSuchPlace, choices: names, order: standing).hints
        #expect(places.contains("set --id to one of: " + names.joined(separator: ", ")))
        let reasons = failure(.tokenUnsuitable, choices: names, order: standing).hints
        #expect(reasons.starts(with: names))
        let quotes = failure(.nameNotIssuable, choices: ["O'Neill; id", "$(id)"]).hints
        #expect(
            quotes.starts(with: [
                #"with tokencert issue, use instead: --name 'O'\''Neill; id'"#,
                "with tokencert issue, use instead: --name '$(id)'",
            ]), "\(quotes)")
    }

    // MARK: Choices

    @Test("The most similar choice comes first and is not repeated")
    func accountLacks() {
        let hints = failure(
            .accountLacks, choices: ["robert.meyer@example.net", "anna@example.org"],
            wanted: "anan@example.org"
        ).hints
        #expect(
            hints == [
                "did you mean anna@example.org?", "the account has: robert.meyer@example.net",
                "to see what your account may request: tokencert account",
            ])
        let unlike = failure(.accountLacks, choices: ["anna@example.org"], wanted: "x").hints
        #expect(unlike.first == "the account has: anna@example.org")
        let several = failure(.accountLacks, choices: ["Anna", "Bob"]).hints
        #expect(several.prefix(2) == ["the account has: Anna", "the account has: Bob"])
        // Otherwise scripts would not learn which option is missing.
        for (missing, hint) in [
            (IssuanceError.MissingValue.name, "one of them: --name 'Anna Bo'"),
            (.emailAddress, "one of them: --email a@example.org"),
        ] {
            var error = IssuanceError(
                .accountLacks, at: .plan, "reason", choices: ["Anna Bo", "a@example.org"])
            error.missing = missing
            #expect(Failure(issuance: error).hints.contains(hint))
        }
    }

    // Otherwise the user would keep pasting a URI that matches several objects.
    @Test("Objects with the same URI are not offered by that URI")
    func severalObjects() {
        for choices in [[], ["pkcs11:id=%01"], ["pkcs11:id=%01", "pkcs11:id=%01"]] {
            let hints = failure(.severalObjects, choices: choices).hints
            #expect(!hints.contains { $0.contains("--key") }, "\(hints)")
            #expect(hints.contains { $0.contains("a CKA_ID of its own") }, "\(hints)")
        }
        #expect(
            failure(.severalObjects, choices: ["pkcs11:id=%01", "pkcs11:object=it's"]).hints == [
                "one of them: --key 01",
                #"one of them: --key 'it'\''s'"#,
            ])
    }

    @Test("A missing object leads to hints with the most similar objects first")
    func noSuchObject() {
        let uris = ["pkcs11:object=web;type=private", "pkcs11:object=mail;type=private"]
        let hints = failure(.noSuchObject, choices: uris, wanted: "pkcs11:object=mial").hints
        #expect(hints.first == "did you mean mail?", "\(hints)")
        // A text that is not a URI is similar to nothing.
        let garbage = failure(.noSuchObject, choices: uris, wanted: "garbage").hints
        #expect(!garbage.contains { $0.contains("pkcs11:") }, "\(garbage)")
    }

    @Test("A label in use leads to renewing or using its key, or to another label")
    func labelTaken() {
        #expect(
            failure(.labelTaken, choices: ["pkcs11:object=a'b"]).hints == [
                #"to renew the certificate of that key: tokencert renew 'a'\''b'"#,
                #"to use that key: --key 'a'\''b' instead of --label"#,
                "to make another key, use another --label",
            ])
    }

    // MARK: What the token returned

    @Test(
        "A removed token has its own hint, and only a missing login mentions the security officer"
    )
    func returned() {
        #expect(
            failure(.tokenFailed, returned: .deviceRemoved).hints == ["insert the token again"])
        let login = failure(.tokenFailed, returned: .userNotLoggedIn).hints
        #expect(login.count == 2 && login[0].contains("the SO PIN"), "\(login)")
        for value in [.functionFailed, .deviceError, nil] as [ReturnValue?] {
            let hints = failure(.tokenFailed, returned: value).hints
            #expect(hints.count == 1 && hints[0].hasSuffix(": tokencert tokens"), "\(hints)")
        }
        // For another failure the same return value has another meaning.
        let unsafe = failure(.keyUnsafe, returned: .deviceRemoved).hints
        #expect(unsafe == failure(.keyUnsafe).hints)
    }

    @Test("After the token is back, the hint is to resume the order")
    func removedDuringOrder() {
        let hints = failure(
            .tokenFailed, returned: .deviceRemoved, order: order(.certificate)
        ).hints
        #expect(hints.first == "insert the token again")
        #expect(hints.contains("to continue: tokencert resume 7"))
    }

    // MARK: State of the order

    // Otherwise the user could make a new key and order again although the certificate has arrived.
    @Test("If the certificate has arrived, the hint is to make room and not to order again")
    func noRoom() {
        func hints(_ order: OrderStanding?) -> [String] {
            failure(.noRoom, choices: ["place 04 is free"], order: order).hints
        }
        let certified = hints(order(.certificate))
        #expect(certified[0].contains("is in the ledger"), "\(certified)")
        let waiting = hints(order(.decision("late")))
        #expect(waiting[0] == "make room for a certificate on the token first", "\(waiting)")
        for ordered in [certified, waiting] {
            #expect(!ordered.contains { $0.contains("tokencert issue") }, "\(ordered)")
            #expect(!ordered.contains("place 04 is free"))
        }
        for notOrdered in [hints(nil), hints(order(.order, mayHaveOrdered: false))] {
            #expect(notOrdered.prefix(1) == ["place 04 is free"], "\(notOrdered)")
            #expect(notOrdered.contains { $0.hasSuffix("tokencert issue") }, "\(notOrdered)")
        }
    }

    // Otherwise the user would look for an account that does not exist.
    @Test("No hint for an order of a CA command is about an account or a server")
    func command() {
        let codes: [IssuanceError.Code] = [
            .orderPending, .caUnreachable, .orderRefused, .credentialsRefused, .needsDecision,
        ]
        for code in codes {
            for mayHaveOrdered in [false, true] {
                var standing = order(
                    mayHaveOrdered ? .decision("late") : .order, mayHaveOrdered: mayHaveOrdered)
                standing.caURL = "command:/usr/local/bin/our-ca"
                let hints = failure(code, order: standing).hints
                #expect(!hints.isEmpty, "\(code)")
                for text in ["web site", "--ca-url", "tokencert account", "--username"] {
                    #expect(!hints.contains { $0.contains(text) }, "\(code): \(hints)")
                }
                if mayHaveOrdered {
                    #expect(
                        hints.contains { $0.contains("ask the CA before you order again") },
                        "\(code): \(hints)")
                }
                standing.caURL = "https://ca.example"
                #expect(failure(code, order: standing).hints != hints, "\(code)")
            }
        }
    }

    // Otherwise a second certificate could be ordered although the first order may bring one.
    @Test("A refusal hints at an earlier order that may still result in a certificate")
    func earlierOrder() {
        let codes: [IssuanceError.Code] = [.credentialsRefused, .caUnreachable, .orderRefused]
        for code in codes {
            let after = failure(code, order: order(.decision("late"))).hints
            #expect(
                after[0].hasPrefix("the CA may still issue a certificate for an earlier order"),
                "\(after)")
            #expect(!after.contains { $0.contains("try again") || $0.contains("nothing was") })
            for before in [nil, order(.order, mayHaveOrdered: false)] {
                let hints = failure(code, order: before).hints
                #expect(!hints.contains { $0.contains("may still issue") }, "\(hints)")
            }
        }
        let unreachable = failure(.caUnreachable).hints
        #expect(unreachable[0].hasPrefix("nothing was ordered"))
    }

    @Test("The hint about --accept-changes names the place of the certificate")
    func differences() {
        func accepting(_ order: OrderStanding?) -> [String] {
            failure(.certificateDiffers, order: order).hints.filter {
                $0.contains("--accept-changes")
            }
        }
        #expect(accepting(nil) == ["to write it anyway: --accept-changes"])
        let elsewhere = accepting(order(.decision("late"), isFromElsewhere: true))
        #expect(
            elsewhere == [
                "to write it anyway: tokencert resume 7 --from FILE --accept-changes"
            ])
        let inLedger = accepting(order(.certificate))
        #expect(
            inLedger == [
                "the certificate is in the ledger; to write it anyway: "
                    + "tokencert resume 7 --accept-changes"
            ])
    }

    // A certificate from a file is not in the ledger, so resume alone would not check anything.
    @Test("The hint to check a certificate again appears only if the ledger has it")
    func checkedAgain() {
        func resumes(_ order: OrderStanding?) -> Bool {
            failure(.certificateWrong, order: order).hints.contains {
                $0.hasPrefix("the CA's answer is in the ledger")
            }
        }
        #expect(resumes(order(.certificate)))
        #expect(!resumes(order(.certificate, isFromElsewhere: true)))
        #expect(!resumes(order(.decision("late"))))
        #expect(!resumes(nil))
    }

    // MARK: Objects that stay on the token

    private func key(isNew: Bool) -> IssuanceError.KeyOnToken {
        IssuanceError.KeyOnToken(
            uri: "pkcs11:id=%01;object=it's", id: [1], isNew: isNew, modulePath: "/m.so",
            moduleName: nil, moduleArguments: "configdir='/a'")
    }

    private func leaving(_ key: IssuanceError.KeyOnToken, isUnsent: Bool) -> [String] {
        var standing = order(.order, mayHaveOrdered: !isUnsent)
        standing.isKeyUnsent = isUnsent
        return Failure(
            issuance: IssuanceError(.keyUnsafe, at: .generate, "reason")
                .with(key: key, order: standing)
        ).hints
    }

    // An older key may have certificates and messages of its own.
    @Test("The hint to remove a key appears only if it was made for the order")
    func oldKey() {
        for isUnsent in [false, true] {
            let hints = leaving(key(isNew: false), isUnsent: isUnsent)
            #expect(!hints.contains { $0.contains("tokencert delete") }, "\(hints)")
            #expect(!hints.contains { $0.contains("new key pair") }, "\(hints)")
        }
    }

    // Another module may show a token with the same URI.
    @Test("The command that removes a new key selects its module and is quoted")
    func newKey() {
        let stays = "the new key pair stays on the token: it's, id 01"
        let hints = leaving(key(isNew: true), isUnsent: true)
        #expect(hints.contains(stays))
        #expect(
            hints.contains(
                "to remove it: tokencert delete 01 --key --module '/m.so' "
                    + #"--module-arguments 'configdir='\''/a'\'''"#), "\(hints)")
        let sent = leaving(key(isNew: true), isUnsent: false)
        #expect(sent.contains(stays))
    }

    // The CA does not send the answer a second time.
    @Test("An answer that the ledger could not store is printed line by line, unchanged")
    func unrecordedAnswer() {
        var standing = order(.certificate)
        standing.unrecordedAnswer = Array("-----BEGIN\n\nAb c\r\n  d\n".utf8)
        let lost = failure(.ledgerFailed, order: standing)
        #expect(lost.attachment == ["-----BEGIN", "", "Ab c", "  d", ""])
        #expect(lost.hints.contains { $0.hasSuffix("keep the lines that follow:") })
        #expect(lost.status == .configuration)
        #expect(failure(.ledgerFailed, order: order(.certificate)).attachment.isEmpty)
    }

    @Test("Certificates that stay on the token are listed")
    func written() {
        var standing = order(.certificate)
        standing.writtenCertificate = "pkcs11:object=it's;type=cert"
        standing.writtenChain = ["CN=Class 3", "CN=Root"]
        let hints = failure(.notProved, order: standing).hints
        #expect(hints.contains("the certificate was written: it's"))
        #expect(hints.contains("a certificate of its chain was written: CN=Class 3"))
        #expect(hints.contains("a certificate of its chain was written: CN=Root"))
        let seen = Failure(
            issuance: IssuanceError(.tokenFailed, at: .write, "reason")
                .with(seenCertificate: "pkcs11:id=%01;type=cert")
        ).hints
        #expect(
            seen.contains(
                "the token refused the certificate but shows it: id 01"))
    }

    @Test("An order in use leads to waiting, and a replaced order to its history")
    func otherOrders() {
        let busy = failure(.orderInUse, order: order(.order)).hints
        #expect(
            busy.contains("wait for the other process, then see the result: tokencert resume 7"))
        let replaced = failure(.alreadyReplaced, order: order(.nothing)).hints
        #expect(replaced == ["to see it: tokencert history 7"])
        for hints in [busy, replaced] {
            #expect(!hints.contains { $0.contains("--abandon") }, "\(hints)")
        }
    }
}
