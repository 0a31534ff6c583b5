/// Where an order stands.
package enum OrderState: Sendable, Hashable, CaseIterable {
    /// The id and the label of its key are chosen. Whether a new key is there, the token tells.
    /// Making or finding the key moves it on.
    case begun
    /// Its key is known. A request that the token signs moves it on.
    case keyReady
    /// The request that will be sent is recorded. The record that it is about to be sent moves it on.
    case requestSigned
    /// The order was about to be sent, and nothing is known since. What the CA answers moves it on,
    /// or the user.
    case sending
    /// Nothing was ordered, since the CA was not reached. Sending it once more moves it on.
    case notSent
    /// An answer is there, and was not looked at to the end. Verifying its certificate moves it on.
    case answered
    /// The CA said no. This is a final state for a key that was there; with a new one the order may
    /// be sent once more.
    case refused
    /// The CA may or may not issue. The user moves it on.
    case unclear
    /// A certificate is there that passed every check, and may not be on the token yet. Writing it
    /// moves it on.
    case certified
    /// The certificate is on the token, as the token said. Reading it back moves it on.
    case written
    /// The token has proved that it holds certificate and key. This is a final state unless the old
    /// certificate is to be removed.
    case proved
    /// As ``proved``, and the old certificate may not be removed yet. Removing it moves it on.
    case retiring
    /// Everything is done. This is a final state.
    case done
    /// Nothing came of it, or it was given up. This is a final state.
    case closed

    /// Its name in the ledger and in JSON. All states before anything was sent have the same name.
    package var name: String {
        if isBeforeOrder { return "begun" }
        return self == .notSent ? "not sent" : "\(self)"
    }

    /// Whether it is a state before anything was sent for the first time.
    package var isBeforeOrder: Bool { [.begun, .keyReady, .requestSigned].contains(self) }
}

extension OrderState {
    /// Whether the certificate of the order was written to the token.
    package var isOnToken: Bool {
        switch self {
        case .written, .proved, .retiring, .done: true
        case .begun, .keyReady, .requestSigned, .sending, .notSent, .refused, .unclear,
            .answered, .certified, .closed:
            false
        }
    }
}

