internal import Cryptoki

/// The name that a token gets, which commands can find it by.
struct NewTokenName {
    let text: String
    /// The command-line text before the name.
    private let option: String

    /// - Throws: `Failure` if a token cannot keep it as it is: blanks at its end are padding.
    init(_ text: String, after option: String) throws {
        self.text = text
        self.option = option
        let problem: String? =
            if !(1...32).contains(text.utf8.count) {
                "has 1 to 32 bytes, not \(text.utf8.count)"
            } else if text.unicodeScalars.contains(where: Self.isControl) {
                "has no control characters"
            } else if text.allSatisfy(\.isWhitespace) {
                "is not blank"
            } else if text.first?.isWhitespace ?? false || text.last?.isWhitespace ?? false {
                "does not begin or end with a blank"
            } else {
                nil
            }
        guard let problem else { return }
        throw Failure(
            .usage, "a token's name \(problem); nothing was changed",
            hints: ["choose another name, such as: \(option) work"])
    }

    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        scalar.properties.generalCategory == .control
    }

    /// Insists that no other token has the name: commands take a token by its name.
    func requireFree(besides token: Token, _ options: TokenOptions) throws {
        for module in try ModuleSet(options, nil).modules {
            for slot in try module.slots(tokenPresent: true) {
                if module.path == token.module.path, slot.id == token.slot.id { continue }
                // One that cannot be read at this moment has no name that could be meant.
                guard let other = try? slot.token(),
                    other.info.flags.contains(.tokenInitialized), other.info.label == text
                else { continue }
                // Another module may show the same device.
                let (one, two) = (token.info, other.info)
                if !one.serialNumber.isEmpty, one.serialNumber == two.serialNumber,
                    one.model == two.model, one.manufacturer == two.manufacturer
                {
                    continue
                }
                throw Failure(
                    .cannotCreate, code: "nameTaken",
                    "another token already has the name “\(text)”; nothing was changed",
                    hints: [
                        "use another name: \(option) \(quoted(String(text.prefix(15)) + "2"))",
                        "tokencert tokens shows all tokens",
                    ])
            }
        }
    }
}
