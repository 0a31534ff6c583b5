import Testing
import TokencertTestSupport

@testable import TokencertIssuance
@testable import TokencertLedger

/// The transitions of orders, from each state.
@Suite struct OrderTableTests {
    private static let beforeOrder: Set<UserAction> = [.resume, .bringCertificate, .abandon]
    private static let undecided: Set<UserAction> = [
        .fetch, .bringCertificate, .orderAgain, .abandon,
    ]
    private static let arrived: Set<UserAction> = [
        .resume, .bringCertificate, .acceptChanges, .abandon,
    ]

    // MARK: Events

    private static let made = OrderEvent.made(publicKeyHash: "aa")
    private static let found = OrderEvent.found(publicKeyHash: "aa")
    private static let signed = OrderEvent.signed(.init(publicKeyHash: "aa", request: "PEM"))
    private static let answered = OrderEvent.answered(
        .init(status: 200, body: [], interruption: nil))
    private static let certified = OrderEvent.certified(
        .init(certificate: "PEM", others: "", changes: []))
    private static let chainWritten = OrderEvent.chainWritten(certificate: "PEM")
    private static let written = OrderEvent.written(uri: "pkcs11:")
    private static let proved = OrderEvent.proved(
        .init(uri: "pkcs11:", sha256Fingerprint: "f", challenge: [1], signature: [2]))
    private static let retiring = OrderEvent.retiring(certificate: "old")
    private static let retired = OrderEvent.retired(certificate: "old")
    private static let stopped = OrderEvent.stopped(.init(step: "write", reason: "stop"))
    private static let notSent = OrderEvent.notSent(reason: "not sent")
    private static let fetched = OrderEvent.fetched(.init(number: "7", certificate: "PEM"))
    private static let refused = OrderEvent.refused(reason: "refused")
    private static let unclear = OrderEvent.unclear(reason: "unclear")
    private static let closed = OrderEvent.closed(reason: "closed")
    private static let requested = OrderEvent.requested(request: "PEM")
    private static let revoked = OrderEvent.revoked(
        .init(sha256Fingerprint: "f", serialNumber: "0a", ca: "https://ca.example"))

    private static func sending(again isRepeated: Bool = false) -> OrderEvent {
        .sending(
            .init(
                keyURI: "pkcs11:id=%01", publicKeyHash: "aa", request: "PEM",
                isRepeated: isRepeated))
    }

    /// One event of each kind.
    private static let all: [OrderEvent] = [
        made, found, signed, sending(), sending(again: true), notSent, answered, fetched, refused,
        unclear, certified, chainWritten, requested, written, proved, retiring, retired, stopped,
        closed, revoked,
    ]

    // MARK: Orders

    /// How an order begins.
    private enum Kind: CaseIterable {
        case newKey, existingKey, renewal, request, certificateFromElsewhere

        var hasNewKey: Bool { self != .existingKey && self != .certificateFromElsewhere }
        var retires: Bool { self == .renewal }
        var asksCA: Bool { self != .request && self != .certificateFromElsewhere }

        var beginning: OrderEvent.Beginning {
            switch self {
            case .newKey: .example()
            case .existingKey: .example(.issue(.example(.existing(publicKeyHash: "aa"))))
            case .renewal: .example(.renew(.example(), replacing: "PEM", isRetired: true))
            case .request: .example(.request(newKeyKind: "rsa:3072"))
            case .certificateFromElsewhere: .example(.import(.init(publicKeyHash: "aa")))
            }
        }
    }

    /// Each kind of event as read from the ledger. They are read once, because they occur in
    /// thousands of histories.
    private static let asRead: [OrderEvent: OrderEvent] = {
        var read: [OrderEvent: OrderEvent] = [:]
        for event in Self.all + Kind.allCases.map({ OrderEvent.begun($0.beginning) }) {
            read[event] = (try? event.encoded()).flatMap { text in
                RecordedEvent(sequence: 1, time: 0, kind: event.kind, text: text).event
            }
        }
        return read
    }()

    private func order(_ kind: Kind, _ events: [OrderEvent]) throws -> Order {
        let all = [OrderEvent.begun(kind.beginning)] + events
        let recorded = try all.enumerated().map { index, event in
            let sequence = Int64(index + 1)
            if let read = Self.asRead[event] {
                return RecordedEvent(sequence: sequence, time: 0, event: read)
            }
            return RecordedEvent(
                sequence: sequence, time: 0, kind: event.kind, text: try event.encoded())
        }
        return try #require(Order(number: 1, events: recorded))
    }

