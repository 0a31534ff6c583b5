import OpenSSLX509
import Testing
import TokencertTestAuthority

@testable import TokencertIssuance
@testable import TokencertLedger

/// The effects and reports of the steps until an order is sent, and of their failures.
@Suite struct KeyStepTests {
    private static func failure(
        _ code: IssuanceError.Code, at step: Step = .generate
    ) -> IssuanceError {
        IssuanceError(code, at: step, "no")
    }

    private static let newKey = OrderEvent.Key.new(kind: "ec:p256")

    /// The code of the error that a body throws, or nil.
    private func code(_ body: () throws -> Void) -> IssuanceError.Code? {
        do {
            try body()
            return nil
        } catch {
            return (error as? IssuanceError)?.code
        }
    }

    // MARK: The key

    @Test("The process that starts an order makes its key without searching for one")
    func freshKey() throws {
        let parts = try StepParts()
        var (work, token) = (try parts.work(.issue(parts.issue(Self.newKey))), parts.token)
        work.labelRemarks = ["another label"]
        let outcome = try work.generateKey(on: &token)
        let made = try #require(parts.acting.world.keys[[1]])
        #expect(outcome.facts == [.made(publicKeyHash: publicKeyHash(made))])
        #expect(outcome.failure == nil && work.journal.hasMadeKey)
        #expect(work.foundKey?.publicKey == made.publicKey)
        #expect(work.foundKey?.remarks == ["another label"])
        #expect(parts.script.calls == ["makeKey", "readNewKey"])
    }

    // Otherwise a second key would be made, and the first would stay on the token unused.
    @Test("A resumed order uses the key that an earlier process made")
    func foundKey() throws {
        let parts = try StepParts()
        let key = try parts.addKey()
        var work = try parts.work(.issue(parts.issue(Self.newKey)), isResumed: true)
        var token = parts.token
        let outcome = try work.generateKey(on: &token)
        #expect(outcome.facts == [.found(publicKeyHash: publicKeyHash(key))])
        #expect(!work.journal.hasMadeKey && parts.acting.world.generations == 0)
    }

    @Test("A resumed order without a key makes one only if the id is still free")
    func freeID() throws {
        let parts = try StepParts()
        parts.script.failures["requireFree"] = Self.failure(.idTaken)
        var work = try parts.work(.issue(parts.issue(Self.newKey)), isResumed: true)
        var token = parts.token
        let refusal = code { _ = try work.generateKey(on: &token) }
        #expect(refusal == .idTaken)
        #expect(parts.acting.world.generations == 0 && !work.journal.hasMadeKey)
        parts.script.failures = [:]
        let outcome = try work.generateKey(on: &token)
        let made = try #require(parts.acting.world.keys[[1]])
        #expect(outcome.facts == [.made(publicKeyHash: publicKeyHash(made))])
    }

    // Otherwise a certificate that cannot be written would be ordered.
    @Test("An existing key is refused if there is no room for its certificate")
    func noRoom() throws {
        let parts = try StepParts()
        _ = try parts.addKey()
        parts.script.failures["requireRoom"] = Self.failure(.noRoom)
        var work = try parts.work(.issue(parts.issue(Self.newKey)), isResumed: true)
        var token = parts.token
        let refusal = code { _ = try work.generateKey(on: &token) }
        #expect(refusal == .noRoom)
        #expect(work.foundKey == nil)
    }

    // Otherwise the user would not know that the key stays on the token.
    @Test("A key that cannot be read after its generation counts as made")
    func unreadableNewKey() throws {
        let parts = try StepParts()
        parts.script.failures["readNewKey"] = Self.failure(.tokenFailed)
        var (work, token) = (try parts.work(.issue(parts.issue(Self.newKey))), parts.token)
        let refusal = code { _ = try work.generateKey(on: &token) }
        #expect(refusal == .tokenFailed)
        #expect(work.journal.hasMadeKey)
        let other = try StepParts()
        other.script.failures["makeKey"] = Self.failure(.tokenFailed)
        var (none, otherToken) = (try other.work(.issue(other.issue(Self.newKey))), other.token)
        let second = code { _ = try none.generateKey(on: &otherToken) }
        #expect(second == .tokenFailed)
        #expect(!none.journal.hasMadeKey)
    }

    @Test("No key is made for an order for an existing key")
    func existingKey() throws {
        let parts = try StepParts()
        let job = OrderEvent.Job.issue(parts.issue(.existing(publicKeyHash: "aa")))
        var (work, token) = (try parts.work(job), parts.token)
        let refusal = code { _ = try work.generateKey(on: &token) }
        #expect(refusal == .keyGone)
        #expect(parts.acting.world.generations == 0)
    }

    // MARK: The request

