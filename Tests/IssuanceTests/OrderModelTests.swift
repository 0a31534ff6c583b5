import Foundation
import OpenSSLX509
import Synchronization
import Testing
import TokencertSQLite
import TokencertTestAuthority
import TokencertTestSupport

@testable import TokencertIssuance
@testable import TokencertLedger

/// Orders with a token and a CA in memory, interrupted at every point.
@Suite struct OrderModelTests {
    /// The world and the ledger when a process ended.
    private struct Moment {
        let name: String
        let world: World
        let ledger: String
    }

    /// Everything that determines the actions of later processes: the world, and the hash over all
    /// events in the ledger.
    private struct State: Hashable {
        let keys: [[UInt8]: PublicKey]
        let certificates: [[Certificate]]
        let generations: Int
        let orders: [String]
        let requests: [String: PublicKey]
        let events: String?

        init(_ world: World, _ ledger: Ledger) throws {
            keys = world.keys.mapValues(\.publicKey)
            certificates = [world.certificates, world.issued, world.removed]
            generations = world.generations
            orders = world.orders
            requests = world.requests
            events = try ledger.end().hash
        }
    }

    /// A kind of order.
    enum Scenario: CaseIterable, Sendable {
        case newKey, existingKey, renewal
    }

    private let folder: String
    private let root: HostPrivateKey
    private let anchor: Certificate

    init() throws {
        // In memory, because the tests write hundreds of ledgers.
        let parent =
            FileManager.default.fileExists(atPath: "/dev/shm")
            ? "/dev/shm/" : NSTemporaryDirectory()
        folder = parent + "tokencert-\(UUID().uuidString)"
        root = try HostPrivateKey.generate(.ec(.p256))
        anchor = try root.issue(
            CertificateContent(
                subject: [.init(.commonName, "Root")], publicKey: root.publicKey,
                serialNumber: [1], notBefore: modelTime - 100, notAfter: modelTime + 900_000,
                extensions: [
                    .basicConstraints(isAuthority: true), .keyUsage([.keyCertSign, .cRLSign]),
                    .subjectKeyIdentifier(root.publicKey), .authorityKeyIdentifier(root.publicKey),
                ]), issuer: nil)
    }

    private func remove() { try? FileManager.default.removeItem(atPath: folder) }

    private func openLedger(_ path: String) throws -> Ledger {
        try Ledger(path: path) { modelTime }
    }

