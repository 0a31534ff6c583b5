import OpenSSLX509
import Testing
import TokencertTestAuthority

@testable import TokencertCAcert
@testable import TokencertCommands
@testable import TokencertIssuance

/// How `revoke --lost-token` ends. A script that reads status 0 does not look further.
@Suite struct LostCertificatesTests {
    private static let now: Int64 = 1_800_000_000
    private static let other = "https://other.example"

    private let key: HostPrivateKey

    init() throws {
        key = try HostPrivateKey.generate(.ec(.p256))
    }

    private func known(
        _ serial: UInt8, at time: Int64 = LostCertificatesTests.now
    ) throws -> LedgerCertificate {
        let certificate = try key.issue(
            CertificateContent(
                subject: [NameAttribute(.commonName, "Anna")], publicKey: key.publicKey,
                serialNumber: [serial], notBefore: time, notAfter: time + 86_400,
                extensions: [.basicConstraints(isAuthority: false)]), issuer: nil)
        return LedgerCertificate(certificate: certificate, orders: [], places: [])
    }

    private func row(isRevoked: Bool) -> ListedCertificate {
        ListedCertificate(
            number: "7", emailAddress: nil, serialNumber: "0A", expiry: nil, isRevoked: isRevoked)
    }

    /// Why a certificate may still be valid, or nil.
    private func ending(_ found: LostCertificates) -> Failure? {
        found.failure("\"my work\"", name: "my work", account: "the account")
    }

    /// Certificates of which one has just been revoked.
    private func revoked() throws -> LostCertificates {
        var found = LostCertificates()
        try found.add(known(0x0A), row(isRevoked: false), at: Self.now)
        found.requested = found.valid.map { RevokedCertificate($0, .revoked) }
        return found
    }

    @Test("If all certificates are revoked or expired, there is no failure")
    func nothingLeft() throws {
        #expect(try ending(revoked()) == nil)
        var found = LostCertificates()
        try found.add(known(0x0A), row(isRevoked: true), at: Self.now)
        try found.add(known(0x0B, at: 0), nil, at: Self.now)
        try found.addElsewhere(known(0x0C, at: 0), Self.other, isRevoked: false, at: Self.now)
        #expect(ending(found) == nil && found.isAllOver)
    }

    // Otherwise the finder of the token could use the certificate.
    @Test("A certificate of another CA is a failure with the command that revokes it")
    func otherCA() throws {
        for (start, message) in [
            (try revoked(), "2 of 3 certificates were not revoked"),
            (LostCertificates(), "the account has none of the certificates of token"),
        ] {
            var found = start
            for serial: UInt8 in [0x0B, 0x0C] {
                try found.addElsewhere(
                    known(serial), Self.other, isRevoked: false, at: Self.now)
            }
            let failure = try #require(ending(found))
            #expect(failure.status == .unreachable && failure.code == "notRevoked")
            #expect(failure.message.hasPrefix(message), "\(failure.message)")
            #expect(failure.isInJSON && !found.isAllOver)
            #expect(
                failure.hints == [
                    "to revoke those of https://other.example: tokencert revoke --lost-token "
                        + "'my work' --ca-url https://other.example"
                ])
            found.mayStillBeIssued = [7]
            #expect(ending(found)?.status == .pending)
        }
    }

    @Test("A certificate of another CA whose revocation is recorded is not a failure")
    func recorded() throws {
        var found = try revoked()
        try found.addElsewhere(known(0x0B), Self.other, isRevoked: true, at: Self.now)
        #expect(ending(found) == nil)
        #expect(found.all.map(\.outcome) == [.revoked, .alreadyRevoked])
    }

    // Otherwise the user would paste a command that fails.
    @Test("For a certificate of a CA command, no command is suggested")
    func commandCA() throws {
        var found = try revoked()
        try found.addElsewhere(
            known(0x0B), "command:/usr/bin/our-ca", isRevoked: false, at: Self.now)
        let failure = try #require(ending(found))
        #expect(failure.status == .unreachable)
        #expect(failure.hints.count == 1 && !failure.hints[0].contains("--ca-url"))
    }

    // Otherwise one of them could be for a key of the token, and stay valid.
    @Test("Certificates that were not compared are a failure, even if nothing else was found")
    func notCompared() throws {
        for start in [try revoked(), LostCertificates()] {
            var found = start
            found.unread = 3
            let failure = try #require(ending(found))
            #expect(failure.status == .unreachable && failure.code == "notRevoked")
            #expect(failure.message.hasPrefix("3 valid certificates of the account were not"))
            #expect(failure.hints.count == 2 && failure.isInJSON && !found.isAllOver)
        }
    }

    @Test("Each reason adds its own hints, and only failed requests are to be repeated")
    func severalReasons() throws {
        var found = try revoked()
        try found.add(known(0x0B), nil, at: Self.now)
        try found.addElsewhere(known(0x0C), Self.other, isRevoked: false, at: Self.now)
        found.unread = 1
        let failure = try #require(ending(found))
        #expect(failure.message.hasPrefix("2 of 3 certificates were not revoked"))
        for part in ["--username ADDRESS", "--ca-url https://other.example", "revoke SERIAL"] {
            #expect(failure.hints.contains { $0.contains(part) }, "\(part)")
        }
        #expect(!failure.hints.contains { $0.contains("the same command") })
    }

    @Test("Nothing at all is a failure without a report")
    func nothing() {
        let failure = ending(LostCertificates())
        #expect(failure?.status == .noSuchObject && failure?.isInJSON == false)
    }
}