    // The histories below would miss a truncated, changed or unknown event.
    @Test("Every event is read from the ledger as it was written")
    func everyEventAsRead() {
        #expect(Self.asRead.count == Self.all.count + Kind.allCases.count)
        for (event, read) in Self.asRead {
            #expect(read == event, "\(event.kind)")
        }
    }

    /// The events that lead to each state.
    private func events(to state: OrderState) -> [OrderEvent] {
        switch state {
        case .begun: []
        case .keyReady: [Self.made]
        case .requestSigned: [Self.made, Self.signed]
        case .sending: events(to: .requestSigned) + [Self.sending()]
        case .notSent: events(to: .sending) + [Self.notSent]
        case .refused: events(to: .answered) + [Self.refused]
        case .unclear: events(to: .sending) + [Self.unclear]
        case .answered: events(to: .sending) + [Self.answered]
        case .certified: events(to: .answered) + [Self.certified]
        case .written: events(to: .certified) + [Self.written]
        case .proved: events(to: .written) + [Self.proved]
        case .retiring: events(to: .proved) + [Self.retiring]
        case .done: events(to: .retiring) + [Self.retired]
        case .closed: [Self.closed]
        }
    }

    // MARK: Rows

    private func row(_ state: OrderState) throws -> OrderTable.Row {
        let row = OrderTable.rows.first { $0.state == state }
        return try #require(row, "\(state)")
    }

    // An order in a state without a row would count as closed.
    @Test("Each state has one row")
    func rows() throws {
        #expect(OrderTable.rows.count == OrderState.allCases.count)
        for state in OrderState.allCases {
            let rows = OrderTable.rows.filter { $0.state == state }
            #expect(rows.count == 1, "\(state)")
            #expect(try order(.renewal, events(to: state)).state == state, "\(state)")
        }
    }

    @Test("A final state has no step, and only a final state has no user action")
    func finalStates() throws {
        for row in OrderTable.rows {
            let isFinal = [.done, .closed].contains(row.state)
            let hasStep = row.next != nil || row.restart != nil
            #expect(!(isFinal && hasStep), "\(row.state)")
            #expect(row.userActions.isEmpty == isFinal, "\(row.state)")
            let order = try order(.renewal, events(to: row.state))
            #expect(order.isFinished == isFinal, "\(row.state)")
        }
    }

    // Otherwise an order could be placed twice, or a certificate removed too early.
    @Test("An irrevocable step is reached only from the states that precede it")
    func irrevocable() {
        let next: [Step: Set<OrderState>] = [.order: [.requestSigned], .retire: [.proved]]
        let restart: [Step: Set<OrderState>] = [.order: [.requestSigned, .notSent, .refused]]
        let steps = Step.allCases.filter { [.once, .destructive].contains($0.effect) }
        let expected: Set<Step> = [.order, .retire, .remove, .setUp]
        #expect(Set(steps) == expected)
        for step in steps {
            let before = Set(OrderTable.rows.filter { $0.next == step }.map(\.state))
            let permitted = next[step] ?? []
            #expect(before == permitted, "\(step)")
            let first = Set(OrderTable.rows.filter { $0.restart == step }.map(\.state))
            let permittedFirst = restart[step] ?? []
            #expect(first == permittedFirst, "\(step)")
        }
    }

    @Test("Each step has the effect that determines whether it may be repeated")
    func effects() {
        let effects: [StepEffect: Set<Step>] = [
            .pure: [.plan, .request, .verify, .readBack, .evidence],
            .repeatable: [.generate, .fetch, .write], .once: [.order],
            .destructive: [.retire, .remove, .setUp],
        ]
        for (effect, steps) in effects {
            let found = Set(Step.allCases.filter { $0.effect == effect })
            #expect(found == steps, "\(effect)")
        }
        #expect(effects.values.map(\.count).reduce(0, +) == Step.allCases.count)
    }

    @Test("A new process never skips the next step")
    func restarts() throws {
        let places = Step.allCases
        for row in OrderTable.rows {
            guard let next = row.next else { continue }
            let restart = try #require(row.restart, "\(row.state)")
            let first = try #require(places.firstIndex(of: restart))
            let second = try #require(places.firstIndex(of: next))
            #expect(first <= second, "\(row.state)")
        }
    }

    // Otherwise a second certificate would be ordered without the user's consent.
    @Test("After an order may have been sent, no process makes a key, a request or an order")
    func noSecondOrder() throws {
        let starts: [Step?] = [.generate, .request, .order]
        let unordered: [OrderState] = [.begun, .keyReady, .requestSigned, .notSent, .refused]
        for state in OrderState.allCases {
            let row = try row(state)
            let startsAgain = starts.contains(row.restart)
            #expect(startsAgain == unordered.contains(state), "\(state)")
            let order = try order(.renewal, events(to: state))
            guard order.mayHaveOrdered else { continue }
            #expect(!startsAgain, "\(state)")
            #expect(!starts.contains(row.next), "\(state)")
        }
    }

