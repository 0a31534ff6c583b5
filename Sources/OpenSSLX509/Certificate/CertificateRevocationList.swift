/// A list of the certificates that a CA has revoked (RFC 5280, section 5).
public struct CertificateRevocationList: Sendable {
    /// The OpenSSL object.
    let handle: RevocationListHandle

    /// The DER, unchanged.
    public let der: [UInt8]
    /// The CA that issued the list.
    public let issuer: DistinguishedName
    /// When the list was issued, in seconds since 1970-01-01 00:00 UTC.
    public let thisUpdate: Int64
    /// When the next list is issued at the latest, in seconds since 1970-01-01 00:00 UTC; nil if the
    /// list does not say, although RFC 5280 requires it.
    public let nextUpdate: Int64?
    /// The cRLNumber in lower-case hexadecimal, two digits for each byte; nil if the list has none.
    public let number: String?
    /// The URIs in the issuingDistributionPoint: the list covers only the certificates that name one
    /// of them. Nil if it covers all certificates of the issuer.
    public let scope: [String]?
    /// Why the list cannot show that a certificate is not revoked: it has a critical extension that
    /// this library does not support, covers only some reasons or kinds of certificates or the
    /// changes since another list, or has entries of other CAs. Nil if it can be used.
    public let obstacle: String?

    /// Reads a revocation list. Nothing is verified.
    ///
    /// The C function is `d2i_X509_CRL`.
    ///
    /// - Parameter bytes: The DER of one list, with no bytes after it, or PEM text with one block
    ///   named `X509 CRL`.
    /// - Throws: ``X509Error`` with code ``X509Error/Code/malformed`` if the bytes are not a
    ///   revocation list.
    public init(_ bytes: [UInt8]) throws(X509Error) {
        guard Certificate.isPEM(bytes) else {
            try self.init(element: bytes)
            return
        }
        var lists: [[UInt8]] = []
        var reader = try PEMReader(bytes)
        while let block = try reader.next() {
            if block.name == "X509 CRL", !block.hasHeader { lists.append(block.data) }
        }
        guard lists.count == 1 else {
            throw X509Error(.malformed, "not a single revocation list in PEM")
        }
        try self.init(element: lists[0])
    }

    /// Verifies that the list can be used, and that a CA has signed it.
    ///
    /// Dates are left to the caller.
    ///
    /// - Parameter authority: The certificate of the CA, which the caller must trust. If it has a
    ///   keyUsage, this must include cRLSign.
    /// - Throws: ``X509Error`` with code ``X509Error/Code/unsupported`` if the list has an
    ///   ``obstacle``, or ``X509Error/Code/badSignature`` if it is from a different CA, has a wrong
    ///   signature, or the CA may not sign revocation lists.
    public func verify(issuedBy authority: Certificate) throws(X509Error) {
        if let obstacle {
            throw X509Error(.unsupported, "the revocation list cannot be used: \(obstacle)")
        }
        guard issuer == authority.subject else {
            throw X509Error(
                .badSignature, "the revocation list is from a different CA: \(issuer.text)")
        }
        guard authority.allows(.cRLSign) ?? true else {
            throw X509Error(
                .badSignature, "the CA's certificate does not allow it to sign revocation lists")
        }
        try verifySignature(authority.publicKey)
    }

    /// The entry for a certificate; nil if the list does not have one, so the certificate was not
    /// revoked when the list was issued. An entry with the reason removeFromCRL counts as none.
    ///
    /// Call ``verify(issuedBy:)`` before, and check the dates.
    ///
    /// - Parameter certificate: A certificate of the list's issuer.
    /// - Throws: ``X509Error`` with code ``X509Error/Code/failed`` if the list does not cover the
    ///   certificate.
    public func revocation(
        of certificate: Certificate
    ) throws(X509Error) -> ListedRevocation? {
        guard certificate.issuer == issuer else {
            throw X509Error(.failed, "the revocation list is from a different CA: \(issuer.text)")
        }
        // A CA may split its list: another part says nothing about the certificate.
        if let scope, Set(scope).isDisjoint(with: certificate.revocationListAddresses) {
            throw X509Error(.failed, "the revocation list is for other certificates of the CA")
        }
        return try revocation(ofSerialNumber: certificate.serialNumberDER)
    }
}

/// An entry of a revocation list.
public struct ListedRevocation: Sendable, Hashable {
    /// When the certificate was revoked, in seconds since 1970-01-01 00:00 UTC; nil if the time
    /// cannot be read.
    public let time: Int64?
    /// Why it was revoked; nil if the entry does not say.
    public let reason: RevocationReason?
}

/// Why a certificate was revoked. The raw value is the number of the CRLReason (RFC 5280, section
/// 5.3.1).
public enum RevocationReason: Int, Sendable, Hashable {
    /// No reason is given.
    case unspecified = 0
    /// Another party may have the private key.
    case keyCompromise = 1
    /// Another party may have the private key of a CA.
    case cACompromise = 2
    /// The subject has another name or role.
    case affiliationChanged = 3
    /// Another certificate has replaced it.
    case superseded = 4
    /// The certificate is no longer needed.
    case cessationOfOperation = 5
    /// The certificate is suspended. This is the only revocation that can be taken back.
    case certificateHold = 6
    /// The subject has lost a privilege that the certificate asserts.
    case privilegeWithdrawn = 9
    /// Another party may have the private key of an attribute authority.
    case aACompromise = 10
}
