/// Decides which keys the server signs.
struct KeyPolicy: Sendable {
    /// Whether elliptic-curve keys are accepted. CAcert refuses them.
    let acceptsEllipticCurves: Bool
    /// The Debian weak keys, as in Debian's lists: the last 20 hexadecimal digits of the SHA-1 hash
    /// of `Modulus=...` with a line end. Nil if the list cannot be read.
    let weakKeys: Set<String>?

    enum Verdict: Sendable, Hashable {
        case accepted
        case refused(KeyText)
        /// The server cannot decide, because it cannot read the list of weak keys.
        case serverError
    }

    /// Checks a key in the same order as the server.
    func verdict(_ key: RequestedKey) -> Verdict {
        guard key.algorithm == "rsaEncryption" else {
            let isEllipticCurve = ["id-ecPublicKey", "ED25519"].contains(key.algorithm)
            return acceptsEllipticCurves && isEllipticCurve ? .accepted : .refused(.unrecognized)
        }
        guard key.bits >= 2048 else { return .refused(.small) }
        guard let weakKeys else { return .serverError }
        if !weakKeys.isEmpty {
            guard let hash = key.weakKeyHash else { return .serverError }
            if weakKeys.contains(String(hash.suffix(20))) { return .refused(.weak) }
        }
        guard let exponent = key.exponent else { return .refused(.failed) }
        return exponent < 65537 ? .refused(.exponent) : .accepted
    }
}

/// The server's texts about keys, which it translates.
enum KeyText: String, Sendable, Hashable {
    case noRequest, unrecognized, small, weak, exponent, failed

    enum Language: String, Sendable, Hashable {
        case english = "en"
        case german = "de"

        /// Chooses the language of the field `lang`, otherwise of `Accept-Language`, otherwise
        /// English.
        init(field: String?, acceptLanguage: String?) {
            let ranges = (acceptLanguage ?? "").split(separator: ",").map { range in
                let parts = range.split(separator: ";")
                let quality = parts.dropFirst().first?.split(separator: "=").last
                return (
                    tag: String(parts.first ?? ""), quality: quality.flatMap { Double($0) } ?? 1
                )
            }
            let wanted = ranges.sorted { $0.quality > $1.quality }.map(\.tag)
            let known = ([field].compactMap(\.self) + wanted).compactMap { tag in
                Self(rawValue: tag.drop { $0 == " " }.prefix(2).lowercased())
            }
            self = known.first ?? .english
        }
    }

    /// The complete answer.
    func answer(in language: Language) -> String {
        switch language {
        case .english: english
        case .german: german
        }
    }

    private var english: String {
        switch self {
        case .noRequest:
            """
            403, I didn't receive a valid Certificate Request. Hit the back button and try again.
            """
        case .unrecognized:
            """
            403, The keys you supplied use an unrecognized algorithm. For security reasons these \
            keys can not be signed by CAcert.
            """
        case .small:
            """
            403, The keys that you use are very small and therefore insecure. Please generate \
            stronger keys. More about this is in \
            <a href='//wiki.cacert.org/WeakKeys#SmallKey'>the wiki</a>
            """
        case .weak:
            """
            403, The keys you use have very likely been generated with a vulnerable version of \
            OpenSSL which was distributed by Debian. Please generate new keys. More about this is \
            in <a href='//wiki.cacert.org/WeakKeys#DebianVulnerability'>the wiki</a>
            """
        case .exponent:
            """
            403, The keys you use might be insecure. Although there is currently no known attack, \
            please generate new keys. More about this is in \
            <a href='//wiki.cacert.org/WeakKeys#SmallExponent'>the wiki</a>
            """
        case .failed:
            """
            403, Something went wrong when processing your request. Please contact \
            <a href='mailto:support@cacert.org?subject=Request'>the support</a> for help.
            """
        }
    }

    private var german: String {
        switch self {
        case .noRequest:
            """
            403, Es kam keine gültige Zertifikatsanforderung an. Gehen Sie bitte zurück und \
            versuchen Sie es noch einmal.
            """
        case .unrecognized:
            """
            403, Ihre Schlüssel verwenden ein unbekanntes Verfahren. Aus Gründen der Sicherheit \
            unterschreibt CAcert sie nicht.
            """
        case .small:
            """
            403, Ihre Schlüssel sind sehr kurz und deshalb unsicher. Bitte erzeugen Sie \
            stärkere. Mehr darüber steht im \
            <a href='//wiki.cacert.org/WeakKeys#SmallKey'>Wiki</a>
            """
        case .weak:
            """
            403, Ihre Schlüssel stammen wahrscheinlich von einer angreifbaren Version von \
            OpenSSL, die Debian verteilt hat. Bitte erzeugen Sie neue. Mehr darüber steht im \
            <a href='//wiki.cacert.org/WeakKeys#DebianVulnerability'>Wiki</a>
            """
        case .exponent:
            """
            403, Ihre Schlüssel sind vielleicht unsicher. Bitte erzeugen Sie neue. Mehr darüber \
            steht im <a href='//wiki.cacert.org/WeakKeys#SmallExponent'>Wiki</a>
            """
        case .failed:
            """
            403, Bei Ihrer Anfrage ging etwas schief. Bitte wenden Sie sich an \
            <a href='mailto:support@cacert.org?subject=Request'>den Support</a>.
            """
        }
    }
}
