import Foundation
import OpenSSLX509
import Testing
import TokencertTestAuthority
import TokencertTestSupport

/// The validation of chains, with certificates from OpenSSL's command line.
@Suite struct ChainPolicyTests {
    private static let day: Int64 = 86_400

    /// The error with which a certificate is rejected, or nil.
    private func refusal(
        _ certificate: Certificate, _ anchors: [Certificate], _ between: [Certificate] = [],
        at time: Int64? = nil
    ) -> X509Error? {
        do throws(X509Error) {
            try TrustAnchors(anchors).verify(
                certificate, intermediates: between, at: time ?? certificate.notBefore)
            return nil
        } catch {
            return error
        }
    }

    /// Otherwise a check at the last second of the validity fails.
    @Test("The last second of a validity is valid, and the second after it is not")
    func lastSecond() throws {
        let authority = try CommandLineAuthority()
        // In each case, a different certificate of the chain expires first.
        for days in [(3, 4, 5), (4, 3, 5), (4, 5, 3), (3, 3, 3)] {
            let root = try authority.certificate(
                "root", CommandLineAuthority.authority, days: days.2)
            let between = try authority.certificate(
                "between", issuer: "root", CommandLineAuthority.authority, days: days.1)
            let leaf = try authority.certificate(
                "leaf", issuer: "between", CommandLineAuthority.leaf, days: days.0)
            let chain = [leaf, between, root]
            let last = try #require(chain.map(\.notAfter).min())
            let first = try #require(chain.map(\.notBefore).max())
            #expect(refusal(leaf, [root], [between], at: last) == nil, "\(days)")
            #expect(refusal(leaf, [root], [between], at: first) == nil)
            #expect(refusal(leaf, [root], [between], at: last + 1)?.code == .outsideValidity)
            #expect(refusal(leaf, [root], [between], at: first - 1)?.code == .outsideValidity)
            // The certificate is itself the anchor.
            #expect(refusal(root, [root], at: root.notAfter) == nil)
            #expect(refusal(root, [root], at: root.notAfter + 1)?.code == .outsideValidity)
            #expect(root.isValid(at: root.notAfter) && !root.isValid(at: root.notAfter + 1))
            #expect(root.isValid(at: root.notBefore) && !root.isValid(at: root.notBefore - 1))
        }
    }

    /// The user must renew an expired certificate of a trusted CA, but not one of an unknown CA.
    @Test("An expired certificate of a trusted CA is distinguished from one of an unknown issuer")
    func expiredAndTrusted() throws {
        let authority = try CommandLineAuthority()
        let root = try authority.certificate("root", CommandLineAuthority.authority, days: 5)
        let between = try authority.certificate(
            "between", issuer: "root", CommandLineAuthority.authority, days: 3)
        let leaf = try authority.certificate(
            "leaf", issuer: "between", CommandLineAuthority.leaf, days: 1)
        let stranger = try authority.certificate("stranger", CommandLineAuthority.authority)
        let anchors = TrustAnchors([stranger, root])
        let chain = [leaf, between, root]
        func status(_ time: Int64?) -> ChainStatus {
            anchors.status(of: leaf, intermediates: [between], at: time)
        }
        #expect(status(leaf.notAfter) == .valid(chain: chain))
        #expect(status(nil) == .valid(chain: chain))
        #expect(status(leaf.notAfter + 1) == .outsideValidity([leaf], chain: chain))
        #expect(status(between.notAfter + 1) == .outsideValidity([leaf, between], chain: chain))
        #expect(status(root.notAfter + 1) == .outsideValidity(chain, chain: chain))
        #expect(status(leaf.notBefore - Self.day) == .outsideValidity(chain, chain: chain))
        try anchors.verify(leaf, intermediates: [between], at: nil)
        let late = refusal(leaf, [root], [between], at: leaf.notAfter + 1)
        #expect(late?.description == "the certificate has expired")
        let fresh = try authority.certificate(
            "fresh", issuer: "between", CommandLineAuthority.leaf)
        let above = refusal(fresh, [root], [between], at: between.notAfter + 1)
        #expect(above?.description == "certificate 1 of its chain (between) has expired")
        let early = refusal(leaf, [root], [between], at: leaf.notBefore - Self.day)
        #expect(early?.description == "the certificate is not valid yet")

        for anchors in [TrustAnchors([stranger]), TrustAnchors([])] {
            guard
                case .untrusted(let error) = anchors.status(
                    of: leaf, intermediates: [between], at: nil)
            else {
                Issue.record("a certificate of an unknown issuer is trusted")
                continue
            }
            #expect(error.unknownIssuer == root.subject)
            #expect(error.description.contains("CN=root"))
        }
        // The intermediate is missing, so the user needs its name.
        #expect(refusal(leaf, [root])?.unknownIssuer == between.subject)
        #expect(refusal(stranger, [root])?.description.contains("self-signed") == true)
    }

