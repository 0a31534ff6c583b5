internal import Cryptoki
internal import OpenSSLX509

/// Pairs private with public keys, and certificates with keys, independently of the order of the
/// objects.
///
/// Key halves are paired by the first rule that applies; an empty `CKA_ID` never matches another
/// one:
/// 1. They have the same id and the same public key; the labels may differ.
/// 2. They are the only two with their id and label, or with their id.
/// 3. One of them has no id, and both have the same public key.
/// 4. One of them has no id, and they are the only two with their label.
///
/// A certificate belongs to the key with its public key. Otherwise it belongs to the only key with
/// an unreadable public key that has the certificate's id, or its label if the certificate has no
/// id; that key then gets the certificate's public key. A certificate with the id of a key that
/// certainly differs is a mismatch.
///
/// Objects with contradictory key types, curves or public keys are never paired. The time is linear
/// in the number of objects.
struct Pairing {
    /// One half of a key pair.
    struct Half: Sendable {
        let record: ObjectRecord
        let type: KeyType?
        let value: PublicKey?
        let kind: KeyKind?
        let protection: KeyProtection?
    }

    private var privateHalves: [Half] = []
    private var publicHalves: [Half] = []
    private var certificates: [(entry: CertificateEntry, key: PublicKey?)] = []

    mutating func add(key half: Half) {
        if half.record.objectClass == .privateKey {
            privateHalves.append(half)
        } else {
            publicHalves.append(half)
        }
    }

    mutating func add(certificate entry: CertificateEntry, _ key: PublicKey?) {
        certificates.append((entry, key))
    }

    /// The keys with their certificates, and the certificates without keys, both sorted by label
    /// and id.
    consuming func result() -> ([KeyEntry], [CertificateEntry]) {
        var halves = HalfPairing(privateHalves, publicHalves)
        var pairs = CertificatePairing(keys: halves.keys(), certificates)
        var (keys, lone) = pairs.result()
        keys.sort { Self.isBefore($0.privateKey ?? $0.publicKey, $1.privateKey ?? $1.publicKey) }
        lone.sort { Self.isBefore($0.record, $1.record) }
        return (keys, lone)
    }

    private static func isBefore(_ left: ObjectRecord?, _ right: ObjectRecord?) -> Bool {
        guard let left, let right else { return false }
        if left.labelBytes != right.labelBytes {
            return left.labelBytes.lexicographicallyPrecedes(right.labelBytes)
        }
        if left.id != right.id { return left.id.lexicographicallyPrecedes(right.id) }
        return left.handle.rawValue < right.handle.rawValue
    }
}

/// Pairs private with public keys.
private struct HalfPairing {
    private let privates: [Pairing.Half]
    private let publics: [Pairing.Half]
    /// For each private half, the index of its public half.
    private var partners: [Int?]
    private var isTaken: [Bool]

    init(_ privates: [Pairing.Half], _ publics: [Pairing.Half]) {
        self.privates = privates
        self.publics = publics
        partners = Array(repeating: nil, count: privates.count)
        isTaken = Array(repeating: false, count: publics.count)
    }

    /// The attributes that two halves must share.
    private struct Link: Hashable {
        var id: [UInt8]?
        var label: [UInt8]?
        var value: PublicKey?
        var type: KeyType?
    }

    mutating func keys() -> [KeyEntry] {
        func withID(_ half: Pairing.Half, _ link: Link) -> Link? {
            half.record.id.isEmpty ? nil : link
        }
        pairTwins { half in
            half.value.flatMap {
                withID(half, Link(id: half.record.id, label: half.record.labelBytes, value: $0))
            }
        }
        pairTwins { half in
            half.value.flatMap { withID(half, Link(id: half.record.id, value: $0)) }
        }
        pairOnlyOnes {
            withID($0, Link(id: $0.record.id, label: $0.record.labelBytes))
        }
        pairOnlyOnes {
            withID($0, Link(id: $0.record.id, label: $0.record.labelBytes, type: $0.type))
        }
        pairOnlyOnes { withID($0, Link(id: $0.record.id)) }
        pairOnlyOnes { withID($0, Link(id: $0.record.id, type: $0.type)) }
        pairTwins { half in
            half.value.map { Link(label: half.record.labelBytes, value: $0) }
        }
        pairTwins { $0.value.map { Link(value: $0) } }
        for byType in [false, true] {
            pairOnlyOnes { half in
                half.record.labelBytes.isEmpty
                    ? nil : Link(label: half.record.labelBytes, type: byType ? half.type : nil)
            }
        }
        return entries()
    }

