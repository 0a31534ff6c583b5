internal import Cryptoki
internal import OpenSSLX509
internal import TokencertIssuance
internal import TokencertLedger
internal import TokencertTokens

/// The results for the certificates of one token.
struct RenewalTally {
    /// The token, as messages name it.
    struct Place {
        /// The options that select the token in a command, after a space.
        var selection = ""
        var name = ""
        /// Whether the command uses other tokens, too.
        var isOneOfSeveral = false

        /// The token after the title of a certificate, if there are several.
        var suffix: String { isOneOfSeveral ? " on token \"\(name)\"" : "" }
    }

    let place: Place
    /// Whether each renewed certificate gets a new key.
    let makesKeys: Bool
    /// How keys and certificates are named.
    let titles: TitlesByURI
    /// The old certificates that were or would be renewed.
    private(set) var done: [Certificate] = []
    /// The new certificates, with the titles of the old ones.
    private(set) var renewed: [(title: String, report: IssueReport)] = []
    private(set) var planned: [Line] = []
    private(set) var failures: [(title: String, failure: Failure)] = []
    /// The titles of the certificates that were not tried after a failure.
    var untried: [String] = []
    private(set) var passedOver: [PassedOver]
    let notChecked: [String]
    let candidates: [RenewalCandidate]
    private let inventory: TokenInventory

    init(of found: Renewals, makesKeys: Bool, on place: Place) {
        titles = TitlesByURI(found.inventory, selection: place.selection)
        self.place = place
        self.makesKeys = makesKeys
        passedOver = found.passedOver
        notChecked = found.notChecked
        candidates = found.candidates
        inventory = found.inventory
    }

    func title(_ candidate: RenewalCandidate) -> String {
        titles.title(candidate.uri, serialNumber: candidate.certificate.serialNumber)
            ?? candidate.certificate.subject.text
    }

    var nameOfFirst: String? {
        candidates.first.flatMap { ObjectTitles(inventory).shortName(of: $0.certificate) }
    }

    mutating func addRenewed(_ candidate: RenewalCandidate, _ issued: IssuedCertificate) {
        done.append(candidate.certificate)
        renewed.append((title(candidate), IssueReport(issued)))
    }

    mutating func addPlanned(_ candidate: RenewalCandidate) {
        done.append(candidate.certificate)
        planned.append(Line(candidate, now(), title: title(candidate)))
    }

    /// Passes over a certificate that the user did not name, if the CA refused the last order
    /// for its key less than a week ago and the key stays the same. Returns whether it did.
    mutating func passesOver(_ candidate: RenewalCandidate, _ orders: [Order]) -> Bool {
        let old = candidate.certificate
        guard !makesKeys, let refusal = RecentRefusal.ofAnyCA(old, in: orders) else {
            return false
        }
        let isOneOfSeveral = candidate.entry.certificates.count > 1
        passedOver.append(
            PassedOver(
                candidate,
                "order \(refusal.order) was refused on \(timestamp(refusal.time)) "
                    + "(\(refusal.reason)); no other order is placed automatically before "
                    + timestamp(refusal.end),
                advice: .renew(
                    key: candidate.key, serialNumber: isOneOfSeveral ? old.serialNumber : nil)))
        return true
    }

    /// Records a failure. Returns whether other certificates can still be renewed. In a batch, the user has
    /// not named the certificate.
    mutating func take(
        _ error: IssuanceError, _ candidate: RenewalCandidate, isBatch: Bool
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
            take(Failure(issuance: error), candidate)
            return error.concernsOneKey
        }
    }

    /// Records a failure after which other certificates can still be renewed.
    mutating func take(_ failure: Failure, _ candidate: RenewalCandidate) {
        let title = self.title(candidate)
        failures.append((title, failure))
        guard candidates.count > 1 || place.isOneOfSeveral else { return }
        printError(
            "warning: "
                + printable("\(title)\(place.suffix) was not renewed: \(failure.message)"))
        printDetails(of: failure)
    }

    /// The JSON of a certificate that would be renewed.
    struct Line: Encodable {
        let certificate: CertificateReport
        let key: String
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
        case .orderRefused, .orderPending, .certificateWrong, .certificateDiffers,
            .certificateRevoked, .issuedBeforeOrder, .notTheOutcome, .accountLacks,
            .nameNotIssuable, .addressNotIssuable, .issuerNotTrusted, .keyNotAccepted,
            .otherOrderUnfinished, .orderInUse, .needsDecision, .badSubject, .noSuchObject,
            .severalObjects, .noRoom, .idTaken, .noSuchPlace, .keyUnusable, .keyGone,
            .keyTooWeak, .notDestroyable:
            true
        default: false
        }
    }
}
