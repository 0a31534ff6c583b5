internal import Cryptoki
internal import OpenSSLX509
internal import TokencertCAcert
internal import TokencertIssuance
internal import TokencertLedger
internal import TokencertTokens

/// The results for all certificates.
struct RenewalTally {
    /// Whether `--expiring` or `--all` selects the certificates, rather than a URI.
    let isBatch: Bool
    /// Whether each renewed certificate gets a new key.
    let makesKeys: Bool
    /// How keys and certificates are named.
    let titles: TitlesByURI
    /// The new certificates, with the titles of the old ones.
    var renewed: [(title: String, report: IssueReport)] = []
    var wouldRenew: [Line] = []
    private var failures: [(title: String, failure: Failure)] = []
    /// The titles of the certificates that were not tried after a failure.
    var untried: [String] = []
    private var passedOver: [PassedOver]
    private let notChecked: [String]
    private let count: Int

    init(
        isBatch: Bool, makesKeys: Bool = false, of found: Renewals = Renewals(),
        selection: String = ""
    ) {
        titles = TitlesByURI(found.inventory, selection: selection)
        self.isBatch = isBatch
        self.makesKeys = makesKeys
        passedOver = found.passedOver
        notChecked = found.notChecked
        count = found.candidates.count
    }

    /// The title of a certificate to renew.
    func title(_ candidate: RenewalCandidate) -> String {
        titles.title(candidate.uri, serialNumber: candidate.certificate.serialNumber)
            ?? candidate.certificate.subject.text
    }

    /// Passes over a certificate that the user did not name, if the CA refused the last order
    /// for its key less than a week ago and the key stays the same. Returns whether it did.
    mutating func passesOver(_ candidate: RenewalCandidate, _ orders: [Order]) -> Bool {
        let old = candidate.certificate
        guard isBatch, !makesKeys,
            let refusal = RecentRefusal.ofAnyCA(old, in: orders)
        else { return false }
        let isOneOfSeveral = candidate.entry.certificates.count > 1
        passedOver.append(
            PassedOver(
                candidate,
                "order \(refusal.order) was refused on \(timestamp(refusal.time)) "
                    + "(\(refusal.reason)); no other is placed automatically before "
                    + timestamp(refusal.end),
                advice: .renew(
                    key: candidate.key,
                    serialNumber: isOneOfSeveral ? old.serialNumber : nil)))
        return true
    }

    /// Records a failure. Returns whether other certificates can still be renewed.
    mutating func take(
        _ error: IssuanceError, _ candidate: RenewalCandidate, _ output: CommonOptions
    ) -> Bool {
        switch error.code {
        case .alreadyReplaced:
            printError("note: \(printable(error.reason))")
            return true
        // This account cannot renew the certificate of another account.
        case .accountLacks where isBatch && error.step == .plan:
            passedOver.append(PassedOver(candidate, error.reason))
            return true
        default:
            let failure = Failure(issuance: error)
            let title = self.title(candidate)
            failures.append((title, failure))
            if count > 1 {
                printError("warning: " + printable("\(title) was not renewed: \(failure.message)"))
                printDetails(of: failure)
            }
            return error.concernsOneKey
        }
    }

    /// Reports the results. Throws unless everything that had to be renewed was renewed.
    func report(_ isDryRun: Bool, _ output: CommonOptions) throws {
        for object in passedOver { printError("note: \(object.text(titles))") }
        if output.isJSON {
            try printJSON(
                Report(
                    renewed: isDryRun ? nil : renewed.map(\.report),
                    wouldRenew: isDryRun ? wouldRenew : nil,
                    failures: failures.map { FailureReport($0.failure) },
                    passedOver: passedOver.map { PassedOverReport($0) },
                    notChecked: isDryRun ? notChecked : nil))
        } else {
            printFolded(lines(isDryRun), at: 0)
            if isBatch, !isDryRun, !isNothingDone {
                if !renewed.isEmpty { print("") }
                table(width: Output.standardOutput.width ?? 80).print(try output.style())
            }
        }
        if var failure = failures.first?.failure {
            if count > 1 {
                let done = isDryRun ? wouldRenew.count : renewed.count
                failure = Failure(
                    failure.status,
                    "\(count - done) of \(count) certificates \(isDryRun ? "would not be" : "were not") renewed",
                    hints: [
                        "see the warnings above for the reasons",
                        "to list unfinished orders: tokencert resume",
                    ])
            }
            failure.isInJSON = true
            throw failure
        }
        let open = passedOver.filter(\.needsAction)
        guard !open.isEmpty else { return }
        var failure = Failure(
            .findings, code: "passedOver", PassedOver.count(open),
            hints: [
                "see the notes above for the reasons", "for advice: tokencert health",
            ])
        failure.isInJSON = true
        throw failure
    }

    /// Whether nothing was or would be renewed, and nothing has to be done.
    private var isNothingDone: Bool {
        renewed.isEmpty && wouldRenew.isEmpty && failures.isEmpty
            && !passedOver.contains(where: \.needsAction)
    }

    private func lines(_ isDryRun: Bool) -> [String] {
        guard isDryRun else { return isNothingDone ? ["Nothing needs to be renewed."] : [] }
        return (isNothingDone ? ["Nothing would be renewed."] : [])
            + wouldRenew.map {
                printable(
                    "would renew \($0.title), \($0.certificate.daysLeft ?? 0) days left"
                        + (makesKeys ? ", with a new key" : ""))
            }
            + (wouldRenew.isEmpty ? [] : ["Nothing was changed."])
            + notChecked.map { printable("Not checked: \($0).") }
    }

    /// What was renewed, and what was not and why.
    func table(width: Int) -> Table {
        var table = Table(["CERTIFICATE", "NEW SERIAL", "VALID TO"])
        for (title, report) in renewed {
            let new = report.certificate
            table.add([title, new.serialNumber ?? "", String((new.notAfter ?? "").prefix(10))])
        }
        let others: [(String, String)] =
            failures.map { ($0.title, $0.failure.message) }
            + untried.map { ($0, "not tried after this failure") }
            + passedOver.map { ($0.name(titles), $0.reason) }
        for (title, reason) in others {
            table.add([title, "not renewed", ""], below: wrapped(reason, width: width - 2))
        }
        return table
    }

    /// The JSON: what was renewed or, after a dry run, what would be.
    private struct Report: Encodable {
        let renewed: [IssueReport]?
        let wouldRenew: [Line]?
        let failures: [FailureReport]
        let passedOver: [PassedOverReport]
        let notChecked: [String]?
    }

    /// The JSON of a certificate that would be renewed.
    struct Line: Encodable {
        let certificate: CertificateReport
        let key: String
        /// How it is named for the user.
        let title: String

        private enum CodingKeys: String, CodingKey { case certificate, key }

        init(_ candidate: RenewalCandidate, _ now: Int64, title: String) {
            self.title = title
            certificate = CertificateReport(
                CertificateEntry.Content(candidate.certificate), uri: candidate.uri, now)
            key = candidate.key.description
        }
    }
}

extension IssuanceError {
    /// Whether other keys can still be renewed after this error.
    fileprivate var concernsOneKey: Bool {
        switch code {
        case .orderRefused, .orderPending, .certificateWrong, .certificateDiffers, .accountLacks,
            .nameNotIssuable, .addressNotIssuable, .issuerNotTrusted,
            .keyNotAccepted, .otherOrderUnfinished, .orderInUse, .badSubject, .noSuchObject,
            .severalObjects, .noRoom, .idTaken, .noSuchPlace, .keyUnusable,
            .notDestroyable:
            true
        default: false
        }
    }
}
