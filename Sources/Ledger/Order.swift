/// The state of an order. Each state names what moves the order on.
package enum OrderState: Sendable, Hashable, CaseIterable {
    /// The id and label of the key are chosen; only the token shows whether a new key exists. Next:
    /// create or find the key.
    case begun
    /// The key is known. Next: the token signs a request.
    case keyReady
    /// The request to send is recorded. Next: record that it is about to be sent.
    case requestSigned
    /// The order was about to be sent, and nothing is known since. Next: the CA's answer, the
    /// certificate from the account, or a decision of the user.
    case sending
    /// The CA was not reached, so nothing was ordered. Next: send it again.
    case notSent
    /// The CA answered, or its certificate was fetched from the account; the answer was not fully
    /// processed. Next: verify its certificate.
    case answered
    /// The CA refused. Final for an existing key; with a new key, the order may be sent again.
    case refused
    /// The CA may or may not issue. Next: fetch the certificate from the account, if the user agreed
    /// to that; otherwise a decision of the user.
    case unclear
    /// A certificate passed every check and may not be on the token yet. Next: write it.
    case certified
    /// The token reported that the certificate is on it. Next: read it back.
    case written
    /// The token has proved that it has the certificate and the key. Final unless the old
    /// certificate must be removed.
    case proved
    /// Like ``proved``, but the old certificate may still be on the token. Next: remove it.
    case retiring
    /// Everything is done. Final.
    case done
    /// The order failed or was abandoned. Final.
    case closed

    /// The name in the ledger and in JSON. All states before the first sending share one name.
    package var name: String {
        if isBeforeOrder { return "begun" }
        return self == .notSent ? "not sent" : "\(self)"
    }

    /// Whether nothing has been sent yet.
    package var isBeforeOrder: Bool { [.begun, .keyReady, .requestSigned].contains(self) }
}

extension OrderState {
    /// Whether the certificate was written to the token.
    package var isOnToken: Bool {
        switch self {
        case .written, .proved, .retiring, .done: true
        case .begun, .keyReady, .requestSigned, .sending, .notSent, .refused, .unclear,
            .answered, .certified, .closed:
            false
        }
    }
}

