import Cryptoki
import OpenSSLX509
import Testing

@testable import TokencertTokens

/// Which of the certificates of a key stands for it. If the wrong one is chosen, another program presents
/// a certificate that is refused.
@Suite struct CertificatePreferenceTests {
    private static let now: Int64 = 1_800_000_000
    private static let revocations = ["0a": "2026-11-30"]

    /// A certificate that is valid from and to times relative to now, in seconds.
    private static func entry(
        _ validity: (from: Int64, to: Int64)?, isRevoked: Bool = false
    ) -> CertificateEntry {
        CertificateEntry(
            record: PairingTests.record(1, .certificate), valueHash: [],
            content: validity.map {
                CertificateEntry.Content(
                    subject: "", issuer: "", subjectName: "", issuerName: "", serialNumber: "01",
                    notBefore: now + $0.from, notAfter: now + $0.to, keyKind: .ec(.p256),
                    isAuthority: false, sha256Fingerprint: isRevoked ? [0x0A] : [0x0B])
            }, obstacle: nil, certificate: nil)
    }

    private static let pairs: [(String, better: CertificateEntry, worse: CertificateEntry)] = [
        ("expires last", entry((-10, 20)), entry((-5, 10))),
        ("both have expired", entry((-20, -5)), entry((-10, -8))),
        ("not revoked", entry((-10, 10)), entry((-5, 20), isRevoked: true)),
        ("not revoked, expired", entry((-10, -5)), entry((-5, 20), isRevoked: true)),
        ("valid already", entry((0, 10)), entry((301, 900))),
        ("signed by a CA whose clock is ahead", entry((300, 900)), entry((0, 10))),
        ("not valid yet, instead of expired", entry((301, 900)), entry((-10, 0))),
        ("not valid yet, not revoked", entry((5, 10)), entry((-5, 20), isRevoked: true)),
        ("the newer one of two with the same end", entry((-5, 10)), entry((-10, 10))),
        ("readable", entry((-20, -10), isRevoked: true), entry(nil)),
    ]

    @Test("A certificate that is not revoked and valid comes first, then the one that expires last")
    func order() {
        for (name, better, worse) in Self.pairs {
            #expect(better.isPreferred(to: worse, at: Self.now, Self.revocations), "\(name)")
            #expect(!worse.isPreferred(to: better, at: Self.now, Self.revocations), "\(name)")
            #expect(!better.isPreferred(to: better, at: Self.now, Self.revocations), "\(name)")
        }
    }
}
