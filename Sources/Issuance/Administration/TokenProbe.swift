internal import Cryptoki
package import OpenSSLX509
package import TokencertTokens

/// Determines undocumented behaviour of a token by generating keys and writing certificates, which
/// it removes. It does not touch other objects, but some modules silently overwrite keys: ask first
/// if ``hasContent()``.
package struct TokenProbe: ~Copyable {
    /// One result of the probe.
    package struct Finding: Sendable {
        /// The kind of key that was tried.
        package let subject: String
        /// The behaviour of the token, as text for the user.
        package let result: String
    }

    private var connection: Connection
    private var profile: TokenProfile
    /// The kinds of keys that the token reports.
    private let known: [KeyKind]
    private var findings: [Finding] = []

    /// Opens a session. Requires the PINs for every ``TokenOperation``, and today's date in the form
    /// `2026-11-24`.
    package init(
        _ capabilities: TokenCapabilities, _ pins: TokenPINs, date: String
    ) throws(IssuanceError) {
        let module = capabilities.token.module.info
        let info = capabilities.token.info
        let match = TokenProfile.Match(
            libraryDescription: module.libraryDescription, libraryManufacturer: nil,
            tokenManufacturer: info.manufacturer, tokenModel: info.model)
        profile =
            capabilities.profile
            ?? TokenProfile(
                name: "my-token", title: "\(info.manufacturer) \(info.model)", tested: "",
                match: match)
        // A profile that the user chose may match any token.
        profile.match = match
        profile.tested =
            "\(module.libraryDescription) \(module.libraryVersion) with \(info.model), \(date)"
        // The probe determines whether the token reports the origin of keys, so do not require it.
        var tolerant = profile
        tolerant.hidesOrigin = true
        known = capabilities.keyKinds
        connection = try Connection(capabilities.with(tolerant), pins)
    }

    /// Whether the token has keys or certificates.
    package mutating func hasContent() throws(IssuanceError) -> Bool {
        try connection.perform(.read, at: .plan) { connection, _ in
            let inventory = try at(.plan, "cannot read the token") {
                try TokenInventory(&connection.session)
            }
            return !inventory.keys.isEmpty || !inventory.certificates.isEmpty
        }
    }

    /// Tries the kinds of keys in turn, and returns the findings as a profile. `certify` creates test
    /// certificate 1 or 2 for a public key. If objects of a kind could not be removed, the next kind is
    /// tried only if `keysMayStay`; throws ``IssuanceError/Code/notDestroyable`` if the token refused.
    package mutating func run(
        _ kinds: [KeyKind], keysMayStay: Bool, certify: (PublicKey, Int) throws -> Certificate,
        progress: (Finding) -> Void
    ) throws(IssuanceError) -> TokenProfile {
        var broken: [KeyKind] = []
        profile.hidesOrigin = nil
        for (index, kind) in kinds.enumerated() {
            let id = try connection.capabilities.freeID()
            let (isUsable, left) = try probe(kind, id, certify, progress)
            if !isUsable { broken.append(kind) }
            guard !left.isEmpty, !keysMayStay else { continue }
            if let failure = left.failure {
                throw IssuanceError(
                    .notDestroyable, at: .retire,
                    "the token did not remove test objects: \(left.names(id))",
                    tokenError: failure)
            }
            for other in kinds.dropFirst(index + 1) {
                progress(
                    Finding(
                        subject: "\(other)",
                        result: "not tested, since the objects of each kind would remain"))
            }
            break
        }
        // Trust the token's own list for kinds that were not tried.
        if !broken.isEmpty {
            profile.keyKinds = known.filter { !broken.contains($0) }.map(\.name)
        }
        return profile
    }

    /// Tries one kind of key, and returns whether it is usable, and what is left of it.
    private mutating func probe(
        _ kind: KeyKind, _ id: [UInt8], _ certify: (PublicKey, Int) throws -> Certificate,
        _ progress: (Finding) -> Void
    ) throws(IssuanceError) -> (isUsable: Bool, left: LeftObjects) {
        var learned = profile
        let subject = "\(kind)"
        // A new session ends any operation that an earlier kind has left active.
        try connection.openNewSession(at: .generate)
        try connection.logInAll(at: .generate)
        try connection.requireFree(id)
        let new = NewKey(kind: kind, id: id, label: Array("tokencert probe".utf8))
        let key: TokenKey
        do throws(IssuanceError) {
            key = try connection.makeKey(new)
        } catch {
            progress(Finding(subject: subject, result: error.text))
            // This failure does not depend on the kind of key.
            if connection.pins.wasAnyRefused || error.saysNothingOfKeys { throw error }
            return (false, try removeAll(id, subject, progress))
        }
        let isUsable: Bool
        do throws(IssuanceError) {
            isUsable = try learn(key, kind, &learned, certify) {
                progress(Finding(subject: subject, result: $0))
            }
        } catch {
            // A signing operation may still be active.
            try? connection.openNewSession(at: .retire)
            _ = try removeAll(id, subject, progress)
            throw error
        }
        let left = try removeAll(id, subject, progress)
        if left.failure == nil, left.hasKeys { learned.keepsDestroyedKeys = true }
        profile = learned
        return (isUsable, left)
    }

    private mutating func learn(
        _ key: TokenKey, _ kind: KeyKind, _ learned: inout TokenProfile,
        _ certify: (PublicKey, Int) throws -> Certificate,
        _ tell: (String) -> Void
    ) throws(IssuanceError) -> Bool {
        var signs = false
        if !key.remarks.isEmpty {
            learned.hidesOrigin = true
            tell(key.remarks.joined(separator: "; "))
        }
        if key.label != "tokencert probe" {
            learned.hasFixedLabels = true
            tell("the module sets its own label: \"\(key.label)\"")
        }
        for method in connection.capabilities.signingMethods(for: kind) {
            do throws(IssuanceError) {
                try connection.perform(.sign, at: .request) { connection, _ in
                    var signer = connection.signer
                    signer.only = method.mechanism
                    _ = try signer.sign(
                        Array("tokencert probe".utf8), with: key, &connection.session,
                        at: .request)
                }
                tell("signs with \(method.mechanism)")
                signs = true
            } catch {
                // The PIN that was sent for this use of the key was refused.
                if connection.pins.wasAnyRefused { throw error }
                tell("does not sign with \(method.mechanism): \(error.text)")
            }
        }
        var written = 0
        for number in 1...2 {
            guard let certificate = try? certify(key.publicKey, number) else { return signs }
            do throws(IssuanceError) {
                _ = try connection.write(certificate, for: key, label: nil, isFresh: false)
            } catch {
                tell("certificate \(number): \(error.text)")
            }
            let present = try certificates(key.id)
            tell("after writing certificate \(number), certificates for the key: \(present.count)")
            written = max(written, present.count)
        }
        if written == 1 { learned.certificatesPerKey = 1 }
        if written == 0 { learned.writes = .nobody }
        return signs
    }

    /// The certificates that a new session shows, without placeholders.
    private mutating func certificates(_ id: [UInt8]) throws(IssuanceError) -> [Certificate] {
        try connection.perform(.read, at: .readBack) { connection, _ in
            try at(.readBack, "cannot read the token again") {
                var session = try connection.token.openSession(ReadWrite.self)
                let template = Template(.certificate, id: id)
                return try storedCertificates(template, connection.capabilities, &session)
                    .certificates
            }
        }
    }

    /// Removes all objects of a test, and reports and returns what a new session still shows.
    private mutating func removeAll(
        _ id: [UInt8], _ subject: String, _ progress: (Finding) -> Void
    ) throws(IssuanceError) -> LeftObjects {
        let left = try removeAll(id)
        if !left.isEmpty { progress(Finding(subject: subject, result: left.text(id))) }
        return left
    }

    /// Removes all objects with an id that was free before, and returns what a new session still shows.
    private mutating func removeAll(_ id: [UInt8]) throws(IssuanceError) -> LeftObjects {
        let isAny = try connection.perform(.read, at: .retire) { connection, _ in
            try !objects(withID: id, &connection.session, at: .retire).isEmpty
        }
        guard isAny else { return LeftObjects() }
        var reported: Set<ObjectHandle> = []
        var failures: [ObjectHandle: CryptokiError] = [:]
        func destroyAll(_ session: inout Session<ReadWrite>) throws {
            for object in try objects(withID: id, &session, at: .retire) {
                do throws(CryptokiError) {
                    try session.destroyObject(object)
                    reported.insert(object)
                    failures[object] = nil
                } catch {
                    // A second removal of the same object may fail.
                    if !reported.contains(object) { failures[object] = error }
                }
            }
        }
        try connection.perform(.write, at: .retire) { connection, _ in
            try destroyAll(&connection.session)
        }
        // Only the user sees private keys, and on most tokens only the user can remove them.
        return try connection.perform(.read, at: .retire) { connection, _ in
            try destroyAll(&connection.session)
            return try at(.retire, "cannot read the token again") {
                var later = try connection.token.openSession(ReadWrite.self)
                var left = LeftObjects()
                for object in try objects(withID: id, &later, at: .retire) {
                    let type = AttributeKey<ObjectClass>.class.type
                    let attributes = try later.attributes(of: object, [type])
                    let objectClass: ObjectClass? = attributes[.class]
                    left.classes.append(objectClass)
                    if !reported.contains(object) { left.failure = failures.values.first }
                }
                return left
            }
        }
    }
}