/// An order with all its events.
package struct Order: Sendable {
    package let number: Int64
    /// The events, oldest first. The first is always ``OrderEvent/begun(_:)``.
    package let events: [RecordedEvent]
    /// What the order is for.
    package let beginning: OrderEvent.Beginning

    init?(number: Int64, events: [RecordedEvent]) {
        guard case .begun(let beginning)? = events.first?.event else { return nil }
        self.init(number: number, events: events, beginning: beginning)
    }

    private init(number: Int64, events: [RecordedEvent], beginning: OrderEvent.Beginning) {
        self.number = number
        self.events = events
        self.beginning = beginning
    }

    package var state: OrderState {
        var state = OrderState.begun
        // The result of a second order says nothing about the first one.
        var mayFirstBeOut = false
        for event in events.compactMap(\.event) {
            state = state.after(event)
            if case .sending(let sending) = event, sending.isRepeated { mayFirstBeOut = true }
            if mayFirstBeOut, state == .notSent || state == .refused { state = .unclear }
        }
        return state
    }

    /// The kind of the first event that this version does not know, or nil. An order with such an
    /// event is not continued, since it may have been sent.
    package var unknownEvent: String? { events.first { $0.event == nil }?.kind }

    /// Whether nothing is left to do. A refusal finishes an order for an existing key; with a new
    /// key, the user can choose what to do with it.
    package var isFinished: Bool {
        switch state {
        case .done, .closed: true
        case .proved: beginning.replaced?.isRetired != true
        case .refused: beginning.newKeyKind == nil
        case .begun, .keyReady, .requestSigned, .sending, .notSent, .unclear, .answered,
            .certified, .written, .retiring:
            false
        }
    }

    /// Whether the token has proved that it has the certificate and the key.
    package var isProved: Bool {
        events.contains { if case .proved = $0.event { true } else { false } }
    }

    /// Whether the order has led or may lead to a certificate: the CA may have accepted it, or a
    /// certificate came from elsewhere. False once the order is closed.
    package var mayHaveOrdered: Bool {
        guard unknownEvent == nil else { return true }
        return switch state {
        case .begun, .keyReady, .requestSigned, .notSent, .refused, .closed: false
        case .sending, .unclear, .answered, .certified, .written, .proved, .retiring, .done: true
        }
    }

    /// The state if the result is in the ledger or on the token. nil without a result, or if the
    /// order was sent twice, because the CA may then issue again.
    package var arrivedState: OrderState? {
        guard unknownEvent == nil, sending?.isRepeated != true else { return nil }
        return switch state {
        case .answered, .certified, .written, .proved, .retiring: state
        case .begun, .keyReady, .requestSigned, .sending, .notSent, .refused, .unclear, .done,
            .closed:
            nil
        }
    }

    /// Whether a request was ever sent to the CA or exported, whatever the result. An attempt that
    /// did not reach the CA does not count.
    package var wasSent: Bool {
        guard unknownEvent == nil else { return true }
        var (wasSent, isSending) = (false, false)
        for event in events.compactMap(\.event) {
            switch event {
            case .sending:
                wasSent = wasSent || isSending
                isSending = true
            case .notSent: isSending = false
            case .requested: wasSent = true
            default: break
            }
        }
        return wasSent || isSending
    }

    /// Whether a request that was sent may still lead to a certificate, even if the order is
    /// closed: the CA did not refuse it, and the token has not proved one.
    package var mayBringCertificate: Bool {
        guard unknownEvent == nil else { return true }
        guard !isProved else { return false }
        var unanswered = 0
        for event in events.compactMap(\.event) {
            switch event {
            case .sending, .requested: unanswered += 1
            case .notSent, .refused: unanswered -= 1
            default: break
            }
        }
        return unanswered > 0
    }

    /// Whether a certificate for its key may exist or still come.
    package var mayHaveCertificate: Bool {
        mayBringCertificate || isProved || certified != nil
    }

    /// When it was first sent, in seconds since 1970-01-01 00:00 UTC, or nil.
    package var timeOfSending: Int64? {
        events.first { if case .sending = $0.event { true } else { false } }?.time
    }

    /// SHA-256 of the certificate that the token has proved, in hexadecimal, or nil.
    package var provedFingerprint: String? {
        last { if case .proved(let proof) = $0 { proof.sha256Fingerprint } else { nil } }
    }

    /// When the revocation of the certificate with this SHA-256, in hexadecimal, was recorded in
    /// the order, in seconds since 1970-01-01 00:00 UTC; nil if it was not. The CA may have revoked
    /// it earlier.
    package func timeOfRevocation(of sha256Fingerprint: String) -> Int64? {
        events.first {
            guard case .revoked(let revocation)? = $0.event else { return false }
            return revocation.sha256Fingerprint == sha256Fingerprint
        }?.time
    }

    /// The last answer of the CA, or nil.
    package var answer: OrderEvent.Answer? {
        last { if case .answered(let answer) = $0 { answer } else { nil } }
    }

    /// The certificate that was fetched for the order after the CA's last answer, or nil.
    package var fetched: OrderEvent.Fetched? {
        for event in events.reversed().compactMap(\.event) {
            switch event {
            case .fetched(let fetched): return fetched
            case .answered, .sending: return nil
            default: break
            }
        }
        return nil
    }

    /// The last order as it was sent, or nil.
    package var sending: OrderEvent.Sending? {
        last { if case .sending(let sending) = $0 { sending } else { nil } }
    }

    /// The last certificate that passed every check, or nil.
    package var certified: OrderEvent.Certified? {
        last { if case .certified(let certified) = $0 { certified } else { nil } }
    }

    /// The last recorded reason why the outcome is unknown, the CA refused or was not reached, or
    /// the order was closed; or nil.
    package var reason: String? {
        last {
            switch $0 {
            case .unclear(let reason), .refused(let reason), .notSent(let reason),
                .closed(let reason):
                reason
            default: nil
            }
        }
    }

    /// SHA-256 of the key's SubjectPublicKeyInfo, in hexadecimal; nil if it is not known yet.
    package var publicKeyHash: String? {
        sending?.publicKeyHash ?? newKeyHash ?? beginning.publicKeyHash
    }

    /// The hash of the new key that was created or found for the order, or nil.
    private var newKeyHash: String? {
        last {
            switch $0 {
            case .made(let hash), .found(let hash): hash
            default: nil
            }
        }
    }

    /// Whether the key was certainly created for this order. A key only found by its id and label
    /// may belong to another program.
    package var hasMadeKey: Bool {
        guard let publicKeyHash else { return false }
        return events.contains { $0.event == .made(publicKeyHash: publicKeyHash) }
    }

    /// The last signed request for the order's key, in PEM, or nil. Only this request is sent.
    package var signedRequest: String? {
        let request: (publicKeyHash: String, pem: String)? = last {
            switch $0 {
            case .signed(let signed): (signed.publicKeyHash, signed.request)
            case .sending(let sending): (sending.publicKeyHash, sending.request)
            default: nil
            }
        }
        return request?.publicKeyHash == publicKeyHash ? request?.pem : nil
    }

    /// The last request that was exported, in PEM, or nil.
    package var requestedPEM: String? {
        last { if case .requested(let request) = $0 { request } else { nil } }
    }

    /// The URI of the certificate object last written, or nil.
    package var writtenURI: String? {
        last { if case .written(let uri) = $0 { uri } else { nil } }
    }

    /// The order with one more event, as it is once the event is in the ledger.
    package func adding(_ event: OrderEvent) -> Order {
        let last = events[events.count - 1]
        return Order(
            number: number,
            events: events + [
                RecordedEvent(sequence: last.sequence + 1, time: last.time, event: event)
            ], beginning: beginning)
    }

    private func last<Content>(_ pick: (OrderEvent) -> Content?) -> Content? {
        for recorded in events.reversed() {
            if let event = recorded.event, let content = pick(event) { return content }
        }
        return nil
    }
}

