internal import Cryptoki
internal import OpenSSLX509

/// Brings keys and certificates together as they come out of a token, in any order.
struct Pairing {
    private var keys: [KeyEntry] = []
    /// Where keys stand in ``keys``, by their value.
    private var byValue: [PublicKey: [Int]] = [:]
    /// Where keys stand, by their id.
    private var byID: [[UInt8]: [Int]] = [:]
    private var certificates: [(entry: CertificateEntry, key: PublicKey?)] = []

    mutating func add(key record: ObjectRecord, _ value: PublicKey?, _ kind: KeyKind?) {
        let index = place(of: record, value) ?? keys.count
        if index == keys.count { keys.append(KeyEntry()) }
        if record.objectClass == .privateKey {
            keys[index].privateKey = record
        } else {
            keys[index].publicKey = record
        }
        if let value {
            keys[index].value = value
            keys[index].kind = value.kind
            if !(byValue[value]?.contains(index) ?? false) {
                byValue[value, default: []].append(index)
            }
        } else if keys[index].kind == nil {
            keys[index].kind = kind
        }
        if !record.id.isEmpty, !(byID[record.id]?.contains(index) ?? false) {
            byID[record.id, default: []].append(index)
        }
    }

    /// The entry that has the other half of a key: by value, or by id where one of the halves does
    /// not tell its value.
    private func place(of record: ObjectRecord, _ value: PublicKey?) -> Int? {
        let isFree: (Int) -> Bool = { index in
            record.objectClass == .privateKey
                ? keys[index].privateKey == nil : keys[index].publicKey == nil
        }
        if let value,
            let index = byValue[value]?.first(where: { isFree($0) && keys[$0].id == record.id })
        {
            return index
        }
        return byID[record.id]?.first { index in
            isFree(index) && (value == nil || keys[index].value == nil)
        }
    }

    mutating func add(certificate entry: CertificateEntry, _ key: PublicKey?) {
        certificates.append((entry, key))
    }

    /// The key that a certificate is for: the one with its id where several halves are apart, else
    /// one whose private half is there.
    private func place(of entry: CertificateEntry, _ key: PublicKey) -> Int? {
        let places = byValue[key] ?? []
        return places.first { keys[$0].id == entry.record.id }
            ?? places.first { keys[$0].privateKey != nil } ?? places.first
    }

    /// The keys with their certificates, and the certificates without keys; both by label and id.
    consuming func result() -> ([KeyEntry], [CertificateEntry]) {
        var lone: [CertificateEntry] = []
        for (entry, key) in certificates {
            if let key, let index = place(of: entry, key) {
                keys[index].certificates.append(entry)
            } else if key != nil, let index = byID[entry.record.id]?.first {
                if keys[index].value == nil {
                    keys[index].certificates.append(entry)
                } else {
                    keys[index].mismatchedCertificates.append(entry)
                }
            } else {
                lone.append(entry)
            }
        }
        keys.sort { ($0.label, hexadecimal($0.id)) < ($1.label, hexadecimal($1.id)) }
        lone.sort {
            ($0.record.label, hexadecimal($0.record.id))
                < ($1.record.label, hexadecimal($1.record.id))
        }
        return (keys, lone)
    }
}
