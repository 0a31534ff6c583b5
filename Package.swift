// swift-tools-version: 6.2

import PackageDescription

// What only the programs need is behind a trait: a client of the libraries that says `traits: []`
// fetches swift-log and nothing else.
let program: TargetDependencyCondition? = .when(traits: ["Program"])

/// The HTTPS server of the stand-in CA, with nothing that the stand-in does not use.
let hummingbird: [Target.Dependency] = [
    .product(name: "Hummingbird", package: "hummingbird", condition: program),
    .product(name: "HummingbirdTLS", package: "hummingbird", condition: program),
    // For a connection that breaks before any answer.
    .product(name: "NIOCore", package: "swift-nio", condition: program),
    .product(name: "NIOHTTPTypes", package: "swift-nio-extras", condition: program),
]

let argumentParser: Target.Dependency = .product(
    name: "ArgumentParser", package: "swift-argument-parser", condition: program)
let database: Target.Dependency = .product(
    name: "GRDB", package: "GRDB.swift", condition: program)
let system: Target.Dependency = .product(
    name: "SystemPackage", package: "swift-system", condition: program)
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")

let package = Package(
    name: "tokencert",
    platforms: [.macOS(.v15)],
    products: [
        .executable(name: "tokencert", targets: ["tokencert"]),
        .executable(name: "cacert-standin", targets: ["cacert-standin"]),
        .library(name: "Cryptoki", targets: ["Cryptoki", "TokencertPlatform"]),
        .library(name: "OpenSSLX509", targets: ["OpenSSLX509"]),
    ],
    traits: [
        .default(enabledTraits: ["Program"]),
        .trait(name: "Program", description: "The programs tokencert and cacert-standin."),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
        .package(url: "https://github.com/apple/swift-system", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
        .package(url: "https://github.com/apple/swift-nio-extras", from: "1.35.0"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(
            url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.0", traits: []),
    ],
    // A module that is no product has a name that no client has: the names of all targets in a
    // package graph are unique.
    targets: [
        // The C libraries. One target imports each; the authority for tests imports OpenSSL as well,
        // and the tests of Cryptoki the types of PKCS#11.
        .systemLibrary(
            name: "CTokencertP11Kit", path: "Sources/CP11Kit", pkgConfig: "p11-kit-1",
            providers: [.apt(["libp11-kit-dev"]), .brew(["p11-kit"])]),
        .systemLibrary(
            name: "CTokencertOpenSSL", path: "Sources/COpenSSL", pkgConfig: "libcrypto",
            providers: [.apt(["libssl-dev"]), .brew(["openssl@3"])]),
        // Loaded when it is needed, so that nothing of it is linked.
        .systemLibrary(
            name: "CTokencertCurl", path: "Sources/CCurl",
            providers: [.apt(["libcurl4-openssl-dev"]), .brew(["curl"])]),

        // Files that survive a loss of power, processes, the terminal, and the secrets that pass
        // through them.
        .target(name: "TokencertPlatform", path: "Sources/Platform"),

        // A token, a certificate, a CA over HTTPS, and a ledger.
        .target(
            name: "Cryptoki", dependencies: ["CTokencertP11Kit", "TokencertPlatform", logging]),
        .target(name: "OpenSSLX509", dependencies: ["CTokencertOpenSSL"]),
        .target(
            name: "TokencertHTTP", dependencies: ["CTokencertCurl", "TokencertPlatform"],
            path: "Sources/CurlHTTP"),
        .target(
            name: "TokencertLedger",
            dependencies: ["OpenSSLX509", "TokencertPlatform", database], path: "Sources/Ledger"),

        // What a token can do and what is on it; orders; commands.
        .target(
            name: "TokencertTokens", dependencies: ["Cryptoki", "OpenSSLX509"],
            path: "Sources/Tokens",
            // In the code itself: the program is one file.
            resources: [.embedInCode("Profiles/BuiltIn")]),
        .target(
            name: "TokencertIssuance",
            dependencies: [
                "Cryptoki", "OpenSSLX509", "TokencertTokens", "TokencertLedger",
                "TokencertPlatform",
            ], path: "Sources/Issuance"),
        .target(
            name: "TokencertCAcert",
            dependencies: [
                "OpenSSLX509", "TokencertTokens", "TokencertIssuance", "TokencertLedger",
                "TokencertPlatform",
            ], path: "Sources/CAcert"),
        .target(
            name: "TokencertCommands",
            dependencies: [
                "Cryptoki", "OpenSSLX509", "TokencertCAcert", "TokencertHTTP",
                "TokencertTokens", "TokencertIssuance", "TokencertLedger", "TokencertPlatform",
                argumentParser, logging, system,
            ], path: "Sources/Commands"),
        .executableTarget(
            name: "tokencert", dependencies: ["TokencertCommands", "TokencertPlatform"]),

        // A CA that behaves as CAcert does.
        .target(
            name: "TokencertStandInCA", dependencies: [logging] + hummingbird,
            path: "Sources/StandInCA"),
        .executableTarget(
            name: "cacert-standin", dependencies: ["TokencertStandInCA", argumentParser]),

        // Issues certificates for tests. Nothing that is not a test depends on it.
        .target(
            name: "TokencertTestAuthority", dependencies: ["CTokencertOpenSSL", "OpenSSLX509"],
            path: "Sources/TestAuthority"),

        // Tests, most of them on real parts.
        .target(
            name: "TokencertTestSupport", dependencies: ["TokencertLedger"],
            path: "Tests/TestSupport",
            exclude: ["objects.py", "validate.py"]),
        .target(
            name: "TokencertFuzz",
            dependencies: [
                "Cryptoki", "OpenSSLX509", "TokencertCAcert", "TokencertTokens",
                "TokencertIssuance",
                "TokencertLedger", "TokencertPlatform",
            ], path: "Tests/Fuzz", exclude: ["README.md", "run", "corpus"]),
        .testTarget(
            name: "PlatformTests", dependencies: ["TokencertPlatform", "TokencertTestSupport"]),
        .testTarget(
            name: "LedgerTests",
            dependencies: ["TokencertLedger", "TokencertTestSupport", "tokencert", database],
            exclude: ["Ledgers"]),
        .testTarget(
            name: "CryptokiTests",
            dependencies: [
                "CTokencertP11Kit", "Cryptoki", "TokencertPlatform", "TokencertTestSupport",
            ]),
        .testTarget(
            name: "OpenSSLX509Tests",
            dependencies: ["OpenSSLX509", "TokencertTestAuthority", "TokencertTestSupport"]),
        .testTarget(
            name: "CurlHTTPTests",
            dependencies: [
                "TokencertHTTP", "TokencertPlatform", "TokencertTestSupport", "cacert-standin",
            ]),
        .testTarget(
            name: "CAcertTests",
            dependencies: [
                "Cryptoki", "OpenSSLX509", "TokencertCAcert", "TokencertTokens",
                "TokencertIssuance", "TokencertLedger", "TokencertPlatform",
                "TokencertTestAuthority", "TokencertTestSupport",
            ]),
        .testTarget(
            name: "TokensTests",
            dependencies: [
                "Cryptoki", "OpenSSLX509", "TokencertTokens", "TokencertPlatform",
                "TokencertTestAuthority", "TokencertTestSupport",
            ]),
        .testTarget(
            name: "IssuanceTests",
            dependencies: [
                "Cryptoki", "OpenSSLX509", "TokencertCAcert", "TokencertTokens",
                "TokencertIssuance", "TokencertLedger", "TokencertPlatform",
                "TokencertTestAuthority", "TokencertTestSupport", database,
            ]),
        .testTarget(
            name: "StandInCATests",
            dependencies: ["TokencertStandInCA", "TokencertTestSupport", "cacert-standin"]),
        .testTarget(
            name: "CommandsTests",
            dependencies: [
                "Cryptoki", "OpenSSLX509", "TokencertCAcert", "TokencertCommands", "TokencertHTTP",
                "TokencertTokens", "TokencertIssuance", "TokencertLedger", "TokencertPlatform",
                "TokencertTestAuthority", "TokencertTestSupport", "cacert-standin", "tokencert",
            ],
            exclude: ["Snapshots"]),
        .testTarget(
            name: "SweepTests",
            dependencies: [
                "TokencertLedger", "TokencertTestSupport", "cacert-standin", "tokencert",
            ]),
        .testTarget(
            name: "ModulesTests",
            dependencies: ["TokencertTestSupport", "cacert-standin", "tokencert"]),
        // The complete examples of the libraries' documentation.
        .testTarget(
            name: "ExamplesTests",
            dependencies: [
                "Cryptoki", "OpenSSLX509", "TokencertPlatform", "TokencertTestAuthority",
                "TokencertTestSupport",
            ]),
        .testTarget(
            name: "MisuseTests",
            dependencies: ["Cryptoki", "TokencertPlatform", "TokencertTestSupport"],
            exclude: ["Cases"]),
    ],
    swiftLanguageModes: [.v6]
)

// One loop for all: no target has rules of its own.
for target in package.targets where target.type != .system {
    target.swiftSettings = [
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("InternalImportsByDefault"),
        .enableUpcomingFeature("MemberImportVisibility"),
        .strictMemorySafety(),
    ]
    if Context.environment["TOKENCERT_STRICT"] != nil {
        target.swiftSettings?.append(.treatAllWarnings(as: .error))
    }
}
