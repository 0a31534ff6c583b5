internal import OpenSSLX509

/// What a person should know about each key and each certificate on a token.
public struct TokenHealth: Sendable {
    /// How it is looked at.
    public let health: Health
    private let inventory: TokenInventory
    private let authorities: [Certificate]
    private let sharedIDs: Set<[UInt8]>

    init(_ health: Health, _ inventory: TokenInventory) {
        self.health = health
        self.inventory = inventory
        authorities = inventory.authorities
        var seen: Set<[UInt8]> = []
        sharedIDs = Set(inventory.keys.map(\.id).filter { !seen.insert($0).inserted })
    }

    /// All that is to be said, key by key.
    public var findings: [Finding] {
        var findings: [Finding] = []
        for key in inventory.keys {
            findings += self.findings(key)
            for entry in key.certificates + key.mismatchedCertificates {
                findings += self.findings(entry, of: key)
            }
        }
        for entry in inventory.certificates { findings += self.findings(entry, of: nil) }
        return findings
    }

    /// What is to be said about a key, without its certificates.
    ///
    /// - Parameter key: The key.
    public func findings(_ key: KeyEntry) -> [Finding] {
        health.findings(key, isIDShared: sharedIDs.contains(key.id))
    }

    /// What is to be said about a certificate.
    ///
    /// - Parameters:
    ///   - entry: The certificate.
    ///   - key: The key that it is shown with, be it for it or not, or nil where none is seen.
    public func findings(_ entry: CertificateEntry, of key: KeyEntry?) -> [Finding] {
        let others = key?.certificates ?? []
        let isOwn = others.contains { $0.record.handle == entry.record.handle }
        var findings = health.findings(entry, authorities, beside: isOwn ? others : [])
        guard key == nil else { return findings }
        if let certificate = entry.certificate {
            findings += health.weaknesses(of: certificate.publicKey, entry.record.uri)
        }
        if health.sawPrivateObjects, entry.content?.isAuthority == false {
            findings.append(
                Finding(.certificateWithoutKey, entry.record.uri, "its key is not on the token"))
        }
        return findings
    }
}
