internal import Cryptoki
internal import TokencertIssuance
internal import TokencertPlatform

/// Reads a new PIN, twice if the user types it, and refuses PINs that are easy to guess. Says first
/// what the PIN is for. Empty if it is entered on the reader. `label` is the future label of the token.
func readNewPIN(
    _ plan: PINPlan, _ source: SecretSource, as secret: SecretRole = .newPIN, _ name: String,
    of role: UserType, called label: String? = nil
) throws -> Secret {
    guard !plan.hasReaderKeys else { return Secret() }
    Progress.shared.finish()
    let lengths = plan.token.info.pinLengths
    if source.asksPerson { printError(purposeOfPIN(role, lengths)) }
    return try SecretReader.shared.read(
        secret, from: source,
        promptText: "\(name) for \"\(printable(label ?? plan.token.info.label))\""
    ) { pin in
        try requireGoodPIN(pin, name, of: role, lengths)
        guard source.asksPerson else { return }
        let again = try source.read(promptText: "the \(name) once more")
        guard pin.isSame(as: again) else {
            throw Failure(
                .usage, code: "notTheSame", "the two do not match",
                hints: ["nothing was changed; to try again, run the same command"])
        }
    }
}

/// The line that explains a new PIN before it is typed.
func purposeOfPIN(_ role: UserType, _ lengths: ClosedRange<Int>) -> String {
    guard role == .user else {
        return "The SO PIN (security officer) replaces a lost or locked user PIN. Keep it safe."
    }
    return "The PIN unlocks the keys on the token: \(text(lengths)) characters. Keep it safe."
}

/// Checks that a new PIN is hard to guess and has a length that the token accepts. The lengths that
/// the token reports apply only to the user PIN.
func requireGoodPIN(
    _ pin: borrowing Secret, _ name: String, of role: UserType, _ lengths: ClosedRange<Int>
) throws {
    if let reason = reasonPINIsWeak(pin) {
        throw Failure(
            .usage, code: "weakPIN", "the \(name) is refused: \(reason)",
            hints: ["choose one that is hard to guess; nothing was changed"])
    }
    guard role != .user || lengths.contains(pin.count) else {
        throw Failure(
            .usage, code: "pinLength",
            "the \(name) is too \(pin.count < lengths.lowerBound ? "short" : "long"); "
                + "the token requires \(text(lengths)) characters",
            hints: ["choose a PIN with such a length; nothing was changed"])
    }
}

private func text(_ lengths: ClosedRange<Int>) -> String {
    lengths.upperBound == Int.max
        ? "\(lengths.lowerBound) or more" : "\(lengths.lowerBound) to \(lengths.upperBound)"
}
