internal import Cryptoki
package import OpenSSLX509
package import TokencertTokens

/// Finds out what a token does that it does not say, by making keys and certificates of its own.
///
/// Everything that it makes is removed in the end, and looked for in a new session. What was on the
/// token before is never touched; a module that overwrites keys in silence could do so, so a token
/// with keys is not probed unless a person says so.
package struct TokenProbe: ~Copyable {
    /// What came of it.
    package struct Finding: Sendable {
        /// What was tried.
        package let subject: String
        /// What the token did, for a person to read.
        package let result: String
    }

    private var connection: Connection
    private var profile: TokenProfile
    /// The kinds of keys that the token tells of.
    private let known: [KeyKind]
    private var findings: [Finding] = []

    /// Prepares a probe. Nothing is done yet.
    ///
    /// - Parameters:
    ///   - capabilities: The token, and what is known of it.
    ///   - pins: The PINs for every ``TokenOperation``.
    ///   - date: Today, as `2026-11-24`.
    /// - Throws: ``IssuanceError`` where the token cannot be asked.
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
        // One that was chosen by hand matches everything.
        profile.match = match
        profile.tested =
            "\(module.libraryDescription) \(module.libraryVersion) with \(info.model), \(date)"
        // Whether the token says that it made a key is found out here, and no reason to stop.
        var tolerant = profile
        tolerant.hidesOrigin = true
        known = capabilities.keyKinds
        connection = try Connection(capabilities.with(tolerant), pins)
    }

    /// Whether there are keys or certificates on the token.
    package mutating func hasContent() throws(IssuanceError) -> Bool {
        try connection.perform(.read, at: .plan) { connection, _ in
            let inventory = try at(.plan, "the token cannot be read") {
                try TokenInventory(&connection.session)
            }
            return !inventory.keys.isEmpty || !inventory.certificates.isEmpty
        }
    }

    /// Tries kinds of keys one after the other.
    ///
    /// - Parameters:
    ///   - kinds: The kinds.
    ///   - certify: Makes a certificate for a public key that is worth nothing.
    ///   - progress: Is told each finding.
    /// - Returns: What was found, as a profile.
    /// - Throws: ``IssuanceError`` where something that was made could not be removed, or nobody can
    ///   log in.
    package mutating func run(
        _ kinds: [KeyKind], certify: (PublicKey, Int) throws -> Certificate,
        progress: (Finding) -> Void
    ) throws(IssuanceError) -> TokenProfile {
        var broken: [KeyKind] = []
        profile.hidesOrigin = nil
        for kind in kinds {
            let isUsable = try probe(kind, try freeID(), certify, progress)
            if !isUsable { broken.append(kind) }
        }
        // What was not tried is as the token says.
        if !broken.isEmpty {
            profile.keyKinds = known.filter { !broken.contains($0) }.map(\.name)
        }
        return profile
    }

    private func freeID() throws(IssuanceError) -> [UInt8] {
        let planning = KeyPlanning(capabilities: connection.capabilities, acceptance: .anything)
        return try planning.newID()
    }

    /// Tries one kind of key, and tells whether keys of the kind can be used.
    private mutating func probe(
        _ kind: KeyKind, _ id: [UInt8], _ certify: (PublicKey, Int) throws -> Certificate,
        _ progress: (Finding) -> Void
    ) throws(IssuanceError) -> Bool {
        var learned = profile
        let subject = "\(kind)"
        // What an earlier kind has left unfinished ends with its session.
        try connection.openNewSession(at: .generate)
        try connection.logInAll(at: .generate)
        try connection.requireFree(id)
        let new = NewKey(kind: kind, id: id, label: Array("tokencert probe".utf8))
        let key: TokenKey
        do throws(IssuanceError) {
            key = try connection.makeKey(new)
        } catch {
            progress(Finding(subject: subject, result: error.text))
            // That says nothing about the kind of key.
            if connection.pins.wasAnyRefused || error.saysNothingOfKeys { throw error }
            if try !removeAll(id) {
                progress(
                    Finding(
                        subject: subject,
                        result: "something with the id \(hexadecimal(id)) stays on the token"))
            }
            return false
        }
        let isUsable: Bool
        do throws(IssuanceError) {
            isUsable = try learn(key, kind, &learned, certify) {
                progress(Finding(subject: subject, result: $0))
            }
        } catch {
            // A signature may have been begun.
            try? connection.openNewSession(at: .retire)
            try removeAll(id)
            throw error
        }
        if try !removeAll(id) {
            learned.keepsDestroyedKeys = true
            progress(
                Finding(
                    subject: subject,
                    result:
                        "its key, with the id \(hexadecimal(id)), stays though it was destroyed"))
        }
        profile = learned
        return isUsable
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
            tell("the label is the module's own: “\(key.label)”")
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
                // A PIN was sent for one use of the key.
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
            tell("after certificate \(number) there are \(present.count) with the key's id")
            written = max(written, present.count)
        }
        if written == 1 { learned.certificatesPerKey = 1 }
        if written == 0 { learned.writes = .nobody }
        return signs
    }

    /// The certificates that a new session sees, placeholders left out.
    private mutating func certificates(_ id: [UInt8]) throws(IssuanceError) -> [Certificate] {
        try connection.perform(.read, at: .readBack) { connection, _ in
            try at(.readBack, "the token cannot be read again") {
                var session = try connection.token.openSession(ReadWrite.self)
                var template = Template()
                template[.class] = .certificate
                template[.id] = id
                return try storedCertificates(template, connection.capabilities, &session)
                    .certificates
            }
        }
    }

    /// Removes everything with an id that was free before, and tells whether it is gone.
    @discardableResult
    private mutating func removeAll(_ id: [UInt8]) throws(IssuanceError) -> Bool {
        let isAny = try connection.perform(.read, at: .retire) { connection, _ in
            try !objects(withID: id, &connection.session, at: .retire).isEmpty
        }
        guard isAny else { return true }
        try connection.perform(.write, at: .retire) { connection, _ in
            for object in try objects(withID: id, &connection.session, at: .retire) {
                try? connection.session.destroyObject(object)
            }
        }
        // Private halves are seen, and on most tokens removed, by the user only.
        return try connection.perform(.read, at: .retire) { connection, _ in
            for object in try objects(withID: id, &connection.session, at: .retire) {
                try? connection.session.destroyObject(object)
            }
            var later = try at(.retire, "no new session can be opened") {
                try connection.token.openSession(ReadWrite.self)
            }
            return try objects(withID: id, &later, at: .retire).isEmpty
        }
    }
}

extension IssuanceError {
    /// Whether it is about the token as a whole, not about a kind of key.
    fileprivate var saysNothingOfKeys: Bool {
        let values: [ReturnValue] = [
            .deviceRemoved, .deviceError, .tokenNotPresent, .sessionHandleInvalid, .userNotLoggedIn,
        ]
        return code == .pinRefused || code == .pinLastTry
            || tokenError?.returnValue.map { values.contains($0) } ?? false
    }
}