    @Test("The user's actions follow from the first step of a new process")
    func userActions() {
        for row in OrderTable.rows where ![.done, .closed].contains(row.state) {
            let actions = row.userActions
            let isUnknown = row.restart == .fetch
            #expect(row.restart != nil, "\(row.state)")
            #expect(actions.contains(.resume) != isUnknown, "\(row.state)")
            #expect(actions.contains(.orderAgain) == isUnknown, "\(row.state)")
            #expect(actions.contains(.fetch) == isUnknown, "\(row.state)")
            #expect(actions.contains(.acceptChanges) == (row.restart == .verify), "\(row.state)")
            let always: Set<UserAction> = [.bringCertificate, .abandon]
            #expect(always.isSubset(of: actions), "\(row.state)")
        }
    }

    /// The events that a step records if it succeeds.
    private func events(of step: Step) -> [OrderEvent] {
        switch step {
        case .generate: [Self.made]
        case .request: [Self.signed]
        case .order: [Self.sending(), Self.answered]
        case .fetch: [Self.fetched]
        case .verify: [Self.certified]
        case .write: [Self.written]
        case .readBack: [Self.proved]
        case .retire: [Self.retiring, Self.retired]
        case .plan, .evidence, .remove, .setUp: []
        }
    }

    // Otherwise a job would never end.
    @Test("Every sequence of steps ends, from every first step")
    func noCircle() throws {
        let steps: [Step] = [.generate, .request, .order, .verify, .write, .readBack, .retire]
        for state in OrderState.allCases {
            for isNewProcess in [false, true] {
                var order = try order(.renewal, events(to: state))
                let first = isNewProcess ? order.firstStep : order.nextStep
                var (step, taken) = (first, [Step]())
                while let current = step, taken.count <= steps.count {
                    taken.append(current)
                    for event in events(of: current) { order = order.adding(event) }
                    step = order.nextStep
                }
                // Each later step is taken once.
                let expected: [Step] =
                    switch first {
                    // A certificate is fetched only if the answer had none.
                    case .fetch: [.fetch] + steps.drop { $0 != .verify }
                    case let first?: Array(steps.drop { $0 != first })
                    case nil: []
                    }
                #expect(taken == expected, "\(state)")
                let isFinished = first != nil || [.done, .closed].contains(state)
                #expect(order.isFinished == isFinished, "\(state)")
            }
        }
        let proved = try order(.newKey, events(to: .proved))
        #expect(proved.nextStep == nil && proved.firstStep == nil && proved.isFinished)
    }

    // MARK: Histories

    /// The events that can follow a history of an order.
    private static func followers(of history: [OrderEvent], _ kind: Kind) -> [OrderEvent] {
        let wasRepeated = history.contains(Self.sending(again: true))
        let wasSentTwice = history.filter { $0.kind == "sending" }.count > 1
        let again = wasSentTwice ? [] : [Self.sending(again: true)]
        let firstTime = wasSentTwice ? [] : [Self.sending()]
        guard let last = history.last else {
            switch kind {
            case .certificateFromElsewhere: return [Self.certified, Self.closed]
            case .existingKey: return [Self.signed, Self.closed]
            default: return [Self.made, Self.found, Self.closed]
            }
        }
        switch last {
        case .made, .found:
            return kind.asksCA ? [Self.signed, Self.closed] : [Self.requested, Self.closed]
        case .signed: return [Self.sending(), Self.closed]
        case .sending:
            return [Self.notSent, Self.answered, Self.fetched, Self.unclear, Self.closed] + again
        case .answered: return [Self.refused, Self.unclear, Self.certified, Self.closed]
        case .fetched: return [Self.certified, Self.closed]
        case .refused where !kind.hasNewKey && !wasRepeated: return []
        case .notSent, .refused: return [Self.certified, Self.closed] + firstTime
        case .unclear: return [Self.fetched, Self.certified, Self.closed] + again
        case .certified: return [Self.written, Self.closed]
        case .written: return [Self.proved, Self.closed]
        case .proved: return kind.retires ? [Self.retiring, Self.closed] : []
        case .retiring: return [Self.retired, Self.closed]
        case .begun, .retired, .requested, .stopped, .chainWritten, .closed, .revoked: return []
        }
    }

