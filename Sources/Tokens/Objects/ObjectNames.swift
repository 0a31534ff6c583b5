package import Cryptoki
import OpenSSLX509

/// The short names of the keys and certificates on a token: labels, `CKA_ID` in hexadecimal, and
/// serial numbers of certificates. The first four or more digits of an id or a serial number are a
/// name, too, if they fit nothing else and nothing has the name exactly.
package struct ObjectNames {
    /// What a name says about the objects that have it.
    package enum Reference: Sendable, Hashable {
        /// The bytes of `CKA_LABEL`.
        case label([UInt8])
        /// `CKA_ID`.
        case id([UInt8])
        /// A certificate's serial number in the form of `Certificate.serialNumber`.
        case serialNumber(String)
    }

    /// The fewest digits that may stand for a whole id or serial number.
    private static let fewestDigits = 4

    private let handles: [Reference: Set<ObjectHandle>]
    private let classes: [ObjectHandle: ObjectClass]
    private let ids: [String: [UInt8]]
    private let serialNumbers: Set<String>
    /// The keys, and the certificates without a key, that have a label or an id.
    private let owners: [Reference: Set<ObjectHandle>]

    /// Reads the names of everything in an inventory.
    package init(_ inventory: TokenInventory) {
        var handles: [Reference: Set<ObjectHandle>] = [:]
        var owners: [Reference: Set<ObjectHandle>] = [:]
        var classes: [ObjectHandle: ObjectClass] = [:]
        var ids: [String: [UInt8]] = [:]
        func references(_ record: ObjectRecord) -> [Reference] {
            (record.labelBytes.isEmpty ? [] : [.label(record.labelBytes)])
                + (record.id.isEmpty ? [] : [.id(record.id)])
        }
        func add(_ records: [ObjectRecord]) {
            var own: Set<Reference> = []
            for record in records {
                classes[record.handle] = record.objectClass
                for reference in references(record) {
                    handles[reference, default: []].insert(record.handle)
                    own.insert(reference)
                }
                if !record.id.isEmpty { ids[hexadecimal(record.id)] = record.id }
            }
            for reference in own { owners[reference, default: []].insert(records[0].handle) }
        }
        for key in inventory.keys {
            add(key.halves + key.certificates.map(\.record))
            for entry in key.mismatchedCertificates { add([entry.record]) }
        }
        for entry in inventory.certificates { add([entry.record]) }
        for entry in inventory.entries {
            guard let serialNumber = entry.content?.serialNumber else { continue }
            handles[.serialNumber(serialNumber), default: []].insert(entry.record.handle)
        }
        self.handles = handles
        self.owners = owners
        self.classes = classes
        self.ids = ids
        serialNumbers = Set(inventory.entries.compactMap { $0.content?.serialNumber })
    }

    /// What a name refers to: more than one reference if it is ambiguous, none if nothing has it.
    /// References to the same key or certificate count as one, and so do the halves of a key for
    /// the class of the objects, since one of them may be hidden.
    package func references(_ name: String, of type: ObjectClass? = nil) -> [Reference] {
        let digits = Self.digits(name)
        var exact: [Reference] = [.label(Array(name.utf8))]
        if let digits, let id = ids[digits] { exact.append(.id(id)) }
        if let number = Self.wholeSerialNumber(name) { exact.append(.serialNumber(number)) }
        let found = distinct(exact, type)
        guard found.isEmpty, let digits, digits.utf8.count >= Self.fewestDigits else {
            return found
        }
        return distinct(
            ids.keys.filter { $0.hasPrefix(digits) }.sorted().map { .id(ids[$0] ?? []) }
                + serialNumbers.filter { $0.hasPrefix(digits) }.sorted().map {
                    .serialNumber($0)
                }, type)
    }

    /// The handles of the objects that a reference leads to.
    package func handles(of reference: Reference) -> Set<ObjectHandle> {
        handles[reference] ?? []
    }

    /// Whether a name is only the beginning of an id or a serial number.
    package func isAbbreviated(_ name: String, of type: ObjectClass? = nil) -> Bool {
        let found = references(name, of: type)
        return !found.isEmpty
            && !found.contains { reference in
                switch reference {
                case .label: true
                case .id(let id): Self.digits(name) == hexadecimal(id)
                case .serialNumber(let number): Self.wholeSerialNumber(name) == number
                }
            }
    }

    /// The short name that refers to a key and to nothing else, or nil if only its URI does.
    package func name(of key: KeyEntry) -> String? {
        if let label = String(validating: key.labelBytes, as: UTF8.self),
            isName(label, of: .label(key.labelBytes))
        {
            return label
        }
        let id = hexadecimal(key.id)
        return isName(id, of: .id(key.id)) ? id : nil
    }

    /// The short name that refers to a certificate and to nothing else, or nil if there is none.
    package func name(of entry: CertificateEntry) -> String? {
        guard let number = entry.content?.serialNumber, !number.hasPrefix("-"),
            handles[.serialNumber(number)]?.count == 1,
            references(number) == [.serialNumber(number)]
        else { return nil }
        return number
    }

    /// Whether a name refers only to the objects with a reference, and can be typed in a command.
    private func isName(_ name: String, of reference: Reference) -> Bool {
        let untypable: [Unicode.GeneralCategory] = [
            .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .unassigned,
        ]
        let isTypable = name.unicodeScalars.allSatisfy {
            !untypable.contains($0.properties.generalCategory)
        }
        return isTypable && owners[reference]?.count == 1 && references(name) == [reference]
            && !name.hasPrefix("-") && !name.lowercased().contains("pkcs11:")
            && !name.lowercased().contains("pin-value")
    }

    /// The references that lead to something, without those that lead to the same key or certificate.
    private func distinct(_ references: [Reference], _ type: ObjectClass?) -> [Reference] {
        var seen: Set<Set<ObjectHandle>> = []
        return references.filter { reference in
            guard let handles = handles[reference], handles.contains(where: { has($0, type) })
            else { return false }
            return seen.insert(owners[reference] ?? handles).inserted
        }
    }

    private func has(_ handle: ObjectHandle, _ type: ObjectClass?) -> Bool {
        guard let type else { return true }
        return (classes[handle] == .certificate) == (type == .certificate)
    }

    /// A serial number that is written with all its digits: `2dd50d`, `2D:D5:0D` or `0x2dd50d`.
    private static func wholeSerialNumber(_ name: String) -> String? {
        guard let number = serialNumber(name) else { return nil }
        let digits = name.lowercased().filter { $0 != ":" }
        let written = digits.hasPrefix("0x") ? String(digits.dropFirst(2)) : digits
        // DER puts a byte of zeros before a number whose first bit is set.
        let isPadded = number.first.map { "89abcdef".contains($0) } ?? false
        let forms = [number, String(number.drop { $0 == "0" })] + (isPadded ? ["00" + number] : [])
        return forms.contains(written) ? number : nil
    }

    /// Hexadecimal digits in the form of an id, or nil if the name is anything else.
    private static func digits(_ name: String) -> String? {
        let digits = name.lowercased().filter { $0 != ":" }
        guard !digits.isEmpty, digits.unicodeScalars.allSatisfy(\.properties.isASCIIHexDigit)
        else { return nil }
        return digits
    }
}

/// A serial number in the form of `Certificate.serialNumber` (hexadecimal, lower case, two digits
/// per byte, no leading zeros, a minus sign if it is negative) from one as programs print it: in
/// either case, with a minus sign, `0x`, colons or spaces. nil if the text is anything else.
package func serialNumber(_ text: String) -> String? {
    var digits = text.lowercased().filter { $0 != ":" && !$0.isWhitespace }
    let isNegative = digits.hasPrefix("-")
    if isNegative { digits.removeFirst() }
    if digits.hasPrefix("0x") { digits.removeFirst(2) }
    guard !digits.isEmpty, digits.unicodeScalars.allSatisfy(\.properties.isASCIIHexDigit)
    else { return nil }
    let significant = String(digits.drop { $0 == "0" })
    if significant.isEmpty { return "00" }
    return (isNegative ? "-" : "")
        + (significant.count.isMultiple(of: 2) ? significant : "0" + significant)
}