/// An order with all that happened to it.
package struct Order: Sendable {
    /// Its number in the ledger.
    package let number: Int64
    /// What happened, in order. The first is always ``OrderEvent/begun(_:)``.
    package let events: [RecordedEvent]
    /// What it is about.
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

    /// Where it stands.
    package var state: OrderState {
        var state = OrderState.begun
        // What a second order comes to says nothing about the first.
        var mayFirstBeOut = false
        for event in events.compactMap(\.event) {
            state = state.after(event)
            if case .sending(let sending) = event, sending.isRepeated { mayFirstBeOut = true }
            if mayFirstBeOut, state == .notSent || state == .refused { state = .unclear }
        }
        return state
    }

    /// The kind of the first event that this version does not know, or nil. Nothing is done for an
    /// order with such an event, since it may have been sent.
    package var unknownEvent: String? { events.first { $0.event == nil }?.kind }

    /// Whether nothing is left to do. A refusal leaves a new key behind, and with it a choice; for
    /// a key that was there it is the end.
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

    /// Whether the token has proved that it holds its certificate and its key.
    package var isProved: Bool {
        events.contains { if case .proved = $0.event { true } else { false } }
    }

    /// Whether a certificate may come of it, or has: the CA may have taken it, or there is one from
    /// elsewhere. False once it is given up.
    package var mayHaveOrdered: Bool {
        guard unknownEvent == nil else { return true }
        return switch state {
        case .begun, .keyReady, .requestSigned, .notSent, .refused, .closed: false
        case .sending, .unclear, .answered, .certified, .written, .proved, .retiring, .done: true
        }
    }

    /// The state if the result of the order is in the ledger or was written to the token. nil if
    /// there is no result, or if the order was sent twice, so that the CA may issue once more.
    package var arrivedState: OrderState? {
        guard unknownEvent == nil, sending?.isRepeated != true else { return nil }
        return switch state {
        case .answered, .certified, .written, .proved, .retiring: state
        case .begun, .keyReady, .requestSigned, .sending, .notSent, .refused, .unclear, .done,
            .closed:
            nil
        }
    }

    /// Whether anything was ever sent to the CA or handed out, whatever came of it. An order that
    /// did not reach the CA was not sent.
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

    /// Whether a certificate may still come of a request that went out, also if the order was
    /// given up: the CA did not refuse it, and the token has not proved one.
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

    /// When it was sent first, in seconds since 1970-01-01 00:00 UTC, or nil.
    package var timeOfSending: Int64? {
        events.first { if case .sending = $0.event { true } else { false } }?.time
    }

    /// SHA-256 of the certificate that the token has proved, in hexadecimal, or nil.
    package var provedFingerprint: String? {
        last { if case .proved(let proof) = $0 { proof.sha256Fingerprint } else { nil } }
    }

    /// The last answer that came, or nil.
    package var answer: OrderEvent.Answer? {
        last { if case .answered(let answer) = $0 { answer } else { nil } }
    }

    /// The last order as it was sent, or nil.
    package var sending: OrderEvent.Sending? {
        last { if case .sending(let sending) = $0 { sending } else { nil } }
    }

    /// The last certificate that passed every check, or nil.
    package var certified: OrderEvent.Certified? {
        last { if case .certified(let certified) = $0 { certified } else { nil } }
    }

    /// The last reason why nobody knew what the CA does, why it said no or was not reached, or why
    /// the order is over; nil where there was none.
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

    /// SHA-256 of the key's SubjectPublicKeyInfo in hexadecimal, or nil where it is not known yet.
    package var publicKeyHash: String? {
        sending?.publicKeyHash ?? newKeyHash ?? beginning.publicKeyHash
    }

    /// The new key that was made or found for it, or nil if none is recorded.
    private var newKeyHash: String? {
        last {
            switch $0 {
            case .made(let hash), .found(let hash): hash
            default: nil
            }
        }
    }

    /// Whether its key was certainly made for it. One that was only found by its id and its label may
    /// belong to another program.
    package var hasMadeKey: Bool {
        guard let publicKeyHash else { return false }
        return events.contains { $0.event == .made(publicKeyHash: publicKeyHash) }
    }

    /// The last request that was signed for its key, in PEM, or nil. What is sent is this request
    /// and no other.
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

    /// The last request that was handed out, in PEM, or nil.
    package var requestedPEM: String? {
        last { if case .requested(let request) = $0 { request } else { nil } }
    }

    /// The URI of the certificate's object as it was written last, or nil.
    package var writtenURI: String? {
        last { if case .written(let uri) = $0 { uri } else { nil } }
    }

    /// The order with one more event, as it will be once the event is in the ledger.
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
    /// Refuses an order with an event that this version does not know: it may mean that the order was
    /// sent.
    func requireKnown() throws(LedgerError) {
        guard let unknownEvent else { return }
        throw LedgerError(
            .newer,
            "order \(number) has an event of a later version of tokencert: \"\(unknownEvent)\"",
            order: number)
    }

    /// Refuses an order that is over, or that was sent and is not to be sent again.
    func requireMaySend(isRepeated: Bool) throws(LedgerError) {
        // Another process may have closed it between two looks.
        guard ![.done, .closed].contains(state) else {
            throw LedgerError(.finished, "order \(number) is over", order: number)
        }
        guard !isRepeated, sending != nil, ![.notSent, .refused].contains(state) else { return }
        throw LedgerError(
            .alreadySent, "order \(number) was sent before, and may have been taken", order: number)
    }
}

/// An event as it stands in the ledger.
package struct RecordedEvent: Sendable, Hashable {
    /// Its place among all events, from 1.
    package let sequence: Int64
    /// When it was written, in seconds since 1970-01-01 00:00 UTC.
    package let time: Int64
    /// Its name.
    package let kind: String
    /// Its content, JSON.
    package let text: String
    /// What it says, or nil if a later version of the program wrote it.
    package let event: OrderEvent?

    init(sequence: Int64, time: Int64, kind: String, text: String) {
        self.sequence = sequence
        self.time = time
        self.kind = kind
        self.text = text
        // Once, since the state of an order is asked for often.
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
    /// Where an order stands after one more event.
    func after(_ event: OrderEvent) -> OrderState {
        switch event {
        case .begun(let beginning): beginning.publicKeyHash == nil ? .begun : .keyReady
        // Never back to a state before the order was sent.
        case .made, .found: isBeforeOrder ? .keyReady : self
        case .signed: isBeforeOrder ? .requestSigned : self
        case .sending: .sending
        case .notSent: .notSent
        case .answered: .answered
        case .refused: .refused
        case .unclear: .unclear
        case .certified: .certified
        case .requested: .done
        case .written: .written
        case .proved: .proved
        case .retiring: .retiring
        case .retired: .done
        case .stopped, .chainWritten: self
        case .closed: .closed
        }
    }
}
