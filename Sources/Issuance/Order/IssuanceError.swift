package import Cryptoki

/// Why an issue ended, at which step, and what it leaves behind.
package struct IssuanceError: Error, Sendable {
    /// What kind of failure this is. Later versions may add to these.
    package struct Code: Sendable, Hashable, CustomStringConvertible {
        private let value: String
        /// The code's name. It stays the same in later versions.
        package var description: String { value }

        /// The token lacks what the job needs: a mechanism, a key size.
        package static let tokenUnsuitable = Code(value: "tokenUnsuitable")
        /// Nothing can be written: protected, full, without a PIN.
        package static let tokenNotWritable = Code(value: "tokenNotWritable")
        /// The id is used on the token.
        package static let idTaken = Code(value: "idTaken")
        /// A key on the token has the label that was asked for: see ``IssuanceError/choices``.
        package static let labelTaken = Code(value: "labelTaken")
        /// The key may not be used for the required operation: see ``IssuanceError/choices``.
        package static let keyUnusable = Code(value: "keyUnusable")
        /// The token has no place with that id: see ``IssuanceError/choices``.
        package static let noSuchPlace = Code(value: "noSuchPlace")
        /// The token has room for one certificate a key, and the key has one. A token whose memory is
        /// full is ``tokenNotWritable``.
        package static let noRoom = Code(value: "noRoom")
        /// The token does not let an object be removed: `CKA_DESTROYABLE` is false, or it refused.
        package static let notDestroyable = Code(value: "notDestroyable")
        /// No object fits the URI.
        package static let noSuchObject = Code(value: "noSuchObject")
        /// Several objects fit the URI.
        package static let severalObjects = Code(value: "severalObjects")
        /// The PIN is wrong, cannot be right, or is locked.
        package static let pinRefused = Code(value: "pinRefused")
        /// The PIN is right, and has to be changed before it is good for anything else.
        package static let pinExpired = Code(value: "pinExpired")
        /// The PIN was not sent, since it would lock the token if it were wrong.
        package static let pinLastTry = Code(value: "pinLastTry")
        /// Another failure of the token or its module.
        package static let tokenFailed = Code(value: "tokenFailed")
        /// The key is not what it should be: its value could leave the token.
        package static let keyUnsafe = Code(value: "keyUnsafe")
        /// The CA takes no keys of that kind.
        package static let keyNotAccepted = Code(value: "keyNotAccepted")
        /// The account has not what is asked for, or it is not clear what is.
        package static let accountLacks = Code(value: "accountLacks")
        /// The account has the name, but the CA's API cannot issue it; ``IssuanceError/choices``
        /// are names that it can issue.
        package static let nameNotIssuable = Code(value: "nameNotIssuable")
        /// The account has the address, but the CA's API cannot issue it; ``IssuanceError/choices``
        /// are addresses that it can issue.
        package static let addressNotIssuable = Code(value: "addressNotIssuable")
        /// The name or an address cannot stand in a request.
        package static let badSubject = Code(value: "badSubject")
        /// User name or password is wrong.
        package static let credentialsRefused = Code(value: "credentialsRefused")
        /// The CA cannot be reached, or is not the CA; nothing was ordered.
        package static let caUnreachable = Code(value: "caUnreachable")
        /// The CA refused the order.
        package static let orderRefused = Code(value: "orderRefused")
        /// The order is out and no usable certificate came back.
        package static let orderPending = Code(value: "orderPending")
        /// A certificate came back that must not be written.
        package static let certificateWrong = Code(value: "certificateWrong")
        /// A certificate came back whose issuer, or an issuer above it, is not trusted.
        package static let issuerNotTrusted = Code(value: "issuerNotTrusted")
        /// A certificate for the key belongs to another order, or is older than that order's
        /// outcome.
        package static let notTheOutcome = Code(value: "notTheOutcome")
        /// A certificate for the key was issued before the order was sent.
        package static let issuedBeforeOrder = Code(value: "issuedBeforeOrder")
        /// A good certificate came back that is not what was asked for.
        package static let certificateDiffers = Code(value: "certificateDiffers")
        /// What the token says after writing is not what was written.
        package static let notProved = Code(value: "notProved")
        /// The ledger cannot be used, so nothing that it must know of is done.
        package static let ledgerFailed = Code(value: "ledgerFailed")
        /// Another order for the same key is not finished: see ``IssuanceError/order``.
        package static let otherOrderUnfinished = Code(value: "otherOrderUnfinished")
        /// Another order has replaced the certificate before: see ``IssuanceError/order``.
        package static let alreadyReplaced = Code(value: "alreadyReplaced")
        /// Another process works on the order.
        package static let orderInUse = Code(value: "orderInUse")
        /// The key of the order is not on the token.
        package static let keyGone = Code(value: "keyGone")
        /// Only a person can decide how the order goes on.
        package static let needsDecision = Code(value: "needsDecision")
    }

    /// The kind of failure.
    package let code: Code
    /// The step at which it happened.
    package let step: Step
    /// What happened, as text for the user, without a full stop.
    package let reason: String
    /// The token's part in it, or nil.
    package let tokenError: CryptokiError?
    /// ``reason`` with what the token returned.
    package var text: String {
        guard let tokenError else { return reason }
        return reason + " [\(tokenError.returnValue?.description ?? tokenError.description)]"
    }
    /// What could be chosen instead: URIs, names, addresses.
    package let choices: [String]
    /// What was asked for and is not among ``choices``, or nil.
    package let wanted: String?
    /// The key pair of the job, or nil where the job did not come so far.
    package let key: KeyOnToken?
    /// The URI of a certificate that the token shows although it said that it did not take it, or
    /// nil.
    package let seenCertificate: String?
    /// Where the order stands that the failure is about, or nil where there is none.
    package let order: OrderStanding?
    /// What the steps have to know of it.
    let circumstances: Set<Circumstance>

    /// What makes a failure one that a step handles in its own way.
    enum Circumstance: Sendable, Hashable {
        /// The order is over: another attempt would end in the same way.
        case orderIsOver
        /// The token says that the key was not made on it, as of one that it never finished.
        case keyIsForeign
        /// A key was made, but the token shows wrong attributes for it.
        case attributesAreWrong
        /// A signature does not fit the public half that was read for the key.
        case signatureIsWrong
    }

    /// The key pair of a job, as it is on the token.
    package struct KeyOnToken: Sendable, Hashable {
        /// The private key's URI.
        package let uri: String
        /// `CKA_ID` of both halves.
        package let id: [UInt8]
        /// Whether it was made for this order.
        package let isNew: Bool
        /// The file of the module that the token was reached through.
        package let modulePath: String
        /// The name of the module in p11-kit's configuration, or nil if it was loaded by its path.
        package let moduleName: String?
        /// The text that the module was started with, or nil.
        package let moduleArguments: String?
    }

    /// Makes a failure.
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
        key = nil
        seenCertificate = nil
        order = nil
        circumstances = []
    }

    /// The same failure, with more that is known of it.
    func with(
        reason: String? = nil, circumstances: Set<Circumstance>? = nil, key: KeyOnToken? = nil,
        seenCertificate: String? = nil, order: OrderStanding? = nil
    ) -> IssuanceError {
        IssuanceError(
            self, reason ?? self.reason, circumstances ?? self.circumstances, key ?? self.key,
            seenCertificate ?? self.seenCertificate, order ?? self.order)
    }

    private init(
        _ error: IssuanceError, _ reason: String, _ circumstances: Set<Circumstance>,
        _ key: KeyOnToken?, _ seenCertificate: String?, _ order: OrderStanding?
    ) {
        code = error.code
        step = error.step
        tokenError = error.tokenError
        choices = error.choices
        wanted = error.wanted
        self.reason = reason
        self.circumstances = circumstances
        self.key = key
        self.seenCertificate = seenCertificate
        self.order = order
    }

    init(_ error: CryptokiError, at step: Step, while doing: String) {
        guard error.code != .otherToken else {
            self.init(.noSuchObject, at: step, error.context)
            return
        }
        self.init(Self.code(error), at: step, doing, tokenError: error)
    }

    /// What a token's failure means for the job.
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

/// Does something on a token as a part of a step.
///
/// - Throws: ``IssuanceError``: what the token throws with the step and what was being done, or the
///   one that the body throws.
func at<Result: ~Copyable>(
    _ step: Step, _ doing: String, _ body: () throws -> Result
) throws(IssuanceError) -> Result {
    do {
        return try body()
    } catch let error as CryptokiError {
        throw IssuanceError(error, at: step, while: doing)
    } catch {
        throw IssuanceError(any: error, at: step)
    }
}

extension IssuanceError {
    /// The same failure, or one of the token for any other error.
    init(any error: any Error, at step: Step) {
        self = error as? IssuanceError ?? IssuanceError(.tokenFailed, at: step, "\(error)")
    }
}
