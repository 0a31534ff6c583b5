internal import Cryptoki
internal import OpenSSLX509

/// Brings keys and certificates together as they come out of a token, in any order.
struct Pairing {
    private struct Half {
        let record: ObjectRecord
        let value: PublicKey?
        let kind: KeyKind?
        let protection: KeyProtection?
    }

    private var privateKeys: [Half] = []
    private var publicKeys: [Half] = []
    private var certificates: [(entry: CertificateEntry, key: PublicKey?)] = []

    mutating func add(
        key record: ObjectRecord, _ value: PublicKey?, _ kind: KeyKind?,
        _ protection: KeyProtection?
    ) {
        let half = Half(
            record: record, value: value, kind: value?.kind ?? kind, protection: protection)
        if record.objectClass == .privateKey {
            privateKeys.append(half)
        } else {
            publicKeys.append(half)
        }
    }

    mutating func add(certificate entry: CertificateEntry, _ key: PublicKey?) {
        certificates.append((entry, key))
    }

    /// The keys with their certificates, and the certificates without keys; both by label and id.
    consuming func result() -> ([KeyEntry], [CertificateEntry]) {
        var keys = pairedKeys()
        let (byValue, byID) = Self.places(of: keys)
        var lone: [CertificateEntry] = []
        for (entry, key) in certificates {
            let places = key.flatMap { byValue[$0] } ?? []
            // The key with its id where halves are apart, else one whose private half is there.
            let place =
                places.first { keys[$0].id == entry.record.id }
                ?? places.first { keys[$0].privateKey != nil } ?? places.first
            if let place {
                keys[place].certificates.append(entry)
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

    /// Both halves of each key: first those that have the same id and label, then those that have
    /// the same id. Halves that tell different values are never one key.
    private func pairedKeys() -> [KeyEntry] {
        var keys = publicKeys.map { half in
            var key = KeyEntry()
            key.publicKey = half.record
            key.value = half.value
            key.kind = half.kind
            return key
        }
        let (_, byID) = Self.places(of: keys)
        var unpaired = privateKeys
        for needsLabel in [true, false] {
            var left: [Half] = []
            for half in unpaired {
                let place = byID[half.record.id]?.first { index in
                    keys[index].privateKey == nil
                        && (!needsLabel
                            || keys[index].publicKey?.labelBytes == half.record.labelBytes)
                        && (half.value == nil || keys[index].value == nil
                            || half.value == keys[index].value)
                }
                guard let place else {
                    left.append(half)
                    continue
                }
                keys[place].privateKey = half.record
                keys[place].protection = half.protection
                keys[place].value = keys[place].value ?? half.value
                keys[place].kind = keys[place].value?.kind ?? keys[place].kind ?? half.kind
            }
            unpaired = left
        }
        for half in unpaired {
            var key = KeyEntry()
            key.privateKey = half.record
            key.protection = half.protection
            key.value = half.value
            key.kind = half.kind
            keys.append(key)
        }
        return keys
    }

    private static func places(
        of keys: [KeyEntry]
    ) -> (byValue: [PublicKey: [Int]], byID: [[UInt8]: [Int]]) {
        var byValue: [PublicKey: [Int]] = [:]
        var byID: [[UInt8]: [Int]] = [:]
        for (index, key) in keys.enumerated() {
            if let value = key.value { byValue[value, default: []].append(index) }
            if !key.id.isEmpty { byID[key.id, default: []].append(index) }
        }
        return (byValue, byID)
    }
}