    /// Every history of every kind of order, made once for all tests.
    private static let histories = Dictionary(
        uniqueKeysWithValues: Kind.allCases.map { ($0, makeHistories($0)) })

    private func histories(_ kind: Kind) -> [[OrderEvent]] { Self.histories[kind] ?? [] }

    /// Every history of an order and all its prefixes, without the first event.
    private static func makeHistories(_ kind: Kind) -> [[OrderEvent]] {
        var (all, latest) = ([[OrderEvent]](), [[OrderEvent]()])
        while !latest.isEmpty {
            all += latest
            latest = latest.flatMap { history in
                followers(of: history, kind).map { history + [$0] }
            }
        }
        return all
    }

    /// How an order continues.
    private struct Course: Equatable {
        var next: Step?
        var first: Step?
        var actions: Set<UserAction>
        var nextAction: NextAction

        static let finished = Course(next: nil, first: nil, actions: [], nextAction: .nothing)
    }

    /// How an order continues after a history without stops, chain certificates and revocations.
    private func course(_ history: [OrderEvent], _ kind: Kind) -> Course {
        let before: NextAction = kind.asksCA ? .order : .key
        let wasRepeated = history.contains(Self.sending(again: true))
        func early(_ next: Step?, _ first: Step) -> Course {
            Course(next: next, first: first, actions: Self.beforeOrder, nextAction: before)
        }
        func late(_ next: Step?) -> Course {
            Course(next: next, first: .verify, actions: Self.arrived, nextAction: .certificate)
        }
        func unknown(_ reason: String) -> Course {
            Course(
                next: .fetch, first: .fetch, actions: Self.undecided, nextAction: .decision(reason))
        }
        guard let last = history.last else {
            return kind.hasNewKey ? early(.generate, .generate) : early(.request, .request)
        }
        switch last {
        case .made, .found: return early(.request, .request)
        case .signed: return early(.order, .order)
        case .sending: return unknown("")
        case .notSent(let reason): return wasRepeated ? unknown(reason) : early(nil, .order)
        case .refused(let reason):
            guard !wasRepeated else { return unknown(reason) }
            return kind.hasNewKey ? early(nil, .order) : .finished
        case .unclear(let reason): return unknown(reason)
        case .answered, .fetched: return late(.verify)
        case .certified: return late(.write)
        case .written: return late(.readBack)
        case .proved: return kind.retires ? late(.retire) : .finished
        case .retiring: return late(nil)
        case .begun, .retired, .requested, .stopped, .chainWritten, .closed, .revoked:
            return .finished
        }
    }

    private func course(of order: Order) -> Course {
        var nextAction = order.nextAction
        // No event has a reason.
        if order.state == .sending, nextAction.isDecision { nextAction = .decision("") }
        return Course(
            next: order.nextStep, first: order.firstStep, actions: order.userActions,
            nextAction: nextAction)
    }

    // Otherwise resume could order twice, lose a certificate, or wait for a needless decision.
    @Test("The last event of a history determines the steps and the user's actions")
    func everyHistory() throws {
        for kind in Kind.allCases {
            let histories = histories(kind)
            // Without events, the loop below would check nothing.
            #expect(histories.count > (kind.asksCA ? 50 : 6), "\(kind): \(histories.count)")
            for history in histories {
                let expected = course(history, kind)
                let place = "\(kind): \(history.map(\.kind))"
                let order = try order(kind, history)
                #expect(course(of: order) == expected, "\(place)")
                let isFinished = expected == Course.finished
                #expect(order.isFinished == isFinished, "\(place)")
                for note in [Self.stopped, Self.chainWritten, Self.revoked] {
                    let noted = order.adding(note)
                    #expect(course(of: noted) == expected, "\(place), \(note.kind)")
                    #expect(noted.isFinished == isFinished, "\(place), \(note.kind)")
                }
            }
        }
    }

    @Test("No new process sends an order that may have been sent before, after any history")
    func noSecondOrderAfterAnyHistory() throws {
        let starts: [Step?] = [.generate, .request, .order]
        for kind in Kind.allCases {
            for history in histories(kind) {
                let order = try order(kind, history)
                let sendings = history.filter { $0.kind == "sending" }.count
                let unsent = history.filter { ["not sent", "refused"].contains($0.kind) }.count
                guard sendings > unsent else { continue }
                let place = "\(kind): \(history.map(\.kind))"
                #expect(!starts.contains(order.nextStep), "\(place)")
                #expect(!starts.contains(order.firstStep), "\(place)")
            }
        }
    }