    /// The order of files in a folder is arbitrary.
    @Test("The order of anchors and intermediates with the same subject does not matter")
    func sameSubject() throws {
        let authority = try CommandLineAuthority()
        // Without key identifiers, only the signature distinguishes two keys.
        let plain = ["basicConstraints=critical,CA:TRUE", "subjectKeyIdentifier=none"]
        let old = try authority.certificate("root-old", plain, days: 2)
        try FileManager.default.copyItem(
            atPath: authority.folder.file("root-old.key"),
            toPath: authority.folder.file("root-renewed.key"))
        let renewed = try authority.certificate("root-renewed", plain, days: 900)
        let other = try authority.certificate("root-other", plain, days: 900)
        let otherOld = try authority.certificate("root-another", plain, days: 1)
        #expect(Set([old, renewed, other, otherOld].map(\.subject)).count == 1)
        let leaf = try authority.certificate(
            "leaf", issuer: "root-old", ["basicConstraints=CA:FALSE"], days: 100)
        let late = old.notAfter + 10
        for order in permutations([old, renewed, other, otherOld]) {
            #expect(refusal(leaf, order, at: late) == nil)
            #expect(refusal(leaf, order) == nil)
            #expect(refusal(leaf, [renewed], order, at: late) == nil)
        }
        let refusals = permutations([old, other, otherOld]).map { refusal(leaf, $0, at: late) }
        #expect(Set(refusals.map { $0?.description }).count == 1)
        #expect(refusals.first??.code == .outsideValidity)
        let strangers = permutations([other, otherOld]).map { refusal(leaf, $0, [old]) }
        #expect(Set(strangers.map { $0?.description }).count == 1)
        #expect(strangers.first??.code == .untrusted)

        // Two roots have signed the intermediate, and one of them has expired.
        let short = try authority.certificate("short", CommandLineAuthority.authority, days: 2)
        let long = try authority.certificate("long", CommandLineAuthority.authority, days: 900)
        try authority.makeKey("cross-short")
        try FileManager.default.copyItem(
            atPath: authority.folder.file("cross-short.key"),
            toPath: authority.folder.file("cross-long.key"))
        let crossShort = try authority.certificate(
            "cross-short", issuer: "short", CommandLineAuthority.authority)
        let crossLong = try authority.certificate(
            "cross-long", issuer: "long", CommandLineAuthority.authority)
        let end = try authority.certificate(
            "end", issuer: "cross-short", CommandLineAuthority.leaf, days: 100)
        for anchors in permutations([short, long]) {
            for between in permutations([crossShort, crossLong]) {
                #expect(refusal(end, anchors, between, at: short.notAfter + 10) == nil)
            }
        }
    }

    private func permutations(_ all: [Certificate]) -> [[Certificate]] {
        all.isEmpty
            ? [[]]
            : all.indices.flatMap { index in
                var rest = all
                let first = rest.remove(at: index)
                return permutations(rest).map { [first] + $0 }
            }
    }

