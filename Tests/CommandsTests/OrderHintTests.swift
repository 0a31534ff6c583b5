import Foundation
import Testing
import TokencertTestSupport

@testable import Cryptoki
@testable import OpenSSLX509
@testable import TokencertCommands
@testable import TokencertIssuance
@testable import TokencertLedger
@testable import TokencertTokens

/// The hints for every error at every step in every state of the order.
@Suite struct OrderHintTests {
    private static let codes: [IssuanceError.Code] = [
        .tokenUnsuitable, .tokenNotWritable, .idTaken, .noSuchPlace, .noRoom, .noSuchObject,
        .severalObjects, .pinRefused, .pinExpired, .pinLastTry, .tokenFailed, .keyUnsafe,
        .notProved, .keyNotAccepted, .accountLacks, .badSubject, .orderRefused,
        .credentialsRefused, .caUnreachable, .orderPending, .needsDecision,
        .otherOrderUnfinished, .orderInUse, .alreadyReplaced, .ledgerFailed, .keyGone,
        .certificateWrong, .certificateDiffers, .notTheOutcome, .issuedBeforeOrder,
        .nameNotIssuable, .addressNotIssuable, .issuerNotTrusted, .labelTaken, .keyUnusable,
        .notDestroyable, .keyTooWeak, .certificateRevoked,
    ]

    private static let sending = OrderEvent.sending(
        .init(keyURI: "pkcs11:id=%01", publicKeyHash: "aa", request: "PEM", isRepeated: false))
    private static let again = OrderEvent.sending(
        .init(keyURI: "pkcs11:id=%01", publicKeyHash: "aa", request: "PEM", isRepeated: true))
    private static let answered = OrderEvent.answered(
        .init(status: 200, body: [], interruption: nil))
    private static let certified = OrderEvent.certified(
        .init(certificate: "PEM", others: "", changes: []))
    private static let proved = OrderEvent.proved(
        .init(uri: "pkcs11:", sha256Fingerprint: "f", challenge: [], signature: []))

    /// The possible histories of an order, and whether a certificate may still be issued for each.
    private static let histories: [(events: [OrderEvent], mayHaveOrdered: Bool)] = [
        ([], false), ([.made(publicKeyHash: "aa")], false), ([sending], true),
        ([.found(publicKeyHash: "aa")], false),
        ([.signed(.init(publicKeyHash: "aa", request: "PEM"))], false),
        ([sending, .notSent(reason: "r")], false),
        ([sending, answered], true), ([sending, answered, .refused(reason: "r")], false),
        ([sending, answered, .unclear(reason: "r")], true),
        ([sending, answered, certified], true),
        ([sending, answered, certified, .written(uri: "pkcs11:")], true),
        ([sending, answered, certified, .written(uri: "pkcs11:"), proved], true),
        ([sending, answered, certified, proved, .retiring(certificate: "old")], true),
        ([sending, answered, certified, proved, .retired(certificate: "old")], true),
        ([sending, .unclear(reason: "r"), again], true),
        ([sending, .unclear(reason: "r"), again, .notSent(reason: "r")], true),
        ([sending, .unclear(reason: "r"), again, answered, .refused(reason: "r")], true),
        ([sending, .stopped(.init(step: "generate", reason: "r"))], true),
        ([.requested(request: "PEM")], true),
        ([.made(publicKeyHash: "aa"), .closed(reason: "over")], false),
    ]

    private static func order(_ events: [OrderEvent]) throws -> Order {
        let all = [OrderEvent.begun(.example(on: "pkcs11:serial=1;token=work"))] + events
        let recorded = try all.enumerated().map {
            RecordedEvent(
                sequence: Int64($0 + 1), time: 0, kind: $1.kind, text: try $1.encoded())
        }
        return try #require(Order(number: 7, events: recorded))
    }

    private func failure(
        _ code: IssuanceError.Code, _ step: Step, _ order: Order?, isKeyUnsent: Bool
    ) -> Failure {
        var standing = OrderStanding(7, order)
        standing.isKeyUnsent = isKeyUnsent && !standing.mayHaveOrdered
        let key = IssuanceError.KeyOnToken(
            uri: "pkcs11:id=%01", id: [1], isNew: true, modulePath: "/m.so", moduleName: nil,
            moduleArguments: nil)
        return Failure(
            issuance: IssuanceError(code, at: step, "reason").with(key: key, order: standing))
    }

    /// Whether a hint could lose a key or a certificate, or lead to a second order.
    private func isDestructive(_ hint: String) -> Bool {
        hint.contains("tokencert delete") || hint.contains("--order-again")
            || hint.contains("tokencert issue") || hint.contains("tokencert renew")
            || hint.contains("--abandon")
                && !["CA may still issue", "is in the ledger", "written to the token"].contains {
                    hint.contains($0)
                }
    }

