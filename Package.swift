// swift-tools-version: 6.2

import PackageDescription

// The dependencies of the programs are behind a trait: a client of the libraries that sets
// `traits: []` fetches only swift-log.
let program: TargetDependencyCondition? = .when(traits: ["Program"])

/// The HTTPS server of the stand-in CA.
let hummingbird: [Target.Dependency] = [
    .product(name: "Hummingbird", package: "hummingbird", condition: program),
    .product(name: "HummingbirdTLS", package: "hummingbird", condition: program),
    // Required to close a connection before any answer.
    .product(name: "NIOCore", package: "swift-nio", condition: program),
    .product(name: "NIOHTTPTypes", package: "swift-nio-extras", condition: program),
]

let argumentParser: Target.Dependency = .product(
    name: "ArgumentParser", package: "swift-argument-parser", condition: program)
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
        .package(
            url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.0", traits: []),
    ],
    // Target names must be unique in a package graph, so internal modules have Tokencert in their
    // names.
    targets: [
        // C libraries. One target imports each; the test authority also imports OpenSSL, and the
        // tests of Cryptoki the types of PKCS#11.
        .systemLibrary(
            name: "CTokencertP11Kit", path: "Sources/CP11Kit", pkgConfig: "p11-kit-1",
            providers: [.apt(["libp11-kit-dev"]), .brew(["p11-kit"])]),
        .systemLibrary(
            name: "CTokencertOpenSSL", path: "Sources/COpenSSL", pkgConfig: "libcrypto",
            providers: [.apt(["libssl-dev"]), .brew(["openssl@3"])]),
        .systemLibrary(
            name: "CTokencertSQLite", path: "Sources/CSQLite", pkgConfig: "sqlite3",
            providers: [.apt(["libsqlite3-dev"]), .brew(["sqlite"])]),
        // Loaded at run time when it is needed, so it is not linked.
        .systemLibrary(
            name: "CTokencertCurl", path: "Sources/CCurl",
            providers: [.apt(["libcurl4-openssl-dev"]), .brew(["curl"])]),

        // Durable files, processes, the terminal and secrets.
        .target(name: "TokencertPlatform", path: "Sources/Platform"),

        // PKCS#11, X.509, HTTPS and the ledger.
        .target(
            name: "Cryptoki", dependencies: ["CTokencertP11Kit", "TokencertPlatform", logging]),
        .target(name: "OpenSSLX509", dependencies: ["CTokencertOpenSSL"]),
        .target(
            name: "TokencertHTTP", dependencies: ["CTokencertCurl", "TokencertPlatform"],
            path: "Sources/CurlHTTP"),
        .target(
            name: "TokencertSQLite", dependencies: ["CTokencertSQLite"], path: "Sources/SQLite"),
        .target(
            name: "TokencertLedger",
            dependencies: ["OpenSSLX509", "TokencertPlatform", "TokencertSQLite"],
            path: "Sources/Ledger"),

        // Tokens, orders, the CAs and the commands.
        .target(
            name: "TokencertTokens", dependencies: ["Cryptoki", "OpenSSLX509"],
            path: "Sources/Tokens",
            // Embedded, so that the program is a single file.
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
            name: "TokencertCommandCA",
            dependencies: [
                "OpenSSLX509", "TokencertIssuance", "TokencertLedger", "TokencertPlatform",
            ], path: "Sources/CommandCA"),
        // Other programs that use a certificate on a token.
        .target(
            name: "TokencertConsumers", dependencies: ["OpenSSLX509", "TokencertPlatform"],
            path: "Sources/Consumers"),
        .target(
            name: "TokencertCommands",
            dependencies: [
                "Cryptoki", "OpenSSLX509", "TokencertCAcert", "TokencertCommandCA",
                "TokencertConsumers", "TokencertHTTP",
                "TokencertTokens", "TokencertIssuance", "TokencertLedger", "TokencertPlatform",
                argumentParser, logging, system,
            ], path: "Sources/Commands", resources: [.embedInCode("Completion/JoinedWords.bash")]),
        .executableTarget(
            name: "tokencert", dependencies: ["TokencertCommands", "TokencertPlatform"]),

        // A CA that behaves like CAcert.
        .target(
            name: "TokencertStandInCA", dependencies: ["CTokencertOpenSSL", logging] + hummingbird,
            path: "Sources/StandInCA"),
        .executableTarget(
            name: "cacert-standin", dependencies: ["TokencertStandInCA", argumentParser]),

        // Issues certificates for tests. Only tests depend on it.
        .target(
            name: "TokencertTestAuthority", dependencies: ["CTokencertOpenSSL", "OpenSSLX509"],
            path: "Sources/TestAuthority"),

        // Tests, most of them with real modules and a stand-in CA.
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
            dependencies: [
                "CTokencertSQLite", "TokencertLedger", "TokencertSQLite",
                "TokencertTestSupport", "tokencert",
            ],
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
            name: "CommandCATests",
            dependencies: [
                "OpenSSLX509", "TokencertCommandCA", "TokencertIssuance", "TokencertLedger",
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
                "TokencertSQLite", "TokencertTestAuthority", "TokencertTestSupport",
            ]),
        .testTarget(
            name: "StandInCATests",
            dependencies: ["TokencertStandInCA", "TokencertTestSupport", "cacert-standin"]),
        .testTarget(
            name: "CommandsTests",
            dependencies: [
                "Cryptoki", "OpenSSLX509", "TokencertCAcert", "TokencertCommandCA",
                "TokencertCommands", "TokencertHTTP",
                "TokencertTokens", "TokencertIssuance", "TokencertLedger", "TokencertPlatform",
                "TokencertTestAuthority", "TokencertTestSupport", "cacert-standin", "tokencert",
            ],
            exclude: ["Snapshots"]),
        .testTarget(
            name: "ConsumersTests",
            dependencies: [
                "OpenSSLX509", "TokencertConsumers", "TokencertPlatform",
                "TokencertTestAuthority", "TokencertTestSupport", "cacert-standin", "tokencert",
            ]),
        .testTarget(
            name: "SweepTests",
            dependencies: [
                "TokencertLedger", "TokencertTestSupport", "cacert-standin", "tokencert",
            ]),
        .testTarget(
            name: "ModulesTests",
            dependencies: ["TokencertTestSupport", "cacert-standin", "tokencert"]),
        // The complete examples in the documentation of the libraries.
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

// All targets have the same settings.
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
