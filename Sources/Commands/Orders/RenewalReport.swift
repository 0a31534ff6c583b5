internal import TokencertIssuance
internal import TokencertTokens

/// The results of a renewal on all tokens.
struct RenewalReport {
    /// Whether the certificates were selected by `--expiring` or `--all`, and not by name.
    let isBatch: Bool
    let isDryRun: Bool
    private(set) var tallies: [RenewalTally] = []
    private var tokenFailures: [TokenFailure] = []
    private var copiesPassedOver: [PassedOver] = []

    /// Why no certificate of a token of several was renewed.
    private struct TokenFailure {
        /// The label of the token, or nil if it is not known.
        let label: String?
        let cause: Failure

        var name: String { label.map { "token \"\($0)\"" } ?? "a token" }

        var failure: Failure { cause.with(message: "\(name): \(cause.message)") }
    }

    init(isBatch: Bool, isDryRun: Bool) {
        self.isBatch = isBatch
        self.isDryRun = isDryRun
    }

    mutating func add(_ tally: RenewalTally) { tallies.append(tally) }

    /// Adds the failure of a token of several, and warns of it. The label is nil if it is not known.
    mutating func add(_ error: any Error, ofToken label: String?) {
        let token = TokenFailure(label: label, cause: Failure(error))
        let failure = token.failure
        tokenFailures.append(token)
        printError("warning: " + printable(failure.message))
        printDetails(of: failure)
    }

    /// Adds a copy of a renewed certificate that was skipped.
    mutating func add(_ passedOver: PassedOver) { copiesPassedOver.append(passedOver) }

    /// Whether no certificate of any token was renewed.
    var isNothingRenewed: Bool { tallies.allSatisfy(\.renewed.isEmpty) }

    /// Reports the results. Throws unless everything that had to be renewed was renewed.
    func print(_ output: CommonOptions) throws {
        for tally in tallies {
            for object in tally.passedOver { printError("note: \(object.text(tally.titles))") }
        }
        for copy in copiesPassedOver { printError("note: \(copy.text(TitlesByURI()))") }
        if output.isJSON {
            try printJSON(json)
        } else {
            printFolded(lines, at: 0)
            if isBatch, !isDryRun, !isNothingDone {
                if !isNothingRenewed { TokencertCommands.print("") }
                table(width: Output.standardOutput.width ?? 80).print(try output.style())
            }
        }
        try requireSuccess()
    }

    private func requireSuccess() throws {
        let failures = tallies.flatMap(\.failures).map(\.failure)
        if var failure = failures.first ?? tokenFailures.first?.failure {
            let parts = countsOfFailures
            if count + tokenFailures.count > 1 {
                failure = Failure(
                    failure.status, parts.joined(separator: "; "),
                    hints: [
                        "see the warnings above for the reasons",
                        "to list unfinished orders: tokencert resume",
                    ])
                failure.isSummary = true
            }
            failure.isInJSON = true
            throw failure
        }
        let open = tallies.flatMap(\.passedOver).filter(\.needsAction)
        guard !open.isEmpty else { return }
        var failure = Failure(
            .findings, code: "passedOver", PassedOver.count(open),
            hints: [
                "see the notes above for the reasons", "for advice: tokencert health",
            ])
        failure.isInJSON = true
        throw failure
    }

    /// The number of certificates that were to be renewed.
    private var count: Int { tallies.map(\.candidates.count).reduce(0, +) }

    private var countsOfFailures: [String] {
        let done = tallies.map { isDryRun ? $0.planned.count : $0.renewed.count }.reduce(0, +)
        let verb = isDryRun ? "would not be" : "were not"
        let certificates =
            count == 1 ? "the certificate" : "\(count - done) of \(count) certificates"
        let verbOfCertificates = isDryRun ? "would not be" : count == 1 ? "was not" : "were not"
        return (done < count ? ["\(certificates) \(verbOfCertificates) renewed"] : [])
            + tokenFailures.map { "the certificates of \($0.name) \(verb) renewed" }
    }

    /// Whether nothing was or would be renewed, and nothing has to be done.
    private var isNothingDone: Bool {
        tokenFailures.isEmpty
            && tallies.allSatisfy { tally in
                tally.renewed.isEmpty && tally.planned.isEmpty && tally.failures.isEmpty
                    && !tally.passedOver.contains(where: \.needsAction)
            }
    }

    private var lines: [String] {
        // --if-present: what an absent token needs is not known.
        if tallies.isEmpty, isNothingDone {
            return ["The token is not present; nothing was renewed."]
        }
        guard isDryRun else { return isNothingDone ? ["Nothing needs to be renewed."] : [] }
        let planned = tallies.flatMap { tally in
            tally.planned.map { line in
                printable(
                    "would renew \(line.title)\(tally.place.suffix), "
                        + "\(line.certificate.daysLeft ?? 0) days left"
                        + (tally.makesKeys ? ", with a new key" : ""))
            }
        }
        return (isNothingDone ? ["Nothing would be renewed."] : []) + planned
            + (planned.isEmpty ? [] : ["Nothing was changed."])
            + notChecked.map { printable("Not checked: \($0).") }
    }

    private var notChecked: [String] {
        var facts: [String] = []
        for fact in tallies.flatMap(\.notChecked) where !facts.contains(fact) {
            facts.append(fact)
        }
        return facts
    }

    func table(width: Int) -> Table {
        // Only the failures of one token of several are reported token by token.
        let hasTokens = tallies.contains(where: \.place.isOneOfSeveral) || !tokenFailures.isEmpty
        var table = Table(
            ["CERTIFICATE"] + (hasTokens ? ["TOKEN"] : []) + ["NEW SERIAL", "VALID TO"])
        func row(_ title: String, _ token: String, _ number: String, _ end: String) -> [String] {
            [title] + (hasTokens ? [token] : []) + [number, end]
        }
        for tally in tallies {
            for (title, report) in tally.renewed {
                let new = report.certificate
                table.add(
                    row(
                        title, tally.place.name, new.serialNumber ?? "",
                        String((new.notAfter ?? "").prefix(10))))
            }
        }
        for tally in tallies {
            let others: [(String, String)] =
                tally.failures.map { ($0.title, $0.failure.message) }
                + tally.untried.map { ($0, "not tried after this failure") }
                + tally.passedOver.map { ($0.name(tally.titles), $0.reason) }
            for (title, reason) in others {
                table.add(
                    row(title, tally.place.name, "not renewed", ""),
                    below: wrapped(reason, width: width - 2))
            }
        }
        for token in tokenFailures {
            table.add(
                ["all", token.label ?? "unknown", "not renewed", ""],
                below: wrapped(token.cause.message, width: width - 2))
        }
        return table
    }

    // MARK: JSON

    private var json: JSON {
        JSON(
            renewed: isDryRun ? nil : tallies.flatMap { $0.renewed.map(\.report) },
            wouldRenew: isDryRun ? tallies.flatMap(\.planned) : nil,
            failures: tallies.flatMap { $0.failures.map { FailureReport($0.failure) } }
                + tokenFailures.map { FailureReport($0.failure) },
            passedOver: (tallies.flatMap(\.passedOver) + copiesPassedOver).map {
                PassedOverReport($0)
            },
            notChecked: isDryRun ? notChecked : nil)
    }

    /// What was renewed or, after a dry run, what would be.
    private struct JSON: Encodable {
        let renewed: [IssueReport]?
        let wouldRenew: [RenewalTally.Line]?
        let failures: [FailureReport]
        let passedOver: [PassedOverReport]
        let notChecked: [String]?
    }
}
