internal import Cryptoki
internal import OpenSSLX509
internal import TokencertPlatform
internal import TokencertTokens

/// How the keys and certificates on a token are named in messages: by a short name that commands
/// take, and by what is known about the certificate.
struct ObjectTitles {
    private let inventory: TokenInventory
    private let names: ObjectNames

    init(_ inventory: TokenInventory) {
        self.inventory = inventory
        names = ObjectNames(inventory)
    }

    /// The name of a key as a word for the shell: a short name if only this key has it, else the
    /// URI.
    func name(_ key: KeyEntry) -> String { shellWord(names.name(of: key) ?? key.uri) }

    /// The name of a certificate as a word for the shell: its serial number if only this certificate
    /// has it, else the URI.
    func name(_ entry: CertificateEntry) -> String {
        if let name = names.name(of: entry) { return shellWord(name) }
        let number = entry.content.map { " --serial \($0.serialNumber)" } ?? ""
        return shellWord(entry.record.uri) + number
    }

    /// The short name of a certificate as a word for the shell, or nil if it has none.
    func shortName(of certificate: Certificate) -> String? {
        inventory.entries.first { $0.certificate == certificate }
            .flatMap { names.name(of: $0) }.map { shellWord($0) }
    }

    /// A key with its newest certificate: `mail (Anna Müller, valid to 2028-11-27)`.
    func title(_ key: KeyEntry) -> String { title(key, option: "") }

    /// A key with an option after its name, for a command.
    func title(_ key: KeyEntry, option: String) -> String {
        let newest = key.certificates.compactMap(\.content).max { $0.notAfter < $1.notAfter }
        return "\(name(key))\(option) (\(newest.map(Self.summary) ?? "no certificate"))"
    }

    /// A certificate: `2dd50d (Anna Müller, valid to 2028-11-27)`.
    func title(_ entry: CertificateEntry) -> String {
        "\(name(entry)) (\(entry.content.map(Self.summary) ?? entry.name))"
    }

    /// The titles of the keys and certificates with the given handles. A key represents its
    /// certificates.
    func titles(_ handles: [ObjectHandle]) -> [String] {
        let handles = Set(handles)
        let keys = inventory.keys.filter { $0.halves.contains { handles.contains($0.handle) } }
        let shown = Set(keys.flatMap(\.certificates).map(\.record.handle))
        let others = inventory.entries.filter {
            handles.contains($0.record.handle) && !shown.contains($0.record.handle)
        }
        return keys.map(title) + others.map(title)
    }

    /// Whose certificate it is, and until when: `Anna Müller, valid to 2028-11-27`.
    static func summary(_ content: CertificateEntry.Content) -> String {
        "\(content.subjectName), valid to \(timestamp(content.notAfter).prefix(10))"
    }
}

/// A key or a certificate that the user has named.
struct ObjectTarget: CustomStringConvertible {
    private let text: String
    /// The URI that matches it.
    let uri: PKCS11URI
    /// The serial number of the certificate, in the form of `Certificate.serialNumber`, or nil.
    let serialNumber: String?

    init(_ uri: PKCS11URI, text: String? = nil, serialNumber: String? = nil) {
        self.uri = uri
        self.text = text ?? "\(uri)"
        self.serialNumber = serialNumber
    }

    /// How the user has named it, in quotes unless it is a URI.
    var description: String { text }

    var type: ObjectClass? { uri.objectAttributes[.class] }
}

/// The hints that list candidates: three at most, then the command that shows all.
func several(
    _ candidates: [String], as lead: String = "one of them", all command: String = "tokencert list"
) -> [String] {
    candidates.prefix(3).map { "\(lead): \($0)" }
        + (candidates.count > 3 ? ["and \(candidates.count - 3) more: \(command)"] : [])
}

/// The label and the id of a key: `mail, id bf0f576e781c4bc7`.
func keyTitle(label: String, id: [UInt8]) -> String {
    [label, id.isEmpty ? "" : "id \(hexadecimal(id))"].filter { !$0.isEmpty }
        .joined(separator: ", ")
}

/// The label and the id of the object that a URI names, or the URI if it has neither.
func objectTitle(ofURI uri: String) -> String {
    let named = (try? PKCS11URI(parsing: uri))?.objectAttributes ?? Template()
    let title = keyTitle(label: text(ofLabel: named[.labelBytes] ?? []), id: named[.id] ?? [])
    return title.isEmpty ? quoted(uri) : title
}
