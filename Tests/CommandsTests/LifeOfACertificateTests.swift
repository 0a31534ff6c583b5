import Foundation
import Testing
import TokencertTestSupport

extension RealParts {
    /// A certificate from its order to its revocation. The days pass on a moved clock.
    @Suite struct LifeOfACertificateTests {
        /// Other tests look at one command each. Together, they would not show that the user has to
        /// order a certificate twice, or to log in to the CA's web site between two commands.
        @Test("The whole life of a certificate needs no browser")
        func life() throws {
            let life = try Life()
            let first = try issueLate(life)
            let beforeExpiry = try life.pass(days: 160)
            try reportExpiry(of: first, life, beforeExpiry)
            let second = try renew(first, life, beforeExpiry)
            let afterLoss = try life.pass(days: 170)
            try revoke([first, second], life, afterLoss)
            try expectSilence(life, afterLoss)
            try expectHistory(life, afterLoss)
            #expect(life.bench.ca.orders.count == 2)
            #expect(
                life.hookRuns == [
                    "after-issue \(first) work", "on-expiring \(first) work",
                    "after-renew \(second) work",
                ])
        }

        /// The CA is late, and the certificate is fetched. Returns its serial number.
        private func issueLate(_ life: Life) throws -> String {
            let issued = try life.tokencert(["issue", "--label", "mail", "--key-type", "rsa:2048"])
            expect(issued, 75, "it may still issue one")
            #expect(try life.numbersOnToken([:]).isEmpty)
            for _ in 0..<300 where life.bench.ca.issued.isEmpty { usleep(100_000) }
            let fetched = try life.tokencert(["resume", "1", "--fetch", "--json"])
            #expect(fetched.status == 0, "\(fetched)")
            let report = try fetched.json()
            #expect(report["proof"] as? String == "signature", "\(fetched)")
            let number = try #require(report.certificate("serialNumber"))
            #expect(try life.numbersOnToken([:]) == [number])
            #expect(life.bench.ca.orders.count == 1)
            return number
        }

        /// What the timer runs while the token is in a drawer.
        private func reportExpiry(
            of number: String, _ life: Life, _ clock: [String: String]
        ) throws {
            let away = clock.merging(life.withoutToken) { $1 }
            let renewed = try life.tokencert(["renew", "--expiring", "30d", "--if-present"], away)
            #expect(renewed.status == 0, "\(renewed)")
            #expect(life.bench.ca.orders.count == 1)
            let listed = try life.tokencert(["expiring", "--json"], away)
            #expect(listed.status == 79, "\(listed)")
            let lines = try #require(try listed.json()["expiring"] as? [[String: Any]])
            #expect(lines.compactMap { $0.certificate("serialNumber") } == [number])
            let next = try #require(lines.first?["next"] as? String)
            #expect(next.hasPrefix("tokencert renew mail --token "), "\(next)")
        }

        /// The token is back. Returns the serial number of the new certificate.
        private func renew(
            _ old: String, _ life: Life, _ clock: [String: String]
        ) throws -> String {
            let renewed = try life.tokencert(
                ["renew", "--expiring", "30d", "--retire", "--json"], clock)
            #expect(renewed.status == 0, "\(renewed)")
            let reports = try #require(try renewed.json()["renewed"] as? [[String: Any]])
            let new = try #require(reports.first?.certificate("serialNumber"))
            #expect(reports.count == 1 && new != old)
            #expect(try life.numbersOnToken(clock) == [new])
            let expiring = try life.tokencert(["expiring"], clock)
            #expect(expiring.status == 0, "\(expiring)")
            #expect(expiring.output == "No certificate expires within 30 days.\n")
            return new
        }

