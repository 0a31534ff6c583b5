import OpenSSLX509
import Testing
import TokencertTestAuthority

@testable import TokencertIssuance

/// The names and addresses that a plan accepts.
@Suite struct SubjectTests {
    private let key: PublicKey

    init() throws { key = try HostPrivateKey.generate(.ec(.p256)).publicKey }

    private func isPlanned(_ name: String, _ addresses: [String] = []) -> Bool {
        do throws(IssuanceError) {
            try requireSubject(name: name, emailAddresses: addresses)
            return true
        } catch {
            #expect(error.code == .badSubject && error.step == .plan)
            return false
        }
    }

    private func isRequested(_ name: String, _ addresses: [String] = []) -> Bool {
        let subject =
            [NameAttribute(.commonName, name)]
            + addresses.map { NameAttribute(.emailAddress, $0) }
        let draft = try? CertificateRequestDraft(publicKey: key, subject: subject, extensions: [])
        return draft != nil
    }

    // Otherwise a key would be generated for an impossible request after a successful dry run.
    @Test("A plan accepts exactly the names that fit into a request")
    func names() {
        for (count, isTaken) in [(0, false), (1, true), (64, true), (65, false), (300, false)] {
            for character in ["x", "\u{FC}", "\u{6F22}"] {
                let name = String(repeating: character, count: count)
                #expect(isPlanned(name) == isTaken, "\(count) \(character)")
                #expect(isRequested(name) == isTaken, "\(count) \(character)")
            }
        }
    }

    @Test("A plan accepts exactly the addresses that fit into a request")
    func addresses() {
        for (count, isTaken) in [(13, true), (128, true), (129, false), (255, false)] {
            let address = String(repeating: "a", count: count - 12) + "@example.org"
            #expect(isPlanned("x", [address]) == isTaken, "\(count)")
            #expect(isRequested("x", [address]) == isTaken, "\(count)")
        }
        #expect(!isPlanned("x", ["m\u{FC}@example.org"]) && !isPlanned("x", ["a b@example.org"]))
    }
}
