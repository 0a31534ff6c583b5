/// What the program of a hook gets: the same facts as environment variables and as JSON.
struct HookInput {
    let hook: Hook
    /// The command of tokencert, such as `issue`.
    let command: String
    let facts: HookFacts
    /// The certificate that was written; after-issue and after-renew only.
    var issued: IssueReport?
    /// The certificate that expires; on-expiring only.
    var expiring: ExpiringLine?
    /// The failure of the command; on-failure only.
    var error: FailureReport?

    init(_ hook: Hook, of command: String, _ facts: HookFacts) {
        self.hook = hook
        self.command = command
        self.facts = facts
    }

    /// The beginning of each variable's name.
    static let prefix = "TOKENCERT_"

    /// The variables. A fact that is not known has none. Control characters are escaped, so that each
    /// value is one line, except the addresses, which are one per line.
    var environment: [String: String] {
        let certificate = issued?.certificate ?? expiring?.certificate
        let values: [(String, String?)] = [
            ("_COMMAND", command),
            ("_ORDER", facts.order.map { "\($0)" }),
            ("_TOKEN", facts.token),
            ("_TOKEN_LABEL", facts.tokenLabel),
            ("_KEY_LABEL", facts.keyLabel),
            ("_KEY_ID", facts.keyID),
            ("_NAME", facts.name),
            ("_SUBJECT", certificate?.subject),
            ("_SERIAL", certificate?.serialNumber),
            ("_NOT_BEFORE", certificate?.notBefore),
            ("_NOT_AFTER", certificate?.notAfter),
            ("_FINGERPRINT", certificate?.sha256Fingerprint),
            ("_STATUS", error.map { "\($0.status)" }),
            ("_CODE", error?.code),
            ("_MESSAGE", error?.message),
        ]
        var variables = [Self.prefix + "HOOK": hook.rawValue]
        for (name, value) in values {
            guard let value, !value.isEmpty else { continue }
            variables[Self.prefix + "HOOK" + name] = printable(value)
        }
        if !facts.emailAddresses.isEmpty {
            variables[Self.prefix + "HOOK_EMAILS"] =
                facts.emailAddresses.map { printable($0) }.joined(separator: "\n")
        }
        return variables
    }
}

extension HookInput: Encodable {
    private enum CodingKeys: String, CodingKey {
        case hook, command, order, token, tokenLabel, keyLabel
        case keyID = "id"
        case name, emailAddresses, issued, expiring, error
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(hook.rawValue, forKey: .hook)
        try container.encode(command, forKey: .command)
        try container.encodeIfPresent(facts.order, forKey: .order)
        try container.encodeIfPresent(facts.token, forKey: .token)
        try container.encodeIfPresent(facts.tokenLabel, forKey: .tokenLabel)
        try container.encodeIfPresent(facts.keyLabel, forKey: .keyLabel)
        try container.encodeIfPresent(facts.keyID, forKey: .keyID)
        try container.encodeIfPresent(facts.name, forKey: .name)
        if !facts.emailAddresses.isEmpty {
            try container.encode(facts.emailAddresses, forKey: .emailAddresses)
        }
        try container.encodeIfPresent(issued, forKey: .issued)
        try container.encodeIfPresent(expiring, forKey: .expiring)
        try container.encodeIfPresent(error, forKey: .error)
    }
}