        /// The token is lost, and found again after the CA has published the revocation.
        private func revoke(
            _ numbers: [String], _ life: Life, _ clock: [String: String]
        ) throws {
            let away = clock.merging(life.withoutToken) { $1 }
            try life.publish([], on: 169)
            let lost = try life.tokencert(
                ["revoke", "--lost-token", "work", "--yes", "--json"], away)
            #expect(lost.status == 0, "\(lost)")
            let revocations = try #require(try lost.json()["revocations"] as? [[String: Any]])
            #expect(
                Set(revocations.compactMap { $0.certificate("serialNumber") }) == Set(numbers))
            #expect(revocations.map { $0["outcome"] as? String } == ["revoked", "revoked"])
            let publications = revocations.compactMap { $0["publication"] as? [String: Any] }
            #expect(publications.map { $0["status"] as? String } == ["notYet", "notYet"])
            let account = try life.tokencert(["certificates", "--all", "--json"], away)
            let listed = try #require(try account.json()["listed"] as? [[String: Any]])
            #expect(listed.map { $0["state"] as? String } == ["revoked", "revoked"])
            try life.publish(numbers, on: 170)
            let health = try life.tokencert(["health", "--online", "--json"], clock)
            #expect(health.status == 79, "\(health)")
            let findings = try #require(try health.json()["findings"] as? [[String: Any]])
            #expect(findings.contains { $0["kind"] as? String == "revoked" }, "\(health)")
        }

        /// The timer has nothing to report about the token any more, and orders nothing for its key.
        private func expectSilence(_ life: Life, _ clock: [String: String]) throws {
            let expiring = try life.tokencert(["expiring", "--within", "3650d"], clock)
            #expect(expiring.status == 0, "\(expiring)")
            #expect(expiring.output == "No certificate expires within 3650 days.\n")
            let renewed = try life.tokencert(["renew", "--all"], clock)
            #expect(renewed.status == 0, "\(renewed)")
            #expect(renewed.errors.contains("it is revoked (recorded on "), "\(renewed)")
            #expect(life.bench.ca.orders.count == 2)
        }

        private func expectHistory(_ life: Life, _ clock: [String: String]) throws {
            let first = try life.tokencert(["history", "1"], clock).output
            #expect(first.contains("fetched from the account"), "\(first)")
            #expect(first.contains("key verified by a signature"), "\(first)")
            #expect(first.contains("certificate revoked: serial"), "\(first)")
            let second = try life.tokencert(["history", "2"], clock).output
            #expect(second.contains("key verified by a signature"), "\(second)")
            #expect(second.contains("removed the old certificate"), "\(second)")
            #expect(second.contains("certificate revoked: serial"), "\(second)")
            #expect(try life.tokencert(["history", "verify"], clock).status == 0)
            #expect(
                try life.tokencert(["resume"], clock).output == "No order is unfinished.\n")
        }
    }
}

/// A user with a token, a CA that is late at first, and a clock that can be moved forward.
private struct Life {
    let bench: Bench
    /// The settings with which no token is present.
    var withoutToken: [String: String] { drawer.environment }

    private let lists: FileServer
    private let drawer: ThrowawayToken

    init() throws {
        // With so few points, certificates are valid for 180 days: the certificate of the CA's server
        // is valid for longer.
        let anna = StandIn.account(
            "anna@example.org", points: 10, codeSigning: false, emails: ["anna@example.org"])
        lists = try FileServer()
        drawer = try ThrowawayToken(label: nil)
        bench = try Bench(
            Self.addresses(of: lists) + ["--fault", "late"], accounts: [anna])
        let script = try folder.write(
            """
            echo "$TOKENCERT_HOOK $TOKENCERT_HOOK_SERIAL $TOKENCERT_HOOK_TOKEN_LABEL" \
                >>'\(folder.file("hooks"))'
            """, "hook")
        let hooks = ["after-issue", "after-renew", "on-expiring"]
            .map { "\"\($0)\": \"sh \(script)\"" }
        try folder.write("{\"hooks\": {\(hooks.joined(separator: ", "))}}", "config.json")
    }

    private var folder: TemporaryFolder { bench.token.folder }

    /// The arguments of the CA. No responder listens on port 1.
    private static func addresses(of lists: FileServer) -> [String] {
        ["--ocsp", "http://127.0.0.1:1/", "--crl", lists.url]
    }

    /// Moves the clock of the CA to a number of days from now. Returns the variables that move the
    /// clock of another program.
    func pass(days: Int) throws -> [String: String] {
        let clock = try movedClock(days: days)
        try bench.ca.restart(Self.addresses(of: lists), environment: clock)
        return clock
    }

    func tokencert(_ arguments: [String], _ changes: [String: String] = [:]) throws -> Outcome {
        try bench.tokencert(
            arguments,
            ["TOKENCERT_CONFIG": folder.file("config.json")].merging(changes) { $1 })
    }

    /// Publishes the CA's revocation list of a day, with these serial numbers.
    func publish(_ numbers: [String], on day: Double) throws {
        try lists.publish(
            RevocationListFile(
                numbers.map { (serialNumber: $0, time: "260101000000Z") }, from: day - 1,
                to: day + 7), of: bench)
    }

    /// The serial numbers of the certificates for the only key on the token.
    func numbersOnToken(_ clock: [String: String]) throws -> [String] {
        let list = try tokencert(["list", "--json"], clock).json()
        let keys = try #require(list["keys"] as? [[String: Any]])
        #expect(keys.count == 1)
        let certificates = keys.first?["certificates"] as? [[String: Any]] ?? []
        return certificates.compactMap { $0["serialNumber"] as? String }
    }

    /// The hooks that have run, each with the serial number and the label of the token.
    var hookRuns: [String] {
        ((try? folder.read("hooks")) ?? "").split(separator: "\n").map(String.init)
    }
}
