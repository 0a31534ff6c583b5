internal import TokencertIssuance

/// Chooses the names and addresses for an order from those of the account.
extension AccountStatus {
    /// The name to request: the wanted one, in any form of ``AccountName/form(of:)``, or the
    /// account's only one.
    func chosenName(_ wanted: String?) throws(IssuanceError) -> AccountName {
        let name = try ownName(wanted)
        guard let obstacle = name.obstacle else { return name }
        throw IssuanceError(
            .nameNotIssuable, at: .plan,
            "the name \"\(name)\" cannot be issued through the API: \(obstacle)",
            choices: issuableNames.map(\.text))
    }

    /// The names that can be issued through the API.
    private var issuableNames: [AccountName] {
        (names + [AccountStatus.anonymousName]).filter { $0.obstacle == nil }
    }

    private func ownName(_ wanted: String?) throws(IssuanceError) -> AccountName {
        if let wanted {
            // Returns the account's spelling, because Unicode has several forms of a letter.
            let all = names + [AccountStatus.anonymousName]
            guard
                let name = all.first(where: { $0.text == wanted })
                    ?? all.first(where: { $0.form(of: wanted) != nil })
            else {
                throw IssuanceError(
                    .accountLacks, at: .plan,
                    "the account has no name \"\(wanted)\"",
                    choices: issuableNames.map(\.text), wanted: wanted)
            }
            return name
        }
        guard names.count <= 1 else {
            let issuable = names.filter { $0.obstacle == nil }
            var error = IssuanceError(
                .accountLacks, at: .plan, "the account has several names",
                choices: (issuable.isEmpty ? issuableNames : issuable).map(\.text))
            error.missing = .name
            throw error
        }
        return names.first ?? AccountStatus.anonymousName
    }

    /// The addresses to request: the wanted ones without duplicates, or the account's only one. The
    /// CA ignores case and issues the spelling that was sent, so a renewal keeps the old spelling.
    func chosenAddresses(_ wanted: [String]) throws(IssuanceError) -> [String] {
        let verified = Set(emailAddresses.map(Self.folded))
        if let unknown = wanted.first(where: { !verified.contains(Self.folded($0)) }) {
            throw IssuanceError(
                .accountLacks, at: .plan,
                "the account has no verified address \"\(unknown)\"",
                choices: issuableAddresses, wanted: unknown)
        }
        var seen: Set<[UInt8]> = []
        var chosen = wanted.filter { seen.insert(Self.folded($0)).inserted }
        if chosen.isEmpty {
            guard emailAddresses.count == 1 else {
                var error = IssuanceError(
                    .accountLacks, at: .plan,
                    emailAddresses.isEmpty
                        ? "the account has no verified address"
                        : "the account has several addresses",
                    choices: issuableAddresses)
                error.missing = .emailAddress
                throw error
            }
            chosen = emailAddresses
        }
        for address in chosen {
            guard let obstacle = AccountStatus.obstacle(toAddress: address) else { continue }
            throw IssuanceError(
                .addressNotIssuable, at: .plan,
                "the address \"\(address)\" cannot be issued through the API: \(obstacle)",
                choices: issuableAddresses)
        }
        return chosen
    }

    /// The addresses that can be issued through the API.
    private var issuableAddresses: [String] {
        emailAddresses.filter { AccountStatus.obstacle(toAddress: $0) == nil }
    }

    /// An address in lower case. Addresses in certificates are ASCII.
    private static func folded(_ address: String) -> [UInt8] {
        address.utf8.map { (0x41...0x5A).contains($0) ? $0 + 0x20 : $0 }
    }

    func requireCodeSigning(_ wanted: Bool) throws(IssuanceError) {
        guard !wanted || mayRequestCodeSigning else {
            throw IssuanceError(
                .accountLacks, at: .plan, "the account is not enabled for code signing")
        }
    }
}