extension Order {
    /// Refuses an order with an event that this version cannot read: it may mean that the order was
    /// sent.
    func requireKnown() throws(LedgerError) {
        guard let unknownEvent else { return }
        throw LedgerError(
            .newer,
            "order \(number) has an event that this version of tokencert cannot read: "
                + "\"\(unknownEvent)\"",
            order: number)
    }

    /// Refuses to send an order that is finished, or that was sent and must not be sent again.
    func requireMaySend(isRepeated: Bool) throws(LedgerError) {
        // Another process may have closed it in the meantime.
        guard ![.done, .closed].contains(state) else {
            throw LedgerError(.finished, "order \(number) is finished", order: number)
        }
        guard !isRepeated, sending != nil, ![.notSent, .refused].contains(state) else { return }
        throw LedgerError(
            .alreadySent, "order \(number) was already sent, and the CA may have accepted it",
            order: number)
    }
}

/// An event as stored in the ledger.
package struct RecordedEvent: Sendable, Hashable {
    /// Its position among all events of the ledger, from 1.
    package let sequence: Int64
    /// When it was recorded, in seconds since 1970-01-01 00:00 UTC.
    package let time: Int64
    package let kind: String
    /// Its contents as JSON.
    package let text: String
    /// The decoded event; nil if a later version wrote it, or if it is damaged.
    package let event: OrderEvent?

    init(sequence: Int64, time: Int64, kind: String, text: String) {
        self.sequence = sequence
        self.time = time
        self.kind = kind
        self.text = text
        // Decoded once, because the state of an order is read often.
        event = OrderEvent(kind: kind, encoded: text)
    }

    /// An event that is not in the ledger yet.
    init(sequence: Int64, time: Int64, event: OrderEvent) {
        self.sequence = sequence
        self.time = time
        self.event = event
        kind = event.kind
        text = ""
    }
}

extension OrderState {
    func after(_ event: OrderEvent) -> OrderState {
        switch event {
        case .begun(let beginning): beginning.publicKeyHash == nil ? .begun : .keyReady
        // Never go back to a state before the sending.
        case .made, .found: isBeforeOrder ? .keyReady : self
        case .signed: isBeforeOrder ? .requestSigned : self
        case .sending: .sending
        case .notSent: .notSent
        case .answered, .fetched: .answered
        case .refused: .refused
        case .unclear: .unclear
        case .certified: .certified
        case .requested: .done
        case .written: .written
        case .proved: .proved
        case .retiring: .retiring
        case .retired: .done
        case .stopped, .chainWritten, .revoked: self
        case .closed: .closed
        }
    }
}
