internal import Cryptoki
internal import TokencertIssuance
internal import TokencertPlatform

/// Reads a new PIN, twice if the user types it, and refuses PINs that are easy to guess.
///
/// The lengths that the token reports apply only to the user PIN. `label` is the future label of
/// the token.
func readNewPIN(
    _ source: SecretSource, as secret: SecretRole = .newPIN, _ name: String, of role: UserType,
    for token: Token,
    called label: String? = nil
) throws -> Secret {
    Progress.shared.finish()
    let place = "for \"\(printable(label ?? token.info.label))\""
    let pin = try SecretReader.shared.read(
        secret, from: source, promptText: "\(name) \(place)")
    if let reason = reasonPINIsWeak(pin) {
        throw Failure(
            .usage, code: "weakPIN", "the \(name) is refused: \(reason)",
            hints: ["choose one that is hard to guess; nothing was changed"])
    }
    let lengths = token.info.pinLengths
    guard role != .user || lengths.contains(pin.count) else {
        let most = lengths.upperBound == Int.max ? " or more" : " to \(lengths.upperBound)"
        throw Failure(
            .usage, code: "pinLength",
            "the \(name) has \(pin.count) bytes; the token requires \(lengths.lowerBound)\(most)",
            hints: ["choose a PIN with such a length; nothing was changed"])
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
                .usage, code: "notTheSame", "the two PINs differ; nothing was changed",
                hints: ["to try again, run the same command"])
        }
    }
    return pin
}
