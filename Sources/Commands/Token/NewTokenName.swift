internal import Cryptoki
internal import TokencertPlatform

/// A new label for a token, which commands accept as its name.
struct NewTokenName {
    let text: String
    /// The command-line text before the label, for hints.
    private let option: String

    /// Throws if a token cannot store the label unchanged; spaces at its end are padding.
    init(_ text: String, after option: String) throws {
        self.text = text
        self.option = option
        let problem: String? =
            if !(1...32).contains(text.utf8.count) {
                "must have 1 to 32 bytes, not \(text.utf8.count)"
            } else if text.unicodeScalars.contains(where: Self.isControl) {
                "must not contain control characters"
            } else if text.allSatisfy(\.isWhitespace) {
                "must not be blank"
            } else if text.first?.isWhitespace ?? false || text.last?.isWhitespace ?? false {
                "must not begin or end with a space"
            } else {
                nil
            }
        guard let problem else { return }
        throw Failure(
            .usage, "the label of a token \(problem); nothing was changed",
            hints: ["choose another label, such as: \(option) work"])
    }

    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        scalar.properties.generalCategory == .control
    }

    /// Checks that no other token has the label, since commands select a token by its label.
    func requireFree(besides token: Token, _ options: TokenOptions) throws {
        for module in try ModuleSet(options, nil).modules {
            for slot in try module.slots(tokenPresent: true) {
                if module.path == token.module.path, slot.id == token.slot.id { continue }
                // A token that cannot be read now has no label to compare.
                guard let other = try? slot.token(),
                    other.info.flags.contains(.tokenInitialized), other.info.label == text
                else { continue }
                // The same token may be visible through another module.
                let (one, two) = (token.info, other.info)
                if !one.serialNumber.isEmpty, one.serialNumber == two.serialNumber,
                    one.model == two.model, one.manufacturer == two.manufacturer
                {
                    continue
                }
                throw Failure(
                    .cannotCreate, code: "nameTaken",
                    "another token already has the label \"\(text)\"; nothing was changed",
                    hints: [
                        "use another label: \(option) \(quoted(String(text.prefix(15)) + "2"))",
                        "to see all tokens: tokencert tokens",
                    ])
            }
        }
    }
}