    @Test("A chain that breaks a rule of RFC 5280 is refused")
    func rules() throws {
        let authority = try CommandLineAuthority()
        let root = try authority.certificate("root", CommandLineAuthority.authority)
        let constraint = "basicConstraints=critical,CA:TRUE"
        let usage = "keyUsage=critical,keyCertSign,cRLSign"
        func chain(
            _ extensions: [String], leaf: [String] = CommandLineAuthority.leaf
        ) throws -> X509Error? {
            let between = try authority.certificate("between", issuer: "root", extensions)
            let leaf = try authority.certificate("leaf", issuer: "between", leaf)
            return refusal(leaf, [root], [between])
        }
        #expect(try chain([constraint, usage]) == nil)
        #expect(try chain([constraint]) == nil)
        #expect(try chain([constraint + ",pathlen:0", usage]) == nil)
        for (extensions, word) in [
            (["basicConstraints=critical,CA:FALSE", usage], "CA"),
            ([usage], "CA"),
            ([constraint, "keyUsage=critical,cRLSign"], "CA"),
            ([constraint, "keyUsage=critical,digitalSignature"], "CA"),
            (
                [constraint, usage, "nameConstraints=critical,permitted;email:example.com"],
                "subtree"
            ),
            (
                [constraint, usage, "nameConstraints=critical,excluded;email:example.org"],
                "subtree"
            ),
            ([constraint, usage, "1.2.3.4=critical,ASN1:NULL"], "critical"),
        ] {
            let error = try chain(extensions)
            #expect(error?.code == .untrusted, "\(extensions)")
            #expect(error?.description.contains(word) == true, "\(String(describing: error))")
        }
        #expect(
            try chain([constraint, usage, "nameConstraints=critical,permitted;email:example.org"])
                == nil)
        // The path has one more intermediate than the first intermediate permits.
        let first = try authority.certificate(
            "first", issuer: "root", [constraint + ",pathlen:0", usage])
        let second = try authority.certificate("second", issuer: "first", [constraint, usage])
        let leaf = try authority.certificate("leaf", issuer: "second", CommandLineAuthority.leaf)
        let tooLong = refusal(leaf, [root], [first, second])
        #expect(tooLong?.description.contains("path length") == true)
        // A certificate that is not a CA must not issue certificates.
        let below = try authority.certificate("below", issuer: "leaf", CommandLineAuthority.leaf)
        #expect(refusal(below, [root], [first, second, leaf])?.code == .untrusted)
    }

    /// OpenSSL does not read the system's configuration, so this library sets its own limits.
    @Test("Short keys and weak hashes are refused, except in the anchor's own signature")
    func strength() throws {
        let authority = try CommandLineAuthority()
        let rsa = { (bits: Int) in ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:\(bits)"] }
        let root = try authority.certificate(
            "root", CommandLineAuthority.authority, key: rsa(2048), options: ["-sha1"])
        func chain(
            between: (bits: Int, hash: String), leaf: (bits: Int, hash: String)
        ) throws -> X509Error? {
            let name = "between\(between.bits)"
            let above = try authority.certificate(
                name, issuer: "root", CommandLineAuthority.authority, key: rsa(between.bits),
                options: [between.hash])
            let below = try authority.certificate(
                "leaf\(leaf.bits)", issuer: name, CommandLineAuthority.leaf, key: rsa(leaf.bits),
                options: [leaf.hash])
            return refusal(below, [root], [above])
        }
        let good = (bits: 2048, hash: "-sha256")
        #expect(try chain(between: good, leaf: good) == nil)
        for hash in ["-sha1", "-md5"] {
            #expect(try chain(between: (2048, hash), leaf: good)?.code == .untrusted)
            #expect(try chain(between: good, leaf: (2048, hash))?.code == .untrusted)
        }
        let short = (bits: 1024, hash: "-sha256")
        #expect(try chain(between: short, leaf: good)?.description.contains("key too weak") == true)
        #expect(try chain(between: good, leaf: short)?.description.contains("key too weak") == true)
        let weakRoot = try authority.certificate(
            "weak", CommandLineAuthority.authority, key: rsa(1024))
        let leaf = try authority.certificate("leaf", issuer: "weak", CommandLineAuthority.leaf)
        #expect(refusal(leaf, [weakRoot])?.code == .untrusted)
    }

    /// An intermediate for servers must not issue personal certificates. Those of CAcert have no
    /// extended key usage, which permits every usage.
    @Test("An extended key usage in an intermediate limits the certificates below it")
    func intermediateUsage() throws {
        let authority = try CommandLineAuthority()
        let root = try authority.certificate(
            "root", CommandLineAuthority.authority + ["extendedKeyUsage=serverAuth"])
        func chain(_ above: String?, _ leaf: String?) throws -> Bool {
            let extensions =
                CommandLineAuthority.authority + (above.map { ["extendedKeyUsage=" + $0] } ?? [])
            let between = try authority.certificate("between", issuer: "root", extensions)
            let leaf = try authority.certificate(
                "leaf", issuer: "between",
                ["basicConstraints=CA:FALSE"] + (leaf.map { ["extendedKeyUsage=" + $0] } ?? []))
            return refusal(leaf, [root], [between]) == nil
        }
        #expect(try chain(nil, "clientAuth,emailProtection"))
        #expect(try chain(nil, "codeSigning"))
        #expect(try chain("anyExtendedKeyUsage", "clientAuth"))
        #expect(try chain("serverAuth,anyExtendedKeyUsage", "clientAuth"))
        #expect(try chain("emailProtection", "clientAuth,emailProtection"))
        #expect(try chain("emailProtection", nil))
        #expect(try chain("serverAuth", "clientAuth,emailProtection") == false)
        #expect(try chain("clientAuth", "codeSigning") == false)
        #expect(try chain("serverAuth", "emailProtection") == false)
        // The usages of the two intermediates do not overlap.
        let first = try authority.certificate(
            "first", issuer: "root",
            CommandLineAuthority.authority + ["extendedKeyUsage=clientAuth"])
        let second = try authority.certificate(
            "second", issuer: "first",
            CommandLineAuthority.authority + ["extendedKeyUsage=emailProtection"])
        let leaf = try authority.certificate("leaf", issuer: "second", CommandLineAuthority.leaf)
        #expect(refusal(leaf, [root], [first, second])?.code == .untrusted)
    }

    /// Otherwise a token with such certificates blocks the program.
    @Test("Any number of certificates that sign each other is verified in limited time")
    func manyCertificates() throws {
        let keys = try (0..<8).map { _ in try HostPrivateKey.generate(.ec(.p256)) }
        var all: [Certificate] = []
        let names = keys.indices.map { [NameAttribute(.commonName, "CA \($0)")] }
        func issue(_ signer: Int, _ subject: Int, by issuer: Certificate?) throws -> Certificate {
            try keys[signer].issue(
                CertificateContent(
                    subject: names[subject], publicKey: keys[subject].publicKey,
                    serialNumber: [UInt8(signer + 1), UInt8(subject)], notBefore: 1_700_000_000,
                    notAfter: 1_900_000_000, extensions: [.basicConstraints(isAuthority: true)]),
                issuer: issuer)
        }
        let own = try keys.indices.map { try issue($0, $0, by: nil) }
        for signer in keys.indices {
            for subject in keys.indices where subject != signer {
                all.append(try issue(signer, subject, by: own[signer]))
            }
        }
        let clock = ContinuousClock()
        let time = try clock.measure {
            let anchors = TrustAnchors([try CommandLineAuthority().certificate("root", [])])
            for certificate in own {
                #expect(throws: X509Error.self) {
                    try anchors.verify(certificate, intermediates: all, at: 1_800_000_000)
                }
            }
        }
        #expect(time < .seconds(60))
    }
}