    /// The unpaired halves, grouped by shared attributes.
    private func groups(_ link: (Pairing.Half) -> Link?) -> [(privates: [Int], publics: [Int])] {
        var groups: [Link: (privates: [Int], publics: [Int])] = [:]
        for index in publics.indices where !isTaken[index] {
            if let link = link(publics[index]) {
                groups[link, default: ([], [])].publics.append(index)
            }
        }
        for index in privates.indices where partners[index] == nil {
            if let link = link(privates[index]) {
                groups[link, default: ([], [])].privates.append(index)
            }
        }
        return groups.values.filter { !$0.privates.isEmpty && !$0.publics.isEmpty }
    }

    /// Pairs halves with the same public key; if there are several, any of them will do.
    private mutating func pairTwins(_ link: (Pairing.Half) -> Link?) {
        for group in groups(link) {
            // Halves with different ids are not paired: someone assigned the ids deliberately.
            let withoutID = group.publics.filter { publics[$0].record.id.isEmpty }
            let withID = group.publics.filter { !publics[$0].record.id.isEmpty }
            var bare = withoutID[...]
            var named = withID[...]
            for index in group.privates where privates[index].record.id.isEmpty {
                if let half = bare.popFirst() ?? named.popFirst() { pair(index, half) }
            }
            for index in group.privates where !privates[index].record.id.isEmpty {
                let id = privates[index].record.id
                if let half = named.first, publics[half].record.id == id {
                    named.removeFirst()
                    pair(index, half)
                } else if let half = bare.popFirst() {
                    pair(index, half)
                }
            }
        }
    }

    /// Pairs halves that are the only two with the shared attributes.
    private mutating func pairOnlyOnes(_ link: (Pairing.Half) -> Link?) {
        for group in groups(link) where group.privates.count == 1 && group.publics.count == 1 {
            let (left, right) = (privates[group.privates[0]], publics[group.publics[0]])
            let idsAllow =
                left.record.id.isEmpty || right.record.id.isEmpty
                || left.record.id == right.record.id
            guard idsAllow, Self.mayBelongTogether(left, right) else { continue }
            pair(group.privates[0], group.publics[0])
        }
    }

    private static func mayBelongTogether(_ left: Pairing.Half, _ right: Pairing.Half) -> Bool {
        if let one = left.value, let other = right.value { return one == other }
        if let one = left.type, let other = right.type, one != other { return false }
        return mayBeOneKind(left.kind, right.kind)
    }

    private mutating func pair(_ privateHalf: Int, _ publicHalf: Int) {
        partners[privateHalf] = publicHalf
        isTaken[publicHalf] = true
    }

    private func entries() -> [KeyEntry] {
        var keys: [KeyEntry] = []
        for (index, half) in privates.enumerated() {
            var key = KeyEntry()
            let partner = partners[index].map { publics[$0] }
            key.privateKey = half.record
            key.publicKey = partner?.record
            key.value = partner?.value ?? half.value
            key.isValueFromPrivateKey = half.value != nil
            key.privateKind = half.kind
            key.kind = key.value?.kind ?? partner?.kind ?? half.kind
            key.type = half.type ?? partner?.type
            key.protection = half.protection
            keys.append(key)
        }
        for (index, half) in publics.enumerated() where !isTaken[index] {
            var key = KeyEntry()
            key.publicKey = half.record
            key.value = half.value
            key.kind = half.kind
            key.type = half.type
            keys.append(key)
        }
        return keys
    }
}

/// Pairs certificates with keys.
private struct CertificatePairing {
    private typealias Open = (entry: CertificateEntry, key: PublicKey)

    private var keys: [KeyEntry]
    /// Certificates whose key has not been found yet.
    private var open: [Open] = []
    private var lone: [CertificateEntry] = []

    init(keys: [KeyEntry], _ certificates: [(entry: CertificateEntry, key: PublicKey?)]) {
        self.keys = keys
        for (entry, key) in certificates {
            if let key { open.append((entry, key)) } else { lone.append(entry) }
        }
    }

    mutating func result() -> ([KeyEntry], [CertificateEntry]) {
        attachByValue()
        learn(by: { $0.ids }, { $0.record.id })
        attachByValue()
        learn(by: { $0.labels }, { $0.record.id.isEmpty ? $0.record.labelBytes : [] })
        attachByValue()
        attachMismatches()
        return (keys, lone + open.map(\.entry))
    }

    private struct ValueAndName: Hashable {
        let value: PublicKey
        let name: [UInt8]
    }

    /// Unpaired halves can make several keys with one public key. The key with the certificate's id
    /// is used, then one with its label, then one with a private half.
    private mutating func attachByValue() {
        guard !open.isEmpty else { return }
        var byID: [ValueAndName: Int] = [:]
        var byLabel: [ValueAndName: Int] = [:]
        var withPrivateHalf: [PublicKey: Int] = [:]
        var any: [PublicKey: Int] = [:]
        for (index, key) in keys.enumerated() {
            guard let value = key.value else { continue }
            for id in key.ids { byID[ValueAndName(value: value, name: id)] = index }
            if any[value] == nil { any[value] = index }
            guard key.privateKey != nil else { continue }
            if withPrivateHalf[value] == nil { withPrivateHalf[value] = index }
            for label in key.labels {
                byLabel[ValueAndName(value: value, name: label)] = index
            }
        }
        var left: [Open] = []
        for (entry, key) in open {
            let place =
                byID[ValueAndName(value: key, name: entry.record.id)]
                ?? byLabel[ValueAndName(value: key, name: entry.record.labelBytes)]
                ?? withPrivateHalf[key] ?? any[key]
            if let place {
                keys[place].certificates.append(entry)
            } else {
                left.append((entry, key))
            }
        }
        open = left
    }

