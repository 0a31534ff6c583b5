// swift-tools-version: 6.2

import PackageDescription

/// The HTTPS server of the stand-in CA, with nothing that the stand-in does not use.
let hummingbird: [Target.Dependency] = [
    .product(name: "Hummingbird", package: "hummingbird"),
    .product(name: "HummingbirdTLS", package: "hummingbird"),
    // For a connection that breaks before any answer.
    .product(name: "NIOCore", package: "swift-nio"),
    .product(name: "NIOHTTPTypes", package: "swift-nio-extras"),
]

let argumentParser: Target.Dependency = .product(
    name: "ArgumentParser", package: "swift-argument-parser")
let system: Target.Dependency = .product(name: "SystemPackage", package: "swift-system")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")

let package = Package(
    name: "tokencert",
    platforms: [.macOS(.v15)],
    products: [
        .executable(name: "tokencert", targets: ["tokencert"]),
        .executable(name: "cacert-standin", targets: ["cacert-standin"]),
        .library(name: "Cryptoki", targets: ["Cryptoki", "Secrets"]),
        .library(name: "OpenSSLX509", targets: ["OpenSSLX509"]),
        // For tests only: a module that fails where it is told to.
        .library(name: "FaultyModule", type: .dynamic, targets: ["FaultyModule"]),
        // For tests only: what Tests/Fuzz/run links with libFuzzer.
        .library(name: "Fuzz", type: .static, targets: ["Fuzz"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-configuration", from: "1.4.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
        .package(url: "https://github.com/apple/swift-system", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
        .package(url: "https://github.com/apple/swift-nio-extras", from: "1.35.0"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(
            url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.0", traits: []),
    ],
    targets: [
        // The C libraries, each imported by one target only.
        .systemLibrary(
            name: "CP11Kit", pkgConfig: "p11-kit-1",
            providers: [.apt(["libp11-kit-dev"]), .brew(["p11-kit"])]),
        .systemLibrary(
            name: "COpenSSL", pkgConfig: "libcrypto",
            providers: [.apt(["libssl-dev"]), .brew(["openssl@3"])]),
        // Loaded when it is needed, so that nothing of it is linked.
        .systemLibrary(
            name: "CCurl",
            providers: [.apt(["libcurl4-openssl-dev"]), .brew(["curl"])]),

        // Four plain things, and what two of them need of the person who is there.
        // The person's terminal: its size, questions, and the signals that come from it.
        .target(name: "Terminal"),
        .target(name: "Secrets", dependencies: ["Terminal"]),
        // Files that survive a loss of power.
        .target(name: "Files"),
        .target(name: "Cryptoki", dependencies: ["CP11Kit", "Secrets", logging]),
        .target(name: "OpenSSLX509", dependencies: ["COpenSSL"]),
        .target(name: "CurlHTTP", dependencies: ["CCurl", "Secrets"]),
        .target(name: "CAcert", dependencies: ["Secrets"]),

        .target(
            name: "Ledger",
            dependencies: ["Files", "OpenSSLX509", .product(name: "GRDB", package: "GRDB.swift")]),

        // The story that is told with them.
        .target(
            name: "Inventory", dependencies: ["Cryptoki", "OpenSSLX509"],
            // In the code itself: the program is one file.
            resources: [.embedInCode("Capabilities/Profiles")]),
        .target(
            name: "Issuance",
            dependencies: [
                "CAcert", "Cryptoki", "Inventory", "Ledger", "OpenSSLX509", "Secrets",
            ]),
        .target(
            name: "Commands",
            dependencies: [
                "CAcert", "Cryptoki", "CurlHTTP", "Files", "Inventory", "Issuance", "Ledger",
                "OpenSSLX509", "Secrets", "Terminal",
                argumentParser, logging, system,
                .product(name: "Configuration", package: "swift-configuration"),
            ]),
        .executableTarget(name: "tokencert", dependencies: ["Commands", "Terminal"]),

        // A CA that behaves as CAcert does.
        .target(name: "StandInCA", dependencies: [logging] + hummingbird),
        .executableTarget(name: "cacert-standin", dependencies: ["StandInCA", argumentParser]),

        // Tests, all of them on real parts.
        .target(
            name: "TestSupport", path: "Tests/TestSupport", exclude: ["objects.py", "validate.py"]),
        .target(
            name: "FaultyModule", dependencies: ["CP11Kit"], path: "Tests/FaultyModule",
            exclude: ["README.md"], linkerSettings: [.linkedLibrary("dl")]),
        .target(
            name: "Fuzz",
            dependencies: ["CAcert", "Cryptoki", "Inventory", "Ledger", "OpenSSLX509", "Secrets"],
            path: "Tests/Fuzz", exclude: ["README.md", "run", "corpus"]),
        .testTarget(name: "FilesTests", dependencies: ["Files", "TestSupport"]),
        .testTarget(name: "LedgerTests", dependencies: ["Ledger", "TestSupport", "tokencert"]),
        .testTarget(name: "SecretsTests", dependencies: ["Secrets", "TestSupport"]),
        .testTarget(name: "CryptokiTests", dependencies: ["Cryptoki", "Secrets", "TestSupport"]),
        .testTarget(name: "OpenSSLX509Tests", dependencies: ["OpenSSLX509", "TestSupport"]),
        .testTarget(
            name: "CurlHTTPTests",
            dependencies: ["CurlHTTP", "Secrets", "TestSupport", "cacert-standin"]),
        .testTarget(name: "CAcertTests", dependencies: ["CAcert", "Secrets"]),
        .testTarget(
            name: "InventoryTests",
            dependencies: ["Cryptoki", "Inventory", "OpenSSLX509", "Secrets", "TestSupport"]),
        .testTarget(
            name: "StandInCATests", dependencies: ["StandInCA", "TestSupport", "cacert-standin"]),
        .testTarget(
            name: "CommandsTests",
            dependencies: [
                "CAcert", "Commands", "Cryptoki", "CurlHTTP", "FaultyModule", "Inventory",
                "Issuance", "Ledger", "OpenSSLX509", "Secrets", "TestSupport", "cacert-standin",
                "tokencert",
            ],
            exclude: ["Snapshots"]),
        .testTarget(
            name: "SweepTests",
            dependencies: [
                "FaultyModule", "Ledger", "TestSupport", "cacert-standin", "tokencert",
            ]),
        .testTarget(
            name: "ModulesTests",
            dependencies: ["FaultyModule", "TestSupport", "cacert-standin", "tokencert"]),
        // The complete examples of the libraries' documentation.
        .testTarget(
            name: "ExamplesTests",
            dependencies: ["Cryptoki", "OpenSSLX509", "Secrets", "TestSupport"]),
        .testTarget(
            name: "MisuseTests", dependencies: ["Cryptoki", "Secrets", "TestSupport"],
            exclude: ["Cases"]),
    ],
    swiftLanguageModes: [.v6]
)

// One loop for all: no target has rules of its own.
for target in package.targets where target.type != .system && target.name != "FaultyModule" {
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
