internal import Cryptoki
internal import TokencertIssuance
internal import TokencertPlatform

/// Asks for a PIN that a token shall get, twice where a person types it, and refuses what everybody
/// tries first.
///
/// - Parameters:
///   - source: Where it comes from.
///   - secret: The role of the secret.
///   - name: What people call it, as "new PIN".
///   - role: Whose it is: what a token says of lengths is about the user's.
///   - token: The token.
///   - label: What it is called, or will be; nil for its name.
func readNewPIN(
    _ source: SecretSource, as secret: SecretRole = .newPIN, _ name: String, of role: UserType,
    for token: Token,
    called label: String? = nil
) throws -> Secret {
    Progress.shared.finish()
    let place = "for “\(printable(label ?? token.info.label))”"
    let pin = try SecretReader.shared.read(
        secret, from: source, promptText: "\(name) \(place)")
    if let reason = reasonPINIsWeak(pin) {
        throw Failure(
            .usage, code: "weakPIN", "the \(name) is refused: \(reason)",
            hints: ["choose one that nobody tries; nothing was changed"])
    }
    let lengths = token.info.pinLengths
    guard role != .user || lengths.contains(pin.count) else {
        let most = lengths.upperBound == Int.max ? "" : " to \(lengths.upperBound)"
        throw Failure(
            .usage, code: "pinLength",
            "the token's PINs have \(lengths.lowerBound)\(most) bytes, not \(pin.count)",
            hints: ["nothing was changed"])
    }
    if source.asksPerson {
        let again = try source.read(promptText: "the \(name) once more")
        let isSame = pin.withBytes { one in
            again.withBytes { other in
                guard one.count == other.count else { return false }
                var differences: UInt8 = 0
                for index in one.indices { differences |= one[index] ^ other[index] }
                return differences == 0
            }
        }
        guard isSame else {
            throw Failure(
                .usage, code: "notTheSame", "the two are not the same; nothing was changed",
                hints: ["the same command asks again"])
        }
    }
    return pin
}
