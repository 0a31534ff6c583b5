import OpenSSLX509
import Testing
import TokencertLedger
import TokencertTestAuthority

@testable import TokencertIssuance

/// The choice among the certificates that an account shows after the CA's answer.
@Suite struct FetchStepTests {
    private let parts: StepParts
    private let key: HostPrivateKey

    init() throws {
        parts = try StepParts()
        key = try parts.addKey()
        parts.ca.findsLate = true
    }

    private func certificate(_ number: UInt8, for other: HostPrivateKey? = nil) throws
        -> Certificate
    {
        try parts.ca.issue(for: (other ?? key).publicKey, number: number, name: "Anna")
    }

    private func late(
        _ number: String, _ certificate: Certificate, isRevoked: Bool = false
    ) -> LateCertificate {
        LateCertificate(number: number, certificate: certificate, isRevoked: isRevoked)
    }

    /// Runs the step for an order that was sent and whose answer has a number, or none.
    private func run(
        _ result: LateResult, hasNumber: Bool = true, job: OrderEvent.Job? = nil
    ) throws -> Result<StepOutcome, IssuanceError> {
        parts.ca.lateResult = result
        var events = [OrderEvent.sentFor(key)]
        if hasNumber {
            events.append(
                .answered(.init(status: 404, body: Array("404,later".utf8), interruption: nil)))
        }
        events.append(.unclear(reason: "late"))
        let existing = OrderEvent.Job.issue(
            parts.issue(.existing(publicKeyHash: publicKeyHash(key))))
        var work = try parts.work(job ?? existing, events)
        // Only one order for a key may be unfinished.
        defer { work.journal.recordFact(.closed(reason: "over")) }
        do throws(IssuanceError) {
            return .success(try work.fetchLate())
        } catch {
            #expect(work.order.state == .unclear)
            return .failure(error)
        }
    }

    private func failure(_ result: Result<StepOutcome, IssuanceError>) throws -> IssuanceError {
        let error: IssuanceError? = if case .failure(let error) = result { error } else { nil }
        return try #require(error)
    }

    @Test("The certificate for the order's key is recorded and continues as an answer does")
    func found() throws {
        let certificate = try certificate(2)
        for hasNumber in [true, false] {
            let outcome = try run(.found([late("7", certificate)]), hasNumber: hasNumber).get()
            #expect(
                outcome.facts
                    == [.fetched(.init(number: "7", certificate: certificate.pem))])
            #expect(outcome.failure == nil)
        }
        #expect(parts.ca.searched == ["7", nil])
        var work = try parts.work(
            .issue(parts.issue(.existing(publicKeyHash: publicKeyHash(key)))),
            [
                .sentFor(key), .unclear(reason: "late"),
                .fetched(.init(number: "7", certificate: certificate.pem)),
            ])
        #expect(work.order.state == .answered && work.order.nextStep == .verify)
        var token = parts.token
        let verified = try work.verifyCertificate(on: &token)
        #expect(verified.facts == [.accepted(certificate)])
    }

    // Otherwise a second order, or the login of a user who did not agree, would follow.
    @Test("Without the user's agreement the account is not searched, and the order waits")
    func noAgreement() throws {
        parts.ca.findsLate = false
        let error = try failure(run(.found([late("7", certificate(2))])))
        #expect(error.code == .orderPending && error.reason == "late")
        #expect(parts.ca.searched.isEmpty)
    }

    @Test("A certificate that is not issued yet and a failing search leave the order as it was")
    func notYet() throws {
        let pending = try failure(run(.notYet("not signed yet")))
        #expect(pending.code == .orderPending && pending.reason == "not signed yet; late")
        #expect(pending.choices.isEmpty)
        let failed = try failure(run(.failed("no route", advice: ["try later"])))
        #expect(failed.code == .orderPending && failed.reason == "no route; late")
        #expect(failed.choices == ["try later"])
    }

    // Otherwise the certificate of another key, or a revoked one, would be written.
    @Test("A certificate for another key, a revoked one and several for the key are refused")
    func refused() throws {
        let other = try HostPrivateKey.generate(.ec(.p256))
        let foreign = try failure(run(.found([late("7", certificate(2, for: other))])))
        #expect(foreign.code == .notTheOutcome && foreign.reason.contains("for another key"))
        let revoked = try failure(run(.found([late("7", certificate(2), isRevoked: true)])))
        #expect(revoked.code == .certificateRevoked && revoked.reason.contains("revoked"))
        let two = [late("7", try certificate(2)), late("8", try certificate(3))]
        let several = try failure(run(.found(two), hasNumber: false))
        #expect(several.code == .notTheOutcome && several.reason.hasSuffix("7, 8"))
        #expect(!several.choices.isEmpty)
        // A revoked one does not hide the valid one.
        let good = try certificate(3)
        let valid = [late("7", try certificate(2), isRevoked: true), late("8", good)]
        let outcome = try run(.found(valid), hasNumber: false).get()
        #expect(
            outcome.facts == [.fetched(.init(number: "8", certificate: good.pem))])
    }

    // Otherwise a renewal would end with the old certificate.
    @Test("The certificate to be replaced is not the outcome of its renewal")
    func replaced() throws {
        let old = try certificate(2)
        let renewal = OrderEvent.Job.renew(
            parts.issue(.existing(publicKeyHash: publicKeyHash(key))), replacing: old.pem,
            isRetired: false)
        let error = try failure(run(.found([late("7", old)]), hasNumber: false, job: renewal))
        #expect(error.code == .notTheOutcome && error.reason.contains("the one to be replaced"))
        let new = try certificate(3)
        let both = [late("7", old), late("8", new)]
        let outcome = try run(.found(both), hasNumber: false, job: renewal).get()
        #expect(
            outcome.facts == [.fetched(.init(number: "8", certificate: new.pem))])
    }

    // Otherwise the error could not say where the certificate will be.
    @Test("The address at the CA is known as long as the outcome is unknown and has a number")
    func addresses() throws {
        let job = OrderEvent.Job.issue(parts.issue(.existing(publicKeyHash: publicKeyHash(key))))
        let answer = OrderEvent.answered(
            .init(status: 404, body: Array("404,later".utf8), interruption: nil))
        let sent = OrderEvent.sentFor(key)
        let work = try parts.work(job, [sent, answer, .unclear(reason: "late")])
        let ca = try #require(work.order.beginning.issue?.ca)
        #expect(work.order.address(at: ModelCA.self) == "\(ca)/certificate/7")
        let certified = work.order.adding(.accepted(try certificate(2)))
        #expect(certified.address(at: ModelCA.self) == nil)
    }
}
