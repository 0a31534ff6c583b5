/// What OCSP responders and revocation lists report about one certificate.
struct RevocationAnswers: Equatable {
    enum Status: Equatable {
        case good
        /// Revoked, with a text for the user.
        case revoked(String)
        /// A responder does not know the certificate.
        case unknown
    }

    /// The status; nil if no source has reported one.
    private(set) var status: Status?
    /// Why sources did not report a status, or were not asked.
    var reasons: [String] = []
    /// The number of sources that were asked.
    var asked = 0
    /// The dates of the revocation list that decided; nil if none did.
    var listDates: ListDates?

    /// The dates of a revocation list, in seconds since 1970-01-01 00:00 UTC.
    struct ListDates: Equatable {
        let thisUpdate: Int64
        let nextUpdate: Int64?
    }

    /// Whether no other source is needed.
    var isDecided: Bool { status != nil && status != .unknown }

    /// Adds a status. "Revoked" takes precedence, then "good": a source may not know of a revocation
    /// that another one knows.
    mutating func add(_ new: Status) {
        switch (status, new) {
        case (.revoked, _), (.good, .good), (.good, .unknown), (.unknown, .unknown): break
        default: status = new
        }
    }

    /// Adds the answers of other sources.
    mutating func add(_ other: RevocationAnswers) {
        if let status = other.status { add(status) }
        reasons += other.reasons
        asked += other.asked
        listDates = other.listDates ?? listDates
    }
}

/// An error that prevented a verified status.
struct NoRevocationStatus: Error {
    let reason: String
    /// Whether the server did not answer; it is not asked again.
    var isSilence = false
    /// Whether the server sent an older list than before; no other list is tried.
    var isRollback = false
}
