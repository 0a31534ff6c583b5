import Testing
import TokencertTestAuthority

@testable import Cryptoki
@testable import OpenSSLX509
@testable import TokencertIssuance

/// The differences between a certificate and the request.
@Suite struct ChangesByTheCATests {
    private static let time: Int64 = 1_800_000_000
    private static let day: Int64 = 86_400
    private let root: HostPrivateKey
    private let anchor: Certificate
    private let key: HostPrivateKey

    init() throws {
        root = try HostPrivateKey.generate(.ec(.p256))
        key = try HostPrivateKey.generate(.ec(.p256))
        anchor = try root.issue(
            CertificateContent(
                subject: [.init(.commonName, "Root")], publicKey: root.publicKey,
                serialNumber: [1], notBefore: Self.time, notAfter: Self.time + 10 * Self.day,
                extensions: [
                    .basicConstraints(isAuthority: true), .keyUsage([.keyCertSign, .cRLSign]),
                    .subjectKeyIdentifier(root.publicKey), .authorityKeyIdentifier(root.publicKey),
                ]), issuer: nil)
    }

    /// The fields of a certificate that a CA may change.
    private struct Parts {
        var subject: [NameAttribute] = [.init(.commonName, "Anna Müller")]
        var addresses = ["anna@example.org"]
        var usages: [ExtendedKeyUsage] = [.emailProtection, .clientAuth]
        var others: [CertificateExtension] = []
        var isAuthority = false
        var notBefore = ChangesByTheCATests.time
        var notAfter = ChangesByTheCATests.time + ChangesByTheCATests.day
    }

    private func issue(_ parts: Parts) throws -> Certificate {
        var extensions: [CertificateExtension] = [
            .basicConstraints(isAuthority: parts.isAuthority),
            .authorityKeyIdentifier(root.publicKey),
        ]
        if !parts.usages.isEmpty { extensions.append(.extendedKeyUsage(parts.usages)) }
        if !parts.addresses.isEmpty {
            extensions.append(try .subjectAlternativeName(emailAddresses: parts.addresses))
        }
        return try root.issue(
            CertificateContent(
                subject: parts.subject, publicKey: key.publicKey, serialNumber: [2],
                notBefore: parts.notBefore, notAfter: parts.notAfter,
                extensions: extensions + parts.others), issuer: anchor)
    }

    private func verify(
        _ parts: Parts, codeSigning: Bool = false, accepting: Bool = false
    ) throws -> VerifiedCertificate {
        let onToken = TokenKey(
            handle: ObjectHandle(rawValue: 1), publicKey: key.publicKey, id: [1], labelBytes: [],
            uri: "pkcs11:", isNew: true, needsPINForEachUse: false, maySign: true,
            mayDecrypt: false, tellsPublicKey: true)
        let expected = CertificateGrant(
            name: "Anna Müller", emailAddresses: ["anna@example.org"], codeSigning: codeSigning)
        return try Verification(anchors: TrustAnchors([anchor]), time: Self.time + 10).verify(
            [try issue(parts)], for: onToken, expected, acceptingChanges: accepting)
    }

    @Test("A certificate as requested has no differences")
    func asAsked() throws {
        var parts = Parts()
        #expect(try verify(parts).differences.isEmpty)
        // The usages that the CA's signer adds to every certificate.
        parts.usages += [.microsoftEFS, .microsoftSGC, .netscapeSGC]
        #expect(try verify(parts).differences.isEmpty)
        parts.usages += [.codeSigning, .microsoftIndividualCodeSigning]
        #expect(try verify(parts, codeSigning: true).differences.isEmpty)
        parts = Parts()
        parts.subject.append(.init(.emailAddress, "anna@example.org"))
        #expect(try verify(parts).differences.isEmpty)
    }

    // Otherwise the user would not notice a certificate with different content.
    @Test("Each change by the CA is detected, and refused unless the user accepts changes")
    func changes() throws {
        let changes: [(String, (inout Parts) -> Void)] = [
            ("name", { $0.subject = [.init(.commonName, "CAcert WoT User")] }),
            ("name", { $0.subject = [] }),
            ("name", { $0.subject.append(.init(.commonName, "Anna Müller")) }),
            ("subject", { $0.subject.append(.init(.organization, "Acme")) }),
            ("e-mail addresses", { $0.addresses = ["other@example.org"] }),
            ("e-mail addresses", { $0.addresses = [] }),
            ("e-mail addresses", { $0.addresses.append("other@example.org") }),
            (
                "e-mail addresses in subjectAltName",
                {
                    $0.addresses = []
                    $0.subject.append(.init(.emailAddress, "anna@example.org"))
                }
            ),
            ("code signing", { $0.usages.append(.codeSigning) }),
            ("code signing", { $0.usages = [.any] }),
            ("code signing", { $0.usages = [] }),
            ("\(ExtendedKeyUsage.clientAuth)", { $0.usages = [.emailProtection] }),
            ("\(ExtendedKeyUsage.emailProtection)", { $0.usages = [.clientAuth] }),
            ("\(ExtendedKeyUsage.serverAuth)", { $0.usages.append(.serverAuth) }),
            ("digital signatures", { $0.others = [.keyUsage([.keyEncipherment])] }),
        ]
        for (subject, change) in changes {
            var parts = Parts()
            change(&parts)
            let error = try #require(throws: IssuanceError.self) { try verify(parts) }
            #expect(error.code == .certificateDiffers && error.step == .verify, "\(subject)")
            let accepted = try verify(parts, accepting: true).differences
            #expect(accepted.map(\.subject).contains(subject), "\(subject): \(accepted)")
        }
        let unsigned = try #require(throws: IssuanceError.self) {
            try verify(Parts(), codeSigning: true)
        }
        #expect(unsigned.reason.contains("code signing: requested \"yes\", got \"no\""))
    }

    @Test("An invalid certificate is refused even if changes are accepted")
    func unsound() throws {
        let faults: [(IssuanceError.Code, (inout Parts) -> Void)] = [
            (.certificateWrong, { $0.isAuthority = true }),
            (.certificateWrong, { $0.notAfter = Self.time - 1 }),
            (.certificateWrong, { $0.notBefore = Self.time + 1_000 }),
        ]
        for (code, fault) in faults {
            var parts = Parts()
            fault(&parts)
            let error = try #require(throws: IssuanceError.self) {
                try verify(parts, accepting: true)
            }
            #expect(error.code == code, "\(error.reason)")
        }
        // The CA's clock may be five minutes ahead of this one.
        var parts = Parts()
        parts.notBefore = Self.time + 300
        #expect(try verify(parts).differences.isEmpty)
    }

    @Test("A name of which the CA encoded each byte as one character is accepted with a remark")
    func byteByByte() throws {
        var parts = Parts()
        parts.subject = [.init(.commonName, "Anna MÃ¼ller")]
        let verified = try verify(parts)
        #expect(verified.differences.isEmpty)
        #expect(
            verified.remarks.count == 1 && verified.remarks[0].contains("each byte of the name"))
    }
}
