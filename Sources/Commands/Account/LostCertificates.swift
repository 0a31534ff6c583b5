internal import OpenSSLX509
internal import TokencertCAcert
internal import TokencertIssuance
internal import TokencertPlatform
internal import TokencertTokens

/// The certificates of a lost token, by what can be done about them.
struct LostCertificates {
    /// Those that are valid in the account. They are to be revoked.
    var valid: [RevocationTarget] = []
    /// What became of the valid ones.
    var requested: [RevokedCertificate] = []
    /// Those that were revoked before.
    private(set) var revoked: [RevokedCertificate] = []
    /// Those of them that are not in the ledger.
    private var unknownRevoked: [Certificate] = []
    private(set) var expired: [RevokedCertificate] = []
    /// Those that the account does not have. They may be valid in another one.
    private(set) var absent: [RevokedCertificate] = []
    /// Those of another CA that have not expired, unless the ledger records their revocation.
    private(set) var elsewhere: [RevokedCertificate] = []
    /// The CAs of ``elsewhere``, without duplicates.
    private var otherCAs: [String] = []
    /// The number of valid certificates of the account that were not compared.
    var unread = 0
    /// The orders that may still lead to a certificate.
    var mayStillBeIssued: [Int64] = []
    /// The first of them that is not finished, or nil. An order that was given up cannot be resumed.
    var resumable: Int64?

    var all: [RevokedCertificate] { requested + revoked + expired + absent + elsewhere }

    /// Adds a certificate of the ledger with its row, which is nil if the account does not have it.
    mutating func add(_ known: LedgerCertificate, _ row: ListedCertificate?, at time: Int64) {
        let target = RevocationTarget(row?.number, known.certificate, known)
        if row?.isRevoked ?? false {
            revoked.append(RevokedCertificate(target, .alreadyRevoked))
        } else if known.certificate.notAfter < time {
            expired.append(RevokedCertificate(target, .notRevoked, reason: "it has expired"))
        } else if row != nil {
            valid.append(target)
        } else {
            absent.append(
                RevokedCertificate(
                    target, .notRevoked, reason: "this account does not have it"))
        }
    }

    /// Adds a certificate that is not in the ledger and was revoked before.
    mutating func add(alreadyRevoked target: RevocationTarget) {
        unknownRevoked.append(target.certificate)
        revoked.append(RevokedCertificate(target, .alreadyRevoked))
    }

    /// The certificates for keys of the token that are not in the ledger.
    var unknown: [Certificate] {
        valid.filter { !$0.isKnown }.map(\.certificate) + unknownRevoked
    }

    /// Adds a certificate that another CA has issued, unless it has expired. The other CA is not asked
    /// whether it is revoked, only the ledger.
    mutating func addElsewhere(
        _ known: LedgerCertificate, _ other: String, isRevoked: Bool, at time: Int64
    ) {
        guard known.certificate.notAfter >= time else { return }
        let target = RevocationTarget(nil, known.certificate, known)
        guard !isRevoked else {
            revoked.append(RevokedCertificate(target, .alreadyRevoked))
            return
        }
        elsewhere.append(
            RevokedCertificate(target, .notRevoked, reason: "it was issued by another CA, \(other)")
        )
        if !otherCAs.contains(other) { otherCAs.append(other) }
    }

    // MARK: Publication

    /// The certificates that the CA has revoked, those of this run first.
    var revokedContents: [Certificate] { (requested + revoked).compactMap(\.revokedContent) }

    /// Adds what is published about the revoked certificates.
    mutating func add(_ publications: [Certificate: Publication]) {
        for index in requested.indices { requested[index].add(publications) }
        for index in revoked.indices { revoked[index].add(publications) }
    }

    // MARK: Decisions

    /// Which programs reject the certificates that this run has revoked; nil if some of them may be
    /// accepted.
    var rejection: String? {
        PublicationReport.rejection(requested.filter { $0.outcome == .revoked }.map(\.publication))
    }

    var hasRevoked: Bool { requested.contains { $0.outcome == .revoked } }

    /// Whether all certificates have expired or were revoked before.
    var isAllOver: Bool {
        requested.isEmpty && absent.isEmpty && elsewhere.isEmpty && unread == 0
            && !(revoked.isEmpty && expired.isEmpty)
    }

