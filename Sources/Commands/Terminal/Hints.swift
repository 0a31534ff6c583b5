internal import CAcert
internal import Cryptoki
internal import Inventory
internal import Issuance
internal import OpenSSLX509

// Facts come from the libraries; here they become commands to type.

extension Failure {
    init(issuance error: IssuanceError) {
        var message = error.reason
        if let tokenError = error.tokenError {
            message += " [\(tokenError.returnValue?.description ?? tokenError.description)]"
        }
        var hints = Self.hints(error)
        if let file = error.answer?.file {
            hints.append("what the CA answered is in \(file)")
        } else if let bytes = error.answer?.bytes {
            hints.append("what the CA answered could not be kept, so here it is:")
            hints.append(printable(String(decoding: bytes.prefix(1 << 16), as: UTF8.self)))
        }
        if let uri = error.writtenCertificate {
            hints.append("the certificate was written: \(uri)")
        }
        if let key = error.key { hints += Self.hints(key, error) }
        self.init(Self.status(error), message, hints: hints)
    }

    /// What to do with the key pair of a job that did not come to its end.
    private static func hints(
        _ key: IssuanceError.KeyOnToken, _ error: IssuanceError
    ) -> [String] {
        let tool =
            "pkcs11-tool --module \(quoted(key.modulePath)) --token-label "
            + "\(quoted(key.tokenLabel)) --login"
        let id = hexadecimal(key.id)
        var hints: [String] = []
        if key.isNew { hints.append("the key pair that was made stays on the token: \(key.uri)") }
        if error.writtenCertificate != nil { return hints }
        if error.mayHaveOrdered {
            hints += [
                "the order was for the key \(key.uri)",
                "to write a certificate from the web site beside it: openssl x509 -in FILE "
                    + "-outform DER -out FILE.der && \(tool) --write-object FILE.der --type cert "
                    + "--id \(id)",
                "to order a second one for it: the same command with --key \(quoted(key.uri))",
            ]
        } else if key.isNew {
            hints.append("to use it: the same command with --key \(quoted(key.uri))")
        }
        if key.isNew {
            hints.append(
                "to remove it: \(tool) --delete-object --type privkey --id \(id), and the same "
                    + "with --type pubkey")
        }
        return hints
    }

    /// A word as a shell takes it.
    private static func quoted(_ text: String) -> String {
        "'"
            + text.split(separator: "'", omittingEmptySubsequences: false)
            .joined(separator: "'\\''") + "'"
    }

    private static func status(_ error: IssuanceError) -> ExitStatus {
        switch error.code {
        case .noSuchObject, .severalObjects: .noSuchObject
        case .tokenUnsuitable, .tokenNotWritable, .idTaken: .cannotCreate
        case .pinRefused, .pinLastTry, .credentialsRefused: .noPermission
        case .tokenFailed, .keyUnsafe, .notProved: .tokenFailed
        case .keyNotAccepted, .accountLacks, .badSubject, .orderRefused: .dataRefused
        case .caUnreachable: .unreachable
        case .orderPending: .pending
        case .certificateWrong, .certificateDiffers: .certificateWrong
        default: .bug
        }
    }

    private static func hints(_ error: IssuanceError) -> [String] {
        switch error.code {
        case .accountLacks:
            let choices = error.choices.map { "the account has: \($0)" }
            return choices + ["tokencert account shows what the account may have"]
        case .noSuchObject:
            return ["tokencert list --pin-source prompt shows the keys with their URIs"]
        case .severalObjects:
            return error.choices.map { "one of them: --key '\($0)'" }
        case .idTaken:
            return ["leave --id out, and a free one is taken", "tokencert list shows what has it"]
        case .keyNotAccepted:
            return [
                "--key-type names the kind; CAcert signs RSA keys only",
                "--ca-accepts says what another CA signs",
            ]
        case .tokenUnsuitable:
            return ["tokencert tokens --verbose shows what the token can do"]
        case .tokenNotWritable:
            return ["tokencert tokens shows the state of the token"]
        case .pinRefused:
            return ["tokencert tokens shows the state of the PIN"]
        case .pinLastTry:
            return ["--allow-last-try sends it all the same"]
        case .credentialsRefused:
            return [
                "the CA does not tell which of the two is wrong: --username, --password-source"
            ]
        case .caUnreachable:
            return ["nothing was ordered; try again, or see --ca-url and --ca-file"]
        case .orderPending:
            return [
                "look into the account on the CA's web site before you order again: every order "
                    + "may issue a certificate"
            ]
        case .certificateDiffers:
            return ["--accept-changes would have written it"]
        case .certificateWrong:
            return ["nothing was written; tell the CA, and do not use that certificate"]
        case .badSubject:
            return ["--name takes 64 characters at most, --email plain ASCII addresses"]
        case .tokenFailed where error.tokenError?.returnValue == .deviceRemoved:
            return ["put the token back in"]
        default:
            return ["tokencert tokens shows whether the token is still seen, and in what state"]
        }
    }

    init(cryptoki error: CryptokiError) {
        switch error.code {
        case .invalidURI:
            self.init(
                .usage, "not a PKCS#11 URI: \(error.context)",
                hints: [
                    "such a URI looks like pkcs11:token=work;object=mail",
                    "tokencert tokens shows the URIs of all tokens",
                ])
        case .moduleUnusable:
            self.init(
                .configuration, error.description,
                hints: [
                    "--module takes the path of a PKCS#11 module, as "
                        + "/usr/lib/softhsm/libsofthsm2.so",
                    "SoftHSM2 needs a readable configuration: see SOFTHSM2_CONF",
                ])
        default:
            let ofPINs: [ReturnValue] = [
                .pinIncorrect, .pinLocked, .pinInvalid, .pinLenRange, .pinExpired,
            ]
            let isPIN = error.returnValue.map { ofPINs.contains($0) } ?? false
            self.init(
                isPIN ? .noPermission : .tokenFailed,
                isPIN
                    ? "the token refuses the PIN [\(error.returnValue?.description ?? "")]"
                    : error.description,
                hints: isPIN
                    ? ["it was sent once; tokencert tokens shows the state of the PIN"]
                    : ["tokencert tokens shows whether the token is still seen"])
        }
    }

    init(selection error: TokenSelectionError) {
        let candidates = error.candidates.compactMap { try? PKCS11URI(token: $0).description }
        switch error.code {
        case .several:
            self.init(
                .noSuchObject, "more than one token fits",
                hints: candidates.map { "one of them: --token '\($0)'" })
        case .uninitialized:
            self.init(
                .noSuchObject, "the token is not initialised",
                hints: [
                    "pkcs11-tool --module PATH --init-token --label NAME sets one up, then "
                        + "--init-pin",
                    "with SoftHSM2: softhsm2-util --init-token --free --label NAME",
                ])
        default:
            self.init(
                .noSuchObject,
                candidates.isEmpty ? "there is no token" : "no token fits",
                hints: candidates.isEmpty
                    ? ["put the token in; tokencert tokens shows what is seen"]
                    : candidates.map { "there is: --token '\($0)'" })
        }
    }
}