/// The objects of a test that are on the token after their removal.
private struct LeftObjects {
    /// Their classes; nil for one that the token does not report.
    var classes: [ObjectClass?] = []
    /// Why the token did not remove one of them; nil if it reported success for each.
    var failure: CryptokiError?

    var isEmpty: Bool { classes.isEmpty }
    var hasKeys: Bool { classes.contains(.privateKey) || classes.contains(.publicKey) }

    /// The objects, and the id of all of them, as text for the user.
    func names(_ id: [UInt8]) -> String {
        let names = classes.map { objectClass in
            switch objectClass {
            case .privateKey?: "private key"
            case .publicKey?: "public key"
            case .certificate?: "certificate"
            default: "other object"
            }
        }
        return names.joined(separator: ", ") + " with the id \(hexadecimal(id))"
    }

    func text(_ id: [UInt8]) -> String {
        let reason =
            failure.map { "failed [\($0.returnValue?.description ?? $0.description)]" }
            ?? "reported success"
        return "still on the token, and C_DestroyObject \(reason): \(names(id))"
    }
}

extension IssuanceError {
    /// Whether the failure concerns the token as a whole, not a kind of key.
    fileprivate var saysNothingOfKeys: Bool {
        let values: [ReturnValue] = [
            .deviceRemoved, .deviceError, .tokenNotPresent, .sessionHandleInvalid, .userNotLoggedIn,
        ]
        return code == .pinRefused || code == .pinLastTry
            || tokenError?.returnValue.map { values.contains($0) } ?? false
    }
}