    @Test("A signed request is recorded with its key")
    func signed() throws {
        for isResumed in [false, true] {
            let parts = try StepParts()
            let key = try parts.addKey()
            var work = try parts.work(
                .issue(parts.issue(Self.newKey)), [.made(publicKeyHash: publicKeyHash(key))],
                isResumed: isResumed)
            var token = parts.token
            let outcome = try work.signRequest(on: &token)
            let pem = try #require(parts.acting.world.requests.keys.first)
            #expect(
                outcome.facts == [.signed(.init(publicKeyHash: publicKeyHash(key), request: pem))])
            #expect(outcome.failure == nil && !outcome.mustBeRecorded)
            #expect(parts.acting.world.requests[pem] == key.publicKey)
            #expect(parts.script.knowsNewKey == [false])
        }
    }

    // Otherwise the CA would certify the public key that was read first, which is wrong.
    @Test("A key whose public half changes during signing is recorded before its request")
    func readDifferently() throws {
        for hasMadeKey in [false, true] {
            let parts = try StepParts()
            let key = try parts.addKey()
            let other = try HostPrivateKey.generate(.ec(.p256))
            parts.script.keyWhenSigning = other
            var work = try parts.work(
                .issue(parts.issue(Self.newKey)), [.made(publicKeyHash: publicKeyHash(key))])
            work.journal.hasMadeKey = hasMadeKey
            var token = parts.token
            let outcome = try work.signRequest(on: &token)
            let pem = try #require(parts.acting.world.requests.keys.first)
            let isOther: OrderEvent =
                hasMadeKey
                ? .made(publicKeyHash: publicKeyHash(other))
                : .found(publicKeyHash: publicKeyHash(other))
            let signed = OrderEvent.signed(.init(publicKeyHash: publicKeyHash(other), request: pem))
            #expect(outcome.facts == [isOther, signed])
            #expect(work.foundKey?.publicKey == other.publicKey)
            // Only the process that made the key may read it again as a new one.
            #expect(parts.script.knowsNewKey == [hasMadeKey])
        }
    }

    @Test("If signing fails, only a changed key is recorded, with the failure")
    func unsigned() throws {
        for isChanged in [false, true] {
            let parts = try StepParts()
            let key = try parts.addKey()
            let other = try HostPrivateKey.generate(.ec(.p256))
            if isChanged { parts.script.keyWhenSigning = other }
            parts.script.failures["request"] = Self.failure(.tokenFailed, at: .request)
            var work = try parts.work(
                .issue(parts.issue(Self.newKey)), [.made(publicKeyHash: publicKeyHash(key))])
            var token = parts.token
            let outcome = try work.signRequest(on: &token)
            #expect(outcome.failure?.code == .tokenFailed && outcome.failure?.step == .request)
            let expected: [OrderEvent] =
                isChanged ? [.found(publicKeyHash: publicKeyHash(other))] : []
            #expect(outcome.facts == expected)
        }
    }

    // Otherwise the ledger would not know the request when its certificate arrives.
    @Test("A request is in the ledger before the user receives it")
    func handedOut() throws {
        let parts = try StepParts()
        let key = try parts.addKey()
        var work = try parts.work(
            .request(newKeyKind: "ec:p256"), [.made(publicKeyHash: publicKeyHash(key))])
        var request = IssuanceRequest()
        request.name = "Anna"
        work.requested = request
        var token = parts.token
        let outcome = try work.signRequest(on: &token)
        let pem = try #require(parts.acting.world.requests.keys.first)
        #expect(outcome.facts == [.requested(request: pem)] && outcome.mustBeRecorded)
    }

    // MARK: The order

    private func signed(_ key: HostPrivateKey) -> [OrderEvent] {
        [
            .made(publicKeyHash: publicKeyHash(key)),
            .signed(.init(publicKeyHash: publicKeyHash(key), request: "PEM")),
        ]
    }

    @Test("The CA receives the signed request for the key on the token")
    func intent() throws {
        for isRepeated in [false, true] {
            let parts = try StepParts()
            let key = try parts.addKey()
            var work = try parts.work(.issue(parts.issue(Self.newKey)), signed(key))
            work.brought.ordersAgain = isRepeated
            var token = parts.token
            let prepared = try work.prepareToPlaceOrder(on: &token)
            #expect(
                prepared.intent
                    == .sending(
                        .init(
                            keyURI: "pkcs11:id=%01", publicKeyHash: publicKeyHash(key),
                            request: "PEM",
                            isRepeated: isRepeated)))
            #expect(prepared.facts.isEmpty && prepared.failure == nil)
            #expect(parts.acting.world.orders.isEmpty && !work.hasSent)
            // This process just had the request signed.
            #expect(!parts.script.calls.contains("requireProof"))
        }
    }

    @Test("Without an account or a request for the key, nothing is sent")
    func refusals() throws {
        let signedForOther = OrderEvent.signed(.init(publicKeyHash: "bb", request: "PEM"))
        for (hasAuthority, events, expected) in [
            (false, [], .caUnreachable), (true, [], .ledgerFailed),
            (true, [signedForOther], .ledgerFailed),
        ] as [(Bool, [OrderEvent], IssuanceError.Code)] {
            let parts = try StepParts()
            let key = try parts.addKey()
            var work = try parts.work(
                .issue(parts.issue(Self.newKey)),
                [.made(publicKeyHash: publicKeyHash(key))] + events,
                hasAuthority: hasAuthority)
            var token = parts.token
            let refusal = code { _ = try work.prepareToPlaceOrder(on: &token) }
            #expect(refusal == expected)
            #expect(parts.acting.world.orders.isEmpty)
        }
    }

    // Otherwise a certificate would be ordered for a key that is no longer on the token.
    @Test("If the token has a different key, the key is recorded and nothing is sent")
    func otherKey() throws {
        let parts = try StepParts()
        let key = try parts.addKey()
        var work = try parts.work(.issue(parts.issue(Self.newKey)), signed(key), isResumed: true)
        let other = try parts.addKey()
        var token = parts.token
        let prepared = try work.prepareToPlaceOrder(on: &token)
        #expect(prepared.intent == nil && prepared.failure == nil)
        #expect(prepared.facts == [.found(publicKeyHash: publicKeyHash(other))])
    }

    @Test("A resumed order is sent only if the token can still use the key")
    func proof() throws {
        let parts = try StepParts()
        let key = try parts.addKey()
        parts.script.failures["requireProof"] = Self.failure(.keyUnusable, at: .request)
        var work = try parts.work(.issue(parts.issue(Self.newKey)), signed(key), isResumed: true)
        var token = parts.token
        let refusal = code { _ = try work.prepareToPlaceOrder(on: &token) }
        #expect(refusal == .keyUnusable)
        parts.script.failures = [:]
        let prepared = try work.prepareToPlaceOrder(on: &token)
        #expect(prepared.intent?.kind == "sending")
    }

    private func place(
        _ work: inout OrderWork, _ token: inout ScriptedToken
    ) throws -> StepOutcome {
        let prepared = try work.prepareToPlaceOrder(on: &token)
        let event = try #require(prepared.intent)
        let intent = try work.journal.recordIntent(event, at: .order)
        return work.placeOrder(intent)
    }

    @Test("If the CA is unreachable, nothing was ordered, and the reason says which order")
    func notReached() throws {
        for (isRepeated, text) in [
            (false, "the CA cannot be reached, so nothing was ordered: no route"),
            (true, "the CA cannot be reached, so the second order was not sent: no route"),
        ] {
            let parts = try StepParts()
            let key = try parts.addKey()
            parts.ca.fault = .notReached
            let before = [OrderEvent.sentFor(key), .unclear(reason: "late")]
            var work = try parts.work(
                .issue(parts.issue(Self.newKey)), signed(key) + (isRepeated ? before : []),
                isResumed: true)
            work.brought.ordersAgain = isRepeated
            var token = parts.token
            let outcome = try place(&work, &token)
            #expect(outcome.facts == [.notSent(reason: "no route")])
            #expect(outcome.failure?.code == .caUnreachable && outcome.failure?.reason == text)
        }
    }

    // Otherwise the order would be sent a second time.
    @Test("An order without an answer has an unknown outcome")
    func lost() throws {
        let parts = try StepParts()
        let key = try parts.addKey()
        parts.ca.fault = .lost
        var (work, token) = (
            try parts.work(.issue(parts.issue(Self.newKey)), signed(key)), parts.token
        )
        let outcome = try place(&work, &token)
        let reason = "the order was sent, and its outcome is unknown: reset"
        #expect(outcome.facts == [.unclear(reason: reason)])
        #expect(outcome.failure == nil)
        #expect(work.hasSent && parts.acting.world.orders == ["PEM"])
    }

    @Test("The observer is notified after an order is recorded and before the CA receives it")
    func observer() throws {
        let parts = try StepParts()
        let key = try parts.addKey()
        let heard = parts.heard
        let ledger = parts.ledger
        parts.acting.atMoment = { name in
            heard.append("\(name): \((try? ledger.order(1).state.name) ?? "none")")
        }
        var (work, token) = (
            try parts.work(.issue(parts.issue(Self.newKey)), signed(key)), parts.token
        )
        _ = try place(&work, &token)
        #expect(
            heard.texts.prefix(2) == [
                "after the order is recorded as sent", "before the order is received: sending",
            ])
    }

    @Test("An order without a CA is not sent")
    func noCA() throws {
        let parts = try StepParts()
        let key = try parts.addKey()
        var work = try parts.work(
            .request(newKeyKind: "ec:p256"), [.made(publicKeyHash: publicKeyHash(key))])
        let intent = try work.journal.recordIntent(.sentFor(key), at: .order)
        let outcome = work.placeOrder(intent)
        #expect(outcome.facts == [.notSent(reason: "no CA is known for this order")])
        #expect(outcome.failure?.code == .caUnreachable)
        #expect(!work.hasSent && parts.acting.world.orders.isEmpty)
    }
}