    @Test("The table contains every error code and every state of an order")
    func complete() throws {
        let source = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../../Sources/Issuance/Order/IssuanceError.swift").standardizedFileURL
        let names = try String(contentsOf: source, encoding: .utf8)
            .matches(of: /static let (\w+) = Code\(/).map { String($0.output.1) }
        #expect(Set(Self.codes.map(\.description)) == Set(names))
        let states = try Set(Self.histories.map { try Self.order($0.events).state })
        #expect(states == Set(OrderState.allCases))
    }

    // Otherwise the key of an issued certificate could be deleted, or a second certificate ordered.
    @Test(
        "If a certificate may come, no hint suggests deleting, reordering or abandoning blindly"
    )
    func harmless() throws {
        for (events, mayHaveOrdered) in Self.histories {
            let order = try Self.order(events)
            #expect(order.mayHaveOrdered == mayHaveOrdered, "\(events)")
            for code in Self.codes {
                for step in Step.allCases {
                    // The state of another order for the key does not apply to this one.
                    let hints = failure(code, step, order, isKeyUnsent: true).hints
                    guard mayHaveOrdered else { continue }
                    let bad = hints.filter(isDestructive)
                    #expect(bad.isEmpty, "\(code) at \(step), \(order.state): \(bad)")
                }
            }
        }
    }

    // Otherwise the user would look for a certificate that is already on the token.
    @Test("The hint to abandon an order says where its certificate is or whether one may come")
    func givingUp() throws {
        func hint(_ events: [OrderEvent]) throws -> String {
            let hints = failure(
                .tokenFailed, .write, try Self.order(events), isKeyUnsent: false
            ).hints
            return try #require(
                hints.first { $0.contains("--abandon") }?.replacing(
                    "tokencert resume 7 --abandon", with: ""))
        }
        let came = [Self.sending, Self.answered]
        let mayCome = "to give up the order, although the CA may still issue a certificate for it: "
        #expect(try hint(came) == "to give up the order (the CA's answer is in the ledger): ")
        #expect(
            try hint(came + [Self.certified])
                == "to give up the order (the certificate is in the ledger): ")
        #expect(
            try hint(came + [Self.certified, .written(uri: "pkcs11:")])
                == "to give up the order (the certificate was written to the token): ")
        #expect(
            try hint(came + [Self.certified, Self.proved, .retiring(certificate: "old")])
                .contains("(the new certificate was written to the token; the old one may"))
        #expect(try hint([.made(publicKeyHash: "aa")]) == "to give up the order: ")
        #expect(Failure.abandoning(7, nil, mayHaveOrdered: true).hasPrefix(mayCome))
        // The first of two orders may still bring a certificate.
        let second = [
            Self.sending, .unclear(reason: "late"), Self.again, Self.answered, Self.certified,
        ]
        #expect(try hint(second) == mayCome)
    }

    @Test(
        "A closed order may bring a certificate unless it was not sent, was refused or is complete"
    )
    func mayBringCertificate() throws {
        func mayBring(_ events: [OrderEvent]) throws -> Bool {
            try Self.order(events + [.closed(reason: "given up")]).mayBringCertificate
        }
        let late = [Self.sending, .unclear(reason: "late")]
        #expect(try mayBring([.requested(request: "PEM")]))
        #expect(try mayBring(late))
        #expect(try mayBring(late + [Self.again, Self.answered, .refused(reason: "r")]))
        #expect(try mayBring([Self.sending, Self.answered, Self.certified]))
        #expect(try !mayBring([.made(publicKeyHash: "aa")]))
        #expect(try !mayBring([Self.sending, .notSent(reason: "r")]))
        #expect(try !mayBring([Self.sending, Self.answered, .refused(reason: "r")]))
        #expect(try !mayBring([Self.sending, Self.answered, Self.certified, Self.proved]))
    }

    @Test("If the state of the order is unknown, the hints assume that a certificate may come")
    func unknown() {
        for code in Self.codes {
            for step in Step.allCases {
                let hints = failure(code, step, nil, isKeyUnsent: true).hints
                let bad = hints.filter(isDestructive)
                #expect(bad.isEmpty, "\(code) at \(step): \(bad)")
            }
        }
    }

    @Test("The hint to remove a key appears only if no order ever sent a request for it")
    func removal() throws {
        func offersRemoval(_ events: [OrderEvent], _ isKeyUnsent: Bool) throws -> Bool {
            failure(.tokenFailed, .request, try Self.order(events), isKeyUnsent: isKeyUnsent)
                .hints.contains { $0.contains("tokencert delete 01 --key") }
        }
        #expect(try offersRemoval([.made(publicKeyHash: "aa")], true))
        #expect(try !offersRemoval([.made(publicKeyHash: "aa")], false))
        #expect(try !offersRemoval([Self.sending, .refused(reason: "r")], false))
        #expect(try !offersRemoval([Self.sending], true))
    }

    @Test("An unknown outcome leads to resume --from, and a recorded answer leads to resume")
    func next() throws {
        func hints(_ code: IssuanceError.Code, _ events: [OrderEvent]) throws -> String {
            failure(code, .write, try Self.order(events), isKeyUnsent: false).hints
                .joined(separator: "\n")
        }
        let late = try hints(.orderPending, [Self.sending, .unclear(reason: "late")])
        #expect(late.contains("tokencert resume 7 --from FILE"))
        let full = try hints(.noRoom, [Self.sending, Self.answered, Self.certified])
        #expect(full.contains("is in the ledger"))
        #expect(full.contains("to continue: tokencert resume 7"))
        let second = try hints(
            .caUnreachable,
            [Self.sending, .unclear(reason: "late"), Self.again, .notSent(reason: "r")])
        #expect(!second.contains("nothing was ordered"), "\(second)")
        #expect(second.contains("may still issue a certificate for an earlier order"), "\(second)")
        let gone = try hints(.keyGone, [Self.sending, Self.answered])
        #expect(gone.contains("--token NAME") && gone.contains("--abandon"), "\(gone)")
    }
}