    /// The properties of an order that the rest of the program reads.
    private struct Reading: Equatable {
        let state: OrderState
        let course: Course
        let events: [OrderEvent?]
        let sequences: [Int64]
        let signedRequest: String?
        let publicKeyHash: String?
        let mayHaveOrdered: Bool
        let wasSent: Bool
    }

    private func reading(_ order: Order) -> Reading {
        Reading(
            state: order.state, course: course(of: order), events: order.events.map(\.event),
            sequences: order.events.map(\.sequence), signedRequest: order.signedRequest,
            publicKeyHash: order.publicKeyHash, mayHaveOrdered: order.mayHaveOrdered,
            wasSent: order.wasSent)
    }

    // Otherwise an interrupted order would continue differently from an uninterrupted one.
    @Test("An event has the same effect before and after it is read from the ledger")
    func adding() throws {
        let records = try Self.all.map { ($0, try $0.encoded()) }
        for kind in [Kind.renewal] {
            // Earlier histories are prefixes of later ones.
            for history in histories(kind).enumerated().filter({ $0.offset % 7 == 0 }).map(
                \.element)
            {
                let before = try order(kind, history)
                let sequence = Int64(before.events.count + 1)
                for (event, text) in records {
                    let record = RecordedEvent(
                        sequence: sequence, time: 0, kind: event.kind, text: text)
                    let read = try #require(
                        Order(number: before.number, events: before.events + [record]))
                    let added = before.adding(event)
                    #expect(
                        reading(added) == reading(read),
                        "\(kind): \(history.map(\.kind)), \(event.kind)")
                }
            }
        }
    }

    // MARK: The request

    private func request(_ request: String, signedFor hash: String) -> OrderEvent {
        .signed(.init(publicKeyHash: hash, request: request))
    }

    private func request(_ request: String, sentFor hash: String) -> OrderEvent {
        .sending(
            .init(keyURI: "pkcs11:", publicKeyHash: hash, request: request, isRepeated: false))
    }

    // Otherwise the CA would certify a key that is not on the token.
    @Test("The signed request is the last one for the key of the order")
    func signedRequest() throws {
        let (made, otherKey) = (Self.made, OrderEvent.made(publicKeyHash: "bb"))
        let first = request("first", signedFor: "aa")
        let second = request("second", signedFor: "aa")
        let other = request("other", signedFor: "bb")
        let cases: [([OrderEvent], String?)] = [
            ([], nil), ([made], nil), ([made, first], "first"), ([Self.found, first], "first"),
            ([made, first, second], "second"),
            // Only a key with a different hash changes the result.
            ([made, first, made], "first"), ([made, first, Self.found], "first"),
            ([made, first, otherKey], nil),
            ([made, first, .found(publicKeyHash: "bb")], nil),
            ([made, first, otherKey, other], "other"),
            ([made, first, otherKey, made], "first"),
            ([made, other], nil),
            // The key is unknown.
            ([first], nil),
        ]
        for (events, expected) in cases {
            let request = try order(.newKey, events).signedRequest
            #expect(request == expected, "\(events.map(\.kind))")
        }
        #expect(try order(.existingKey, [first]).signedRequest == "first")
        #expect(try order(.existingKey, [other]).signedRequest == nil)
    }

    @Test("The signed request of a sent order is the one that was sent")
    func sentRequest() throws {
        let sent = [Self.made, request("first", signedFor: "aa"), request("sent", sentFor: "aa")]
        for end in [[], [Self.notSent], [Self.refused], [Self.unclear], [Self.stopped]] {
            #expect(try order(.newKey, sent + end).signedRequest == "sent")
            // The CA has the request for this key, even if another key is found later.
            let found = try order(.newKey, sent + end + [.found(publicKeyHash: "bb")])
            #expect(found.signedRequest == "sent" && found.publicKeyHash == "aa")
        }
        let again = try order(.newKey, sent + [Self.notSent, request("again", sentFor: "aa")])
        #expect(again.signedRequest == "again")
    }

    // MARK: Names

    // Ledgers are kept for years, and other programs read these names.
    @Test("The names of the states are those in the ledger")
    func names() {
        let names: [OrderState: String] = [
            .begun: "begun", .keyReady: "begun", .requestSigned: "begun", .sending: "sending",
            .notSent: "not sent", .answered: "answered", .refused: "refused",
            .unclear: "unclear", .certified: "certified", .written: "written",
            .proved: "proved", .retiring: "retiring", .done: "done", .closed: "closed",
        ]
        #expect(names.count == OrderState.allCases.count)
        for state in OrderState.allCases {
            #expect(state.name == names[state], "\(state)")
            #expect(state.isBeforeOrder == (state.name == "begun"), "\(state)")
        }
    }
}