    /// Assigns certificates to the only key with their name and an unreadable public key, if all of
    /// them have the same public key.
    private mutating func learn(
        by names: (KeyEntry) -> Set<[UInt8]>, _ name: (CertificateEntry) -> [UInt8]
    ) {
        var places: [[UInt8]: [SeenKind: [Int]]] = [:]
        for (index, key) in keys.enumerated() where key.value == nil {
            for name in names(key) {
                places[name, default: [:]][key.seenKind, default: []].append(index)
            }
        }
        guard !places.isEmpty else { return }
        var found: [Int: (value: PublicKey, isUnique: Bool)] = [:]
        let targets = open.map { (entry, key) -> Int? in
            guard let kinds = places[name(entry)] else { return nil }
            let fitting = kinds.filter { $0.key.mayBe(key.kind) }.values
            guard fitting.count == 1, let group = fitting.first, group.count == 1 else {
                return nil
            }
            if let other = found[group[0]] {
                found[group[0]] = (other.value, other.isUnique && other.value == key)
            } else {
                found[group[0]] = (key, true)
            }
            return group[0]
        }
        var left: [Open] = []
        for (certificate, target) in zip(open, targets) {
            guard let target, let match = found[target], match.isUnique else {
                left.append(certificate)
                continue
            }
            keys[target].value = match.value
            keys[target].isValueFromCertificate = true
            keys[target].kind = match.value.kind
            keys[target].certificates.append(certificate.entry)
        }
        open = left
    }

    /// Marks a certificate as a mismatch of the key with its id if every key with that id differs.
    private mutating func attachMismatches() {
        struct Place {
            var index: Int
            var hasPrivateHalf = false
            /// The kinds of the keys with an unreadable public key.
            var kinds: Set<SeenKind> = []
            /// The kinds of the keys with a readable public key.
            var knownKinds: Set<KeyKind> = []
        }
        var places: [[UInt8]: Place] = [:]
        for (index, key) in keys.enumerated() {
            for id in key.ids {
                var place = places[id] ?? Place(index: index)
                if !place.hasPrivateHalf, key.privateKey != nil {
                    (place.index, place.hasPrivateHalf) = (index, true)
                }
                if let value = key.value {
                    place.knownKinds.insert(value.kind)
                } else {
                    place.kinds.insert(key.seenKind)
                }
                places[id] = place
            }
        }
        var left: [Open] = []
        for (entry, key) in open {
            if let place = places[entry.record.id],
                !place.kinds.contains(where: { $0.mayBe(key.kind) }),
                place.knownKinds.allSatisfy({ tellsKeysApart($0, key.kind) })
            {
                keys[place.index].mismatchedCertificates.append(entry)
            } else {
                left.append((entry, key))
            }
        }
        open = left
    }
}

/// What is known about a key whose public key is not readable.
struct SeenKind: Hashable {
    /// `CKA_KEY_TYPE`, or nil.
    let type: KeyType?
    /// Its kind, as far as type and curve determine it.
    let kind: KeyKind?

    /// Whether the public key can be of this kind.
    func mayBe(_ kind: KeyKind) -> Bool {
        let typeAllows =
            switch kind {
            case .rsa: type == nil || type == .rsa
            // Some modules also report CKK_EC for Edwards curves.
            case .ec, .ed25519: type == nil || type == .ec || type == .ecEdwards
            case .other: true
            }
        return typeAllows && mayBeOneKind(self.kind, kind)
    }
}

/// Whether keys of two kinds can be the same key, as far as the kinds are known.
func mayBeOneKind(_ one: KeyKind?, _ other: KeyKind?) -> Bool {
    switch (one, other) {
    case (nil, _), (_, nil), (.other?, _), (_, .other?): true
    case (.rsa(let bits)?, .rsa(let otherBits)?): bits == 0 || otherBits == 0 || bits == otherBits
    default: one == other
    }
}

/// Whether unequal public keys of two kinds are certainly different keys. With an unknown
/// algorithm, one key may have several encodings.
func tellsKeysApart(_ one: KeyKind, _ other: KeyKind) -> Bool {
    switch (one, other) {
    case (.other(let name), .other(let otherName)): name == otherName && !name.isEmpty
    case (.other, _), (_, .other): false
    default: true
    }
}