    private func newLedger() throws -> String {
        let path = "\(folder)/\(UUID().uuidString)"
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: true)
        return path + "/ledger.sqlite"
    }

    private func copy(_ ledger: String) throws -> String {
        let to = "\(folder)/\(UUID().uuidString)"
        try FileManager.default.copyItem(
            atPath: URL(filePath: ledger).deletingLastPathComponent().path, toPath: to)
        return to + "/ledger.sqlite"
    }

    private func runner(
        _ ca: ModelCA, heard: @escaping @Sendable (String) -> Void = { _ in }
    ) -> TokencertIssuance.Runner {
        Runner(
            IssuanceSettings(
                anchors: TrustAnchors([anchor]), acceptance: .anything, allowsLastTry: false,
                clock: { modelTime + 50 }, observer: ModelObserver(heard: heard),
                authority: ModelCA.self), ca)
    }

    /// The world before an order of this kind, and the first event of the order.
    private func start(
        _ scenario: Scenario
    ) throws -> (world: World, beginning: OrderEvent.Beginning) {
        var world = World()
        func issue(_ key: OrderEvent.Key) -> OrderEvent.Issue {
            var issue = OrderEvent.Issue.example(key)
            issue.emailAddresses = ["anna@example.org"]
            return issue
        }
        func beginning(_ job: OrderEvent.Job) -> OrderEvent.Beginning {
            .example(job, on: "pkcs11:serial=1")
        }
        guard scenario != .newKey else {
            return (world, beginning(.issue(issue(.new(kind: "ec:p256")))))
        }
        let key = try HostPrivateKey.generate(.ec(.p256))
        world.keys[[1]] = key
        let existing = issue(
            .existing(publicKeyHash: hexadecimal(key.publicKey.sha256Fingerprint)))
        guard scenario == .renewal else { return (world, beginning(.issue(existing))) }
        let ca = ModelCA(ActingWorld(), root, anchor)
        let old = try ca.issue(for: key.publicKey, number: 1, name: "Anna")
        world.certificates = [old]
        return (world, beginning(.renew(existing, replacing: old.pem, isRetired: true)))
    }

    /// Runs an order to its end, and records every moment at which the process may end.
    private func moments(
        _ scenario: Scenario, _ memory: ModelMemory? = nil
    ) throws -> (moments: [Moment], end: World) {
        let (world, beginning) = try start(scenario)
        let ledger = try newLedger()
        let acting = ActingWorld(world, memory)
        let ca = ModelCA(acting, root, anchor)
        let names = Mutex<[String]>([])
        var moments: [Moment] = []
        acting.atMoment = { name in
            guard let ledger = try? self.copy(ledger) else { return }
            let heard = names.withLock { $0.last }
            moments.append(
                Moment(name: "\(name), \(heard ?? "")", world: acting.world, ledger: ledger))
        }
        let runner = runner(ca) { name in names.withLock { $0.append(name) } }
        var work = try runner.begin(beginning, in: try openLedger(ledger))
        acting.atMoment("after the order is started")
        var token = ModelToken(acting: acting)
        var step = work.order.nextStep
        while let next = step {
            acting.atMoment("before the step \(next.rawValue)")
            try runner.take(next, &work, &token)
            // Later steps need nothing that is only in memory.
            (work.foundKey, work.knownOutcomes) = (nil, nil)
            step = work.order.nextStep
        }
        acting.atMoment("at the end")
        #expect(work.order.isFinished)
        return (moments, acting.world)
    }

    /// Finishes all orders of a ledger as a new process and the user would. Returns the world, and
    /// how often the user ordered again.
    private func finish(
        _ moment: Moment, _ memory: ModelMemory? = nil,
        atMoment: ((String, World, Ledger) -> Void)? = nil
    ) throws -> (world: World, ordersAgain: Int) {
        let acting = ActingWorld(moment.world, memory)
        let ca = ModelCA(acting, root, anchor)
        let ledger = try openLedger(moment.ledger)
        if let atMoment { acting.atMoment = { atMoment($0, acting.world, ledger) } }
        // The closure keeps the ledger open.
        defer { acting.atMoment = { _ in } }
        var ordersAgain = 0
        for number in try ledger.orders(unfinishedOnly: true).map(\.number) {
            var work = OrderWork(
                try Journal(try ledger.open(number)), runner(ca).settings, ca)
            if work.firstStep == .fetch {
                // The user checks the account on the CA's web site.
                work.brought.certificates = acting.world.issued
                work.brought.ordersAgain = acting.world.issued.isEmpty
                ordersAgain += acting.world.issued.isEmpty ? 1 : 0
            }
            var token = ModelToken(acting: acting)
            try runner(ca).run(&work, from: work.firstStep, over: &token)
        }
        return (acting.world, ordersAgain)
    }

    /// Checks the world after an interrupted order was finished.
    private func expectGood(
        _ world: World, _ ordersAgain: Int, _ scenario: Scenario, _ name: String,
        at location: SourceLocation = #_sourceLocation
    ) {
        #expect(
            world.generations == (scenario == .newKey ? 1 : 0), "\(name)",
            sourceLocation: location)
        #expect(world.orders.count <= 1 + ordersAgain, "\(name)", sourceLocation: location)
        #expect(world.issued.count == 1, "\(name)", sourceLocation: location)
        let isOnToken = world.issued.allSatisfy(world.certificates.contains)
        #expect(isOnToken, "\(name)", sourceLocation: location)
        #expect(
            world.removed.count == (scenario == .renewal ? 1 : 0), "\(name)",
            sourceLocation: location)
        #expect(
            world.certificates.count == 1, "\(name)", sourceLocation: location)
    }

    // Otherwise the user would lose a key or a certificate.
    @Test(
        "An order interrupted at any moment is finished later with one key and one certificate",
        arguments: Scenario.allCases)
    func interrupted(scenario: Scenario) throws {
        defer { remove() }
        let (moments, end) = try moments(scenario)
        #expect(moments.count > 10)
        expectGood(end, 0, scenario, "no interruption")
        for moment in moments {
            let (world, ordersAgain) = try finish(moment)
            // If the CA issued a certificate, the user never has to order again.
            #expect(
                ordersAgain == 0 || moment.world.issued.isEmpty, "\(moment.name)")
            expectGood(world, ordersAgain, scenario, moment.name)
        }
    }

    @Test("An order interrupted twice is finished, too", arguments: [Scenario.newKey, .renewal])
    func interruptedTwice(scenario: Scenario) throws {
        defer { remove() }
        // The user may have ordered again after each interruption.
        func expectFinished(_ moment: Moment, _ world: World, afterInterruptions count: Int) {
            #expect(world.generations <= 1, "\(moment.name)")
            #expect(world.issued.count <= 2, "\(moment.name)")
            #expect(world.orders.count <= 1 + count, "\(moment.name)")
            #expect(
                world.issued.contains(where: world.certificates.contains), "\(moment.name)")
        }
        let memory = ModelMemory()
        var states: Set<State> = []
        // A new process does the same from equal states, so each state is tested once.
        let moments = try moments(scenario, memory).moments.filter {
            try states.insert(State($0.world, openLedger($0.ledger))).inserted
        }
        #expect(moments.count > 8)
        for moment in moments {
            var later: [Moment] = []
            let (end, _) = try finish(moment, memory) { name, world, ledger in
                do {
                    guard try states.insert(State(world, ledger)).inserted else { return }
                    later.append(
                        Moment(
                            name: "\(moment.name); \(name)", world: world,
                            ledger: try copy(moment.ledger)))
                } catch {
                    Testing.Issue.record(error)
                }
            }
            expectFinished(moment, end, afterInterruptions: 1)
            for again in later {
                expectFinished(again, try finish(again, memory).world, afterInterruptions: 2)
            }
        }
        // Some states occur only after an interruption.
        #expect(states.count > moments.count)
    }

    // Otherwise an issued certificate would be lost.
    @Test(
        "An order is finished even if the ledger fails from any event on",
        arguments: Scenario.allCases)
    func failingLedger(scenario: Scenario) throws {
        defer { remove() }
        for count in 1...9 {
            let (world, beginning) = try start(scenario)
            let path = try newLedger()
            let acting = ActingWorld(world)
            let ca = ModelCA(acting, root, anchor)
            var failure: IssuanceError?
            do {
                var work = try runner(ca).begin(beginning, in: try openLedger(path))
                try change(
                    path,
                    """
                    CREATE TRIGGER failing BEFORE INSERT ON events
                    WHEN (SELECT count(*) FROM events) >= \(count)
                    BEGIN SELECT RAISE(ABORT, 'no'); END
                    """)
                var token = ModelToken(acting: acting)
                do throws(IssuanceError) {
                    try runner(ca).run(&work, from: work.order.nextStep, over: &token)
                } catch {
                    failure = error
                }
            }
            try change(path, "DROP TRIGGER failing")
            let name = "the ledger fails after \(count) events"
            let recorded = try openLedger(path).order(1)
            // An answer is in the ledger, on the token, or shown to the user.
            for certificate in acting.world.issued {
                let isKept =
                    recorded.answer != nil || acting.world.certificates.contains(certificate)
                    || failure?.order?.unrecordedAnswer != nil
                #expect(isKept, "\(name)")
            }
            // Every order is in the ledger.
            #expect(acting.world.orders.isEmpty || recorded.sending != nil, "\(name)")
            // Every removal is in the ledger.
            #expect(
                acting.world.removed.isEmpty
                    || recorded.events.contains { $0.kind == "retiring" }, "\(name)")
            let (end, ordersAgain) = try finish(
                Moment(name: name, world: acting.world, ledger: path))
            expectGood(end, ordersAgain, scenario, name)
        }
    }

    private func change(_ path: String, _ statement: String) throws {
        try Database(writing: path).execute(statement)
    }

    // Otherwise a second certificate would be ordered, or an unsent order would count as sent.
    @Test(
        "The CA's reaction determines whether an order waits, ends or is sent again",
        arguments: [
            (ModelCA.Fault.notReached, OrderState.notSent, IssuanceError.Code.caUnreachable),
            (.refused, .refused, .orderRefused), (.lost, .unclear, .orderPending),
            (.issuedAndLost, .unclear, .orderPending), (.late, .unclear, .orderPending),
        ])
    func faults(
        fault: ModelCA.Fault, state: OrderState, code: IssuanceError.Code
    ) throws {
        defer { remove() }
        let (world, beginning) = try start(.newKey)
        let path = try newLedger()
        let acting = ActingWorld(world)
        let ca = ModelCA(acting, root, anchor)
        ca.fault = fault
        do {
            var work = try runner(ca).begin(beginning, in: try openLedger(path))
            var token = ModelToken(acting: acting)
            let error = try #require(throws: IssuanceError.self) {
                try runner(ca).run(&work, from: work.order.nextStep, over: &token)
            }
            #expect(error.code == code && error.order?.number == 1)
            #expect(error.key?.isNew == true)
            #expect(work.order.state == state)
        }
        let sent = acting.world.orders
        #expect(sent.count == (fault == .notReached ? 0 : 1))
        let (end, ordersAgain) = try finish(
            Moment(name: "\(fault)", world: acting.world, ledger: path))
        #expect(end.issued.count == 1 && end.generations == 1)
        #expect(ordersAgain == ([.lost, .late].contains(fault) ? 1 : 0))
        // The request in the ledger is sent again.
        #expect(Set(end.orders).count == 1)
        #expect(end.orders.count == (fault == .issuedAndLost || fault == .notReached ? 1 : 2))
    }

    // Otherwise the user would have to look at the web site, or order a second certificate.
    @Test(
        "With a search for late certificates, no lost or late answer needs a decision",
        arguments: [ModelCA.Fault.lost, .issuedAndLost, .late])
    func lateCertificates(fault: ModelCA.Fault) throws {
        defer { remove() }
        let (world, beginning) = try start(.newKey)
        let path = try newLedger()
        let acting = ActingWorld(world)
        let ca = ModelCA(acting, root, anchor)
        ca.fault = fault
        ca.findsLate = true
        ca.signsLate = fault == .late
        var work = try runner(ca).begin(beginning, in: try openLedger(path))
        var token = ModelToken(acting: acting)
        guard fault != .lost else {
            let error = try #require(throws: IssuanceError.self) {
                try runner(ca).run(&work, from: work.order.nextStep, over: &token)
            }
            #expect(error.code == .orderPending && error.reason.hasPrefix("not issued; "))
            #expect(work.order.state == .unclear && ca.searched == [nil])
            return
        }
        try runner(ca).run(&work, from: work.order.nextStep, over: &token)
        #expect(work.order.isFinished && work.order.isProved)
        #expect(ca.searched == [fault == .late ? "7" : nil])
        expectGood(acting.world, 0, .newKey, "\(fault)")
    }

    // Otherwise a second order would be placed, or the certificate would be lost.
    @Test(
        "An order interrupted at any moment is finished by a search, without a decision",
        arguments: Scenario.allCases)
    func interruptedSearch(scenario: Scenario) throws {
        defer { remove() }
        for moment in try moments(scenario).moments {
            let acting = ActingWorld(moment.world)
            let ca = ModelCA(acting, root, anchor)
            ca.findsLate = true
            ca.signsLate = true
            let ledger = try openLedger(moment.ledger)
            for number in try ledger.orders(unfinishedOnly: true).map(\.number) {
                // As the program does it: the certificate is fetched before the token is used.
                let openOrder = try ledger.open(number)
                do throws(IssuanceError) {
                    try runner(ca).fetch(openOrder)
                } catch {
                    // The order never reached the CA, and only the user can know that.
                    #expect(error.code == .orderPending, "\(moment.name)")
                    #expect(acting.world.orders.isEmpty, "\(moment.name)")
                    continue
                }
                var work = OrderWork(try Journal(openOrder), runner(ca).settings, ca)
                var token = ModelToken(acting: acting)
                try runner(ca).run(&work, from: work.firstStep, over: &token)
                #expect(work.order.isFinished, "\(moment.name)")
            }
            let mayHaveSent = !acting.world.orders.isEmpty
            if mayHaveSent { expectGood(acting.world, 0, scenario, moment.name) }
            #expect(acting.world.generations <= 1 && acting.world.orders.count <= 1)
        }
    }
}
