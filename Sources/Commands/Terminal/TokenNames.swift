internal import Cryptoki
internal import TokencertPlatform
internal import TokencertTokens

/// A token as messages name it, and the option that selects it.
struct NamedToken {
    let label: [UInt8]
    let serialNumber: String
    let uri: String
    /// The options that select the module, or "" if they are unknown.
    let module: String
    /// A token that was never set up has no label.
    let isSetUp: Bool

    /// The title: `work (serial e88b9c9c5a7d20e9)`.
    var title: String {
        let name = text(ofLabel: label)
        let number = serialNumber.contains { $0 != " " } ? "serial \(serialNumber)" : ""
        if name.isEmpty { return number.isEmpty ? quoted(uri) : number }
        return printable(number.isEmpty ? name : "\(name) (\(number))")
    }

    var labelOrTitle: String { label.isEmpty ? title : text(ofLabel: label) }

    /// The option that selects the token: its label if no other token has that name, else its serial
    /// number if no other token has that, else its URI. `tokens` has this token and all that could be
    /// selected instead, or is nil if they are unknown.
    func option(among tokens: [NamedToken]?) -> String {
        let name = tokens == nil ? nil : String(validating: label, as: UTF8.self)
        let names = [name, serialNumber].compactMap { $0 }.filter { name in
            Self.isTypable(name)
                && (tokens ?? [self]).filter { $0.has(name) }.count == 1
        }
        return "--token \(names.first.map(shellWord) ?? quoted(uri))"
    }

    /// The options that select each of several tokens, with what else is known about it.
    static func titles(_ tokens: [NamedToken]) -> [String] {
        let hasSeveralModules = Set(tokens.map(\.module)).count > 1
        return tokens.map { token in
            let option = token.option(among: tokens.filter { $0.module == token.module })
            // The numbers of slots are unique only in one module.
            let module = hasSeveralModules || !token.isSetUp ? token.module + " " : ""
            let detail = token.detail(besides: option)
            return module + option + (detail.isEmpty ? "" : " (\(detail))")
        }
    }

    /// What an option does not say about the token: the serial number or the label.
    private func detail(besides option: String) -> String {
        if !isSetUp { return "never set up" }
        if looksLikeURI(option) { return "" }
        if option == "--token \(shellWord(serialNumber))" {
            return label.isEmpty ? "" : printable("label \(text(ofLabel: label))")
        }
        return serialNumber.contains { $0 != " " } ? printable("serial \(serialNumber)") : ""
    }

    private func has(_ name: String) -> Bool {
        isTokenName(name, label: label, serialNumber: serialNumber)
    }

    private static func isTypable(_ name: String) -> Bool {
        name.contains { !$0.isWhitespace } && printable(name) == name && !looksLikeURI(name)
            && !name.hasPrefix("-")
    }
}

extension NamedToken {
    /// Nil if the token or its module cannot be read.
    init?(_ token: Token) {
        isSetUp = token.info.flags.contains(.tokenInitialized)
        guard let uri = try? token.selectingURI else { return nil }
        self.uri = uri
        label = isSetUp ? token.info.labelBytes : []
        serialNumber = token.info.serialNumber
        module = token.module.options
    }

    /// The token that a URI names, also one of an object on it.
    init(uri: String) {
        let parsed = try? PKCS11URI(parsing: uri)
        self.init(
            label: Array((parsed?.tokenLabel ?? "").utf8),
            serialNumber: parsed?.serialNumber ?? "",
            uri: parsed.map { "\(PKCS11URI(token: $0, objectWith: Template()))" } ?? uri,
            module: "", isSetUp: true)
    }

    /// The option that selects the token of an object after a space, or "" if its URI names none.
    static func option(ofObject uri: String) -> String {
        guard (try? PKCS11URI(parsing: uri))?.namesToken ?? false else { return "" }
        return " " + NamedToken(uri: uri).option(among: nil)
    }
}

extension Token {
    /// The URI that selects the token: by its slot if it was never set up, because it has no name then.
    var selectingURI: String {
        get throws(CryptokiError) {
            info.flags.contains(.tokenInitialized)
                ? try PKCS11URI(token: self).description : "pkcs11:slot-id=\(slot.id)"
        }
    }
}

/// The hints that list tokens: three at most, then the command that shows all.
func several(_ tokens: [Token], as lead: String = "one of them") -> [String] {
    several(
        NamedToken.titles(tokens.compactMap { NamedToken($0) }), as: lead, all: "tokencert tokens")
}
