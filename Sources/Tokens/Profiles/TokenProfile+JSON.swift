internal import Cryptoki
internal import FoundationEssentials
internal import OpenSSLX509

package struct TokenProfileError: Error, Sendable, CustomStringConvertible {
    /// What is wrong, as text for the user.
    package let description: String
}

extension TokenProfile {
    /// The built-in profiles, in the order in which they are tried.
    package static let builtIn: [TokenProfile] = [
        PackageResources.SoftHSM2_json, PackageResources.YKCS11_json,
        PackageResources.OpenSC_PIV_json, PackageResources.OpenSC_OpenPGP_json,
        PackageResources.OpenSC_SmartCard_HSM_json, PackageResources.OpenSC_PKCS15_json,
        PackageResources.TPM2_json, PackageResources.openCryptoki_json, PackageResources.NSS_json,
        PackageResources.YubiHSM2_json, PackageResources.NetHSM_json,
        PackageResources.CloudHSM_json, PackageResources.P11KitClient_json,
    ].compactMap { try? TokenProfile(builtIn: $0) }

    /// Decodes a built-in profile. Every command does this, so what ``init(json:)`` also checks is left
    /// to the tests.
    private init(builtIn bytes: [UInt8]) throws {
        self = try JSONDecoder().decode(TokenProfile.self, from: Data(bytes))
        keyKinds = try Self.canonicalNames(keyKinds)
    }

    /// Decodes a profile from JSON (UTF-8).
    ///
    /// - Throws: ``TokenProfileError`` also for an unknown property.
    package init(json bytes: [UInt8]) throws(TokenProfileError) {
        var profile: TokenProfile
        do {
            let decoder = JSONDecoder()
            let given = try decoder.decode(JSONShape.self, from: Data(bytes))
            if let null = given.nulls.sorted().first {
                throw TokenProfileError(description: "\"\(null)\" is null; leave it out")
            }
            profile = try decoder.decode(TokenProfile.self, from: Data(bytes))
            // The decoder ignores a misspelt property.
            let again = try decoder.decode(JSONShape.self, from: JSONEncoder().encode(profile))
            if let unknown = given.names.subtracting(again.names).sorted().first {
                throw TokenProfileError(description: "unknown property \"\(unknown)\"")
            }
        } catch let error as TokenProfileError {
            throw error
        } catch let DecodingError.keyNotFound(key, _) {
            throw TokenProfileError(description: "property \"\(key.stringValue)\" is missing")
        } catch let DecodingError.typeMismatch(_, context) where !context.codingPath.isEmpty {
            throw TokenProfileError(description: "\"\(Self.path(context))\" has the wrong type")
        } catch let DecodingError.dataCorrupted(context) where !context.codingPath.isEmpty {
            throw TokenProfileError(description: "\"\(Self.path(context))\" has an unknown value")
        } catch {
            throw TokenProfileError(description: "it is not a JSON object")
        }
        profile.keyKinds = try Self.canonicalNames(profile.keyKinds)
        try profile.requireConsistency()
        self = profile
    }

    /// The profile as formatted JSON with sorted keys.
    package func json() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(self), as: UTF8.self)
    }

    private static func path(_ context: DecodingError.Context) -> String {
        context.codingPath.map(\.stringValue).joined(separator: ".")
    }

    /// The canonical names of kinds of keys, however the file spells them.
    private static func canonicalNames(_ kinds: [String]?) throws(TokenProfileError) -> [String]? {
        guard let kinds else { return nil }
        var names: [String] = []
        for text in kinds {
            guard let kind = KeyKind(name: text) else {
                throw TokenProfileError(
                    description: "\"keyKinds\" has an unknown kind of key: \"\(text)\"")
            }
            names.append(kind.name)
        }
        return names
    }

    private func requireConsistency() throws(TokenProfileError) {
        let versions = [
            ("showsAllKeysSince", showsAllKeysSince),
            ("hidesLaterKeys.firmwareSince", hidesLaterKeys?.firmwareSince),
            ("hidesLaterKeys.libraryBefore", hidesLaterKeys?.libraryBefore),
        ]
        for (name, version) in versions {
            // Versions are compared number by number, and anything else would count as 0.
            let numbers = version?.split(separator: ".", omittingEmptySubsequences: false) ?? []
            guard numbers.allSatisfy({ UInt8($0) != nil }) else {
                throw TokenProfileError(description: "\"\(name)\" must be a version such as 5.30")
            }
        }
        for place in places ?? [] where bytes(hexadecimal: place.id) == nil {
            throw TokenProfileError(description: "\"\(place.id)\" is not a hexadecimal id")
        }
        let attributes =
            (omits?.publicKey ?? []) + (omits?.privateKey ?? []) + (omits?.certificate ?? [])
        for name in attributes where AttributeType(name: name) == nil {
            throw TokenProfileError(description: "unknown attribute \"\(name)\"")
        }
        let needed = ["CKA_CLASS", "CKA_VALUE", "CKA_TOKEN", "CKA_CERTIFICATE_TYPE", "CKA_ID"]
        if let name = (omits?.certificate ?? []).first(where: needed.contains) {
            throw TokenProfileError(description: "a certificate cannot omit \(name)")
        }
    }
}

/// The paths of all properties of a JSON text.
private struct JSONShape: Decodable {
    var names: Set<String> = []
    /// The properties that are null, and lists with a null element.
    var nulls: Set<String> = []

    private struct Name: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }

        init(stringValue: String) { self.stringValue = stringValue }

        init?(intValue: Int) { nil }
    }

    init(from decoder: any Decoder) throws {
        if let container = try? decoder.container(keyedBy: Name.self) {
            for key in container.allKeys {
                names.insert(key.stringValue)
                guard try !container.decodeNil(forKey: key) else {
                    nulls.insert(key.stringValue)
                    continue
                }
                let inner = try container.decode(JSONShape.self, forKey: key)
                names.formUnion(inner.names.map { key.stringValue + "." + $0 })
                nulls.formUnion(
                    inner.nulls.map { $0.isEmpty ? key.stringValue : key.stringValue + "." + $0 })
            }
        } else if var container = try? decoder.unkeyedContainer() {
            while !container.isAtEnd {
                guard try !container.decodeNil() else {
                    nulls.insert("")
                    continue
                }
                let inner = try container.decode(JSONShape.self)
                names.formUnion(inner.names)
                nulls.formUnion(inner.nulls)
            }
        }
    }
}
