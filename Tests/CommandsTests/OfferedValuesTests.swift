import Foundation
import Testing
import TokencertTestSupport

@testable import TokencertCommands

/// What a shell is offered of the tokens that modules show.
@Suite struct OfferedValuesTests {
    private static func token(_ label: String?, _ serialNumber: String) -> ShownToken {
        ShownToken(
            label: label, serialNumber: serialNumber,
            uri: "pkcs11:model=Soft;serial=\(serialNumber);token=\(label ?? "%FF")", objects: nil)
    }

    // Otherwise the name that was completed would be refused as ambiguous.
    @Test("A token is offered by a name that only this token has")
    func tokens() {
        let tokens = [
            Self.token("work", "1"), Self.token("twice", "2"), Self.token("twice", "3"),
            Self.token(nil, "4"), Self.token("none", ""), Self.token("none", ""),
            Self.token("-x", "5"), Self.token("pkcs11:", "6"),
        ]
        let uri = "pkcs11:model=Soft;serial=;token=none"
        #expect(ShownToken.names(of: tokens) == ["work", "2", "3", "4", uri, uri, "5", "6"])
    }

    // Otherwise objects of other tokens would be offered.
    @Test("--token selects a shown token by label, serial number or any part of its URI")
    func namedTokens() {
        let token = Self.token("work", "1")
        for (name, isNamed) in [
            ("work", true), ("1", true), ("wor", false), ("", false), ("pkcs11:token=work", true),
            ("pkcs11:serial=1;token=work", true), ("pkcs11:token=home", false),
            ("pkcs11:serial=1;token=home", false), ("pkcs11:token=work;slot-id=7", true),
            ("pkcs11:token=work?module-name=soft", true), ("pkcs11:to ken", false),
        ] {
            #expect(token.isNamed(name) == isNamed, "\(name)")
        }
    }

    @Test(
        "An object is offered by its short name, or by its URIs"
    )
    func objects() {
        let objects = [
            ShownObject(name: "mail", uris: ["pkcs11:object=mail"], keyURI: nil),
            ShownObject(name: nil, uris: ["pkcs11:id=%01"], keyURI: nil),
        ]
        let uris = ["pkcs11:object=mail", "pkcs11:id=%01"]
        for (begun, offered) in [
            ("", ["mail", uris[1]]), ("m", ["mail", uris[1]]), ("p", ["mail", uris[1]]),
            ("pk", ["mail"] + uris), ("pkcs11:", uris), ("pkcs11:ob", uris),
        ] {
            let names = OfferedValues.names(of: objects, begun, uris: \.uris)
            #expect(names == offered, "\(begun)")
        }
    }
}

/// The file in which completion keeps what a module has shown.
@Suite struct ModuleCacheTests {
    private let folder: TemporaryFolder
    private let tokens = [
        ShownToken(
            label: "a\u{7F}\"\n", serialNumber: "1", uri: "pkcs11:token=a",
            objects: [ShownObject(name: "mail", uris: ["pkcs11:object=mail"], keyURI: nil)])
    ]

    init() throws { folder = try TemporaryFolder() }

    private func cache(_ module: String = "m", _ configuration: String = "c") -> ModuleCache {
        ModuleCache(folder: folder.path, module: [module], configuration: [configuration])
    }

    // Otherwise a removed token would be offered, or a module started at each Tab.
    @Test("An entry counts for a minute, for its module and its configuration only")
    func lifetime() throws {
        try cache().write(started: 1000, tokens: tokens)
        for (time, isThere) in [(999, false), (1000, true), (1060, true), (1061, false)] {
            #expect((cache().entry(at: Int64(time)) != nil) == isThere, "\(time)")
        }
        #expect(cache().entry(at: 1000)?.tokens == tokens)
        #expect(cache("other").entry(at: 1000) == nil)
        #expect(cache("m", "changed").entry(at: 1000) == nil)
        try cache().write(started: 2000, tokens: nil)
        #expect(cache().entry(at: 2000)?.started == 2000)
        #expect(cache().entry(at: 2000)?.tokens == nil)
    }

    // Otherwise another user could choose the names that are completed.
    @Test("A damaged or foreign file is ignored and replaced")
    func foreign() throws {
        let path = cache().path
        let manager = FileManager.default
        for damage in ["", "{}", "[1", #"{"key":"x","started":-9223372036854775808}"#] {
            try Data(damage.utf8).write(to: URL(filePath: path))
            #expect(cache().entry(at: 1000) == nil, "\(damage)")
            try cache().write(started: 1000, tokens: tokens)
            #expect(cache().entry(at: 1000) != nil, "\(damage)")
        }
        #expect(try manager.attributesOfItem(atPath: path)[.posixPermissions] as? Int == 0o600)
        try manager.setAttributes([.posixPermissions: 0o666], ofItemAtPath: path)
        #expect(cache().entry(at: 1000) == nil)
        try cache().write(started: 1000, tokens: tokens)
        #expect(cache().entry(at: 1000) != nil)
        try manager.setAttributes([.posixPermissions: 0o777], ofItemAtPath: folder.path)
        #expect(cache().entry(at: 1000) == nil)
    }
}
