internal import OpenSSLX509

/// Which keys the server signs.
struct KeyPolicy: Sendable {
    /// Whether keys on elliptic curves are taken, which CAcert does not do.
    let acceptsEllipticCurves: Bool
    /// The Debian weak keys: for each the last 20 hexadecimal digits of the SHA-1 hash of
    /// `Modulus=…` with a line end, as the lists of Debian have them.
    let weakKeys: Set<String>

    /// The server's answer to a key that it does not sign, or nil.
    func refusal(_ key: PublicKey) -> String? {
        switch key.kind {
        case .rsa(let bits):
            guard let numbers = key.rsaNumbers else { return nil }
            if bits < 2048 {
                return """
                    403, The keys that you use are very small and therefore insecure. Please \
                    generate stronger keys. More about this is in \
                    <a href='//wiki.cacert.org/WeakKeys#SmallKey'>the wiki</a>
                    """
            }
            let line = Array("Modulus=\(hexadecimal(numbers.modulus).uppercased())\n".utf8)
            if weakKeys.contains(String(hexadecimal(Digest.sha1.hash(line)).suffix(20))) {
                return """
                    403, The keys you use have very likely been generated with a vulnerable \
                    version of OpenSSL which was distributed by Debian. Please generate new keys. \
                    More about this is in \
                    <a href='//wiki.cacert.org/WeakKeys#DebianVulnerability'>the wiki</a>
                    """
            }
            let exponent = numbers.publicExponent
            if exponent.count < 3
                || exponent.count == 3 && exponent.lexicographicallyPrecedes([1, 0, 1])
            {
                return """
                    403, The keys you use might be insecure. Although there is currently no \
                    known attack, please generate new keys. More about this is in \
                    <a href='//wiki.cacert.org/WeakKeys#SmallExponent'>the wiki</a>
                    """
            }
            return nil
        case .ec, .ed25519:
            return acceptsEllipticCurves ? nil : Self.unrecognized
        case .other:
            return Self.unrecognized
        }
    }

    private static let unrecognized = """
        403, The keys you supplied use an unrecognized algorithm. For security reasons these keys \
        can not be signed by CAcert.
        """
}
