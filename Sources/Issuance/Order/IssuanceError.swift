package import Cryptoki

/// The failure of a job: its cause, the step, and what the job has left on the token.
package struct IssuanceError: Error, Sendable {
    /// The kind of failure. Later versions may add codes.
    package struct Code: Sendable, Hashable, CustomStringConvertible {
        private let value: String
        /// The code's name, which does not change in later versions.
        package var description: String { value }

        /// The token lacks something the job needs, such as a mechanism or a key size.
        package static let tokenUnsuitable = Code(value: "tokenUnsuitable")
        /// The token cannot be written: it is write-protected, full, or has no user PIN.
        package static let tokenNotWritable = Code(value: "tokenNotWritable")
        /// An object on the token already has the id.
        package static let idTaken = Code(value: "idTaken")
        /// A key on the token already has the requested label: see ``IssuanceError/choices``.
        package static let labelTaken = Code(value: "labelTaken")
        /// The key may not be used for the required operation: see ``IssuanceError/choices``.
        package static let keyUnusable = Code(value: "keyUnusable")
        /// The token has no place with that id: see ``IssuanceError/choices``.
        package static let noSuchPlace = Code(value: "noSuchPlace")
        /// The token stores one certificate per key, and the key has one. A token without free memory
        /// is ``tokenNotWritable``.
        package static let noRoom = Code(value: "noRoom")
        /// An object cannot be removed: `CKA_DESTROYABLE` is false, or the token refused.
        package static let notDestroyable = Code(value: "notDestroyable")
        package static let noSuchObject = Code(value: "noSuchObject")
        package static let severalObjects = Code(value: "severalObjects")
        /// The PIN is wrong, malformed, or locked.
        package static let pinRefused = Code(value: "pinRefused")
        /// The PIN is right but must be changed before it can be used.
        package static let pinExpired = Code(value: "pinExpired")
        /// The PIN was not sent, because a wrong one would lock the token.
        package static let pinLastTry = Code(value: "pinLastTry")
        /// Another failure of the token or its module.
        package static let tokenFailed = Code(value: "tokenFailed")
        /// The key does not meet the requirements; for example, it can be extracted.
        package static let keyUnsafe = Code(value: "keyUnsafe")
        /// No possible key is as strong as the old one; ``IssuanceError/choices`` lists weaker kinds.
        package static let keyTooWeak = Code(value: "keyTooWeak")
        /// The CA does not accept this kind of key.
        package static let keyNotAccepted = Code(value: "keyNotAccepted")
        /// The account does not have what was requested, or the request is ambiguous.
        package static let accountLacks = Code(value: "accountLacks")
        /// The account has the name, but the CA's API cannot put it into a certificate;
        /// ``IssuanceError/choices`` lists the names that it can.
        package static let nameNotIssuable = Code(value: "nameNotIssuable")
        /// The account has the address, but the CA's API cannot put it into a certificate;
        /// ``IssuanceError/choices`` lists the addresses that it can.
        package static let addressNotIssuable = Code(value: "addressNotIssuable")
        /// The name or an address is not valid in a certificate signing request.
        package static let badSubject = Code(value: "badSubject")
        /// The user name or password is wrong.
        package static let credentialsRefused = Code(value: "credentialsRefused")
        /// The CA cannot be reached or authenticated; nothing was ordered.
        package static let caUnreachable = Code(value: "caUnreachable")
        package static let orderRefused = Code(value: "orderRefused")
        /// The order was sent, but no usable certificate has arrived.
        package static let orderPending = Code(value: "orderPending")
        /// The CA returned a certificate that must not be written.
        package static let certificateWrong = Code(value: "certificateWrong")
        /// The CA has issued a certificate for the order and revoked it.
        package static let certificateRevoked = Code(value: "certificateRevoked")
        /// The certificate's issuer, or a CA above it, is not trusted.
        package static let issuerNotTrusted = Code(value: "issuerNotTrusted")
        /// A certificate for the key belongs to another order, or is older than the certificate of
        /// that order.
        package static let notTheOutcome = Code(value: "notTheOutcome")
        /// A certificate for the key was issued before the order was sent.
        package static let issuedBeforeOrder = Code(value: "issuedBeforeOrder")
        /// The certificate is valid but differs from what was requested.
        package static let certificateDiffers = Code(value: "certificateDiffers")
        /// The token does not show the result that the operation should have.
        package static let notProved = Code(value: "notProved")
        /// The ledger cannot be used, so no step that requires a record is taken.
        package static let ledgerFailed = Code(value: "ledgerFailed")
        /// Another order for the same key is unfinished: see ``IssuanceError/order``.
        package static let otherOrderUnfinished = Code(value: "otherOrderUnfinished")
        /// Another order has already replaced the certificate: see ``IssuanceError/order``.
        package static let alreadyReplaced = Code(value: "alreadyReplaced")
        /// Another process is working on the order.
        package static let orderInUse = Code(value: "orderInUse")
        /// The key of the order is not on the token.
        package static let keyGone = Code(value: "keyGone")
        /// The order cannot continue until the user decides how.
        package static let needsDecision = Code(value: "needsDecision")
    }

    package let code: Code
    package let step: Step
    /// The message for the user, without a full stop.
    package private(set) var reason: String
    /// The error of the token that caused the failure, or nil.
    package let tokenError: CryptokiError?
    /// ``reason`` followed by the token's return value in brackets.
    package var text: String {
        guard let tokenError else { return reason }
        return reason + " [\(tokenError.returnValue?.description ?? tokenError.description)]"
    }
    /// Alternatives to the requested value: URIs, names or addresses.
    package let choices: [String]
    /// The requested value, which is not among ``choices``, or nil.
    package let wanted: String?
    /// What the request leaves out although there are several ``choices``, or nil.
    package var missing: MissingValue?
    /// The key pair of the job, or nil if the job failed before it had one.
    package private(set) var key: KeyOnToken?
    /// The URI of a certificate that is on the token although the token rejected it, or nil.
    package private(set) var seenCertificate: String?
    /// The state of the order that the failure concerns, or nil if it concerns none.
    package private(set) var order: OrderStanding?
    /// Details that steps use to handle the failure.
    private(set) var circumstances: Set<Circumstance> = []

    /// A value that the user has to choose.
    package enum MissingValue: Sendable, Hashable {
        case name
        case emailAddress
    }

    /// A detail of a failure that a step handles specially.
    enum Circumstance: Sendable, Hashable {
        /// The order has failed for good: another attempt would end in the same way.
        case orderIsOver
        /// The token reports that the key was not generated on it, which is also true of a key whose
        /// generation was interrupted.
        case keyIsForeign
        /// A key was generated, but the token shows wrong attributes for it.
        case attributesAreWrong
        /// A signature does not match the public key that was read from the token.
        case signatureIsWrong
    }

    /// The key pair of a job on the token.
    package struct KeyOnToken: Sendable, Hashable {
        /// The private key's URI.
        package let uri: String
        /// `CKA_ID` of both keys.
        package let id: [UInt8]
        /// Whether it was generated for this order.
        package let isNew: Bool
        /// The path of the PKCS#11 module.
        package let modulePath: String
        /// The module's name in p11-kit's configuration, or nil if it was loaded by path.
        package let moduleName: String?
        /// The string that the module was initialised with, or nil.
        package let moduleArguments: String?
    }

    package init(
        _ code: Code, at step: Step, _ reason: String, tokenError: CryptokiError? = nil,
        choices: [String] = [], wanted: String? = nil
    ) {
        self.code = code
        self.step = step
        self.reason = reason
        self.tokenError = tokenError
        self.choices = choices
        self.wanted = wanted
    }

    /// Returns a copy with more details.
    func with(
        reason: String? = nil, circumstances: Set<Circumstance>? = nil, key: KeyOnToken? = nil,
        seenCertificate: String? = nil, order: OrderStanding? = nil
    ) -> IssuanceError {
        var error = self
        error.reason = reason ?? self.reason
        error.circumstances = circumstances ?? self.circumstances
        error.key = key ?? self.key
        error.seenCertificate = seenCertificate ?? self.seenCertificate
        error.order = order ?? self.order
        return error
    }

    init(_ error: CryptokiError, at step: Step, while doing: String) {
        guard error.code != .otherToken else {
            self.init(.noSuchObject, at: step, error.context)
            return
        }
        self.init(Self.code(error), at: step, doing, tokenError: error)
    }

    /// The code that a token's error means for the job.
    private static func code(_ error: CryptokiError) -> Code {
        switch error.returnValue {
        case .pinIncorrect, .pinInvalid, .pinLenRange, .pinLocked, .userTypeInvalid: .pinRefused
        case .pinExpired: .pinExpired
        case .deviceMemory, .tokenWriteProtected, .sessionReadOnly, .userPINNotInitialized:
            .tokenNotWritable
        case .actionProhibited where error.function == "C_DestroyObject": .notDestroyable
        default: .tokenFailed
        }
    }
}