    /// Why a certificate may be valid still, or nil. Without `isInJSON`, nothing was found. Messages name
    /// the token by its title, hints by its name.
    func failure(_ token: String, name: String, account: String) -> Failure? {
        let failed = requested.filter { $0.outcome != .revoked } + absent + elsewhere
        let isUnknown = failed.contains { $0.outcome == .unknown }
        let isNone = requested.isEmpty && revoked.isEmpty && expired.isEmpty && unread == 0
        let none = "\(account) has none of the certificates of token \(token)"
        if isNone, failed.isEmpty, mayStillBeIssued.isEmpty {
            return Failure(.noSuchObject, code: "noSuchCertificate", none, hints: Self.hints)
        }
        var failure: Failure
        if isNone, !failed.isEmpty {
            failure = Failure(
                mayStillBeIssued.isEmpty ? .unreachable : .pending, code: "notRevoked", none,
                hints: (absent.isEmpty ? [] : Self.hints) + hintsForOtherCAs(name))
        } else if let first = failed.first {
            failure = Failure(
                isUnknown || !mayStillBeIssued.isEmpty ? .pending : .unreachable,
                code: isUnknown ? "revocationUnknown" : "notRevoked",
                "\(failed.count) of \(requested.count + absent.count + elsewhere.count) certificates "
                    + (isUnknown ? "may not be revoked" : "were not revoked")
                    + (first.reason.map { ": \($0)" } ?? ""),
                hints: hints(name))
        } else if let number = mayStillBeIssued.first {
            failure = Failure(
                .pending, code: "revocationUnknown",
                "the CA may still issue a certificate for token \(token)",
                hints: ["to see the order: tokencert history \(number)"]
                    + [resumable].compactMap(\.self).map {
                        "to look for its certificate: tokencert resume \($0) --fetch"
                    } + ["once the CA has issued it, run the same command again"])
        } else if unread > 0 {
            failure = Failure(
                .unreachable, code: "notRevoked",
                "\(unread) valid certificates of the account were not compared with the keys of token "
                    + token, hints: Self.hintsForUnread)
        } else {
            return nil
        }
        failure.isInJSON = true
        return failure
    }

    /// What to do about certificates that were not revoked, in the sequence of their reasons.
    private func hints(_ name: String) -> [String] {
        let isRequested = requested.contains { $0.outcome != .revoked }
        var hints: [String] = []
        if isRequested || !absent.isEmpty {
            hints.append("to see their states: tokencert certificates --all")
        }
        if isRequested { hints.append("to revoke the rest, run the same command again") }
        if !absent.isEmpty { hints.append(Self.hints[0]) }
        return hints + hintsForOtherCAs(name) + (unread == 0 ? [] : Self.hintsForUnread)
    }

    /// How to revoke the certificates of each other CA. A CA command cannot revoke certificates.
    private func hintsForOtherCAs(_ name: String) -> [String] {
        otherCAs.map { other in
            other.hasPrefix("command:")
                ? "tokencert cannot revoke certificates of \(other): ask the operator of this CA"
                : "to revoke those of \(other): tokencert revoke --lost-token \(shellWord(name)) "
                    + "--ca-url \(shellWord(other))"
        }
    }

    private static let hintsForUnread = [
        "to see those that are not in the ledger: tokencert certificates",
        "to revoke one of them: tokencert revoke SERIAL",
    ]

    private static let hints = [
        "if another account has them: --username ADDRESS",
        "to see what the account has: tokencert certificates --all",
    ]

    // MARK: Texts

    /// What is left out or was not looked at, one per line.
    var remarks: [String] {
        elsewhere.map { "not at this CA: \($0.title)\($0.reason.map { ": \($0)" } ?? "")" }
            + mayStillBeIssued.map {
                "The CA may still issue a certificate for order \($0); it will not be revoked."
            }
            + (unread == 0
                ? [] : ["Valid certificates of the account that were not compared: \(unread)"])
    }

    /// What is revoked, what is left out, and what follows from that.
    func question(_ token: String, width: Int?) -> [String] {
        let lines =
            valid.map(\.title) + absent.map(\.line) + remarks
            + [
                "! Mail encrypted to these keys can be read only with the token.",
                "! Signatures made with these certificates, including earlier ones, may be "
                    + "reported as invalid.",
                "! A revocation cannot be undone.",
            ]
        return ["These certificates of token \(printable(token)) will be revoked:"]
            + lines.flatMap { folded("  " + printable($0), at: 4, width: width) }
    }
}

extension RevokedCertificate {
    fileprivate var title: String {
        "serial \(certificate.serialNumber ?? ""), \(certificate.subject ?? "")"
    }

    var line: String {
        let reason = reason.map { ": \($0)" } ?? ""
        return switch outcome {
        case .revoked: "revoked: \(title)"
        case .alreadyRevoked: "already revoked: \(title)"
        case .notRevoked: "not revoked: \(title)\(reason)"
        case .unknown: "unknown whether it is revoked: \(title)\(reason)"
        }
    }
}
