// swift-tools-version: 6.2

import PackageDescription

let package = Package(
    name: "client",
    platforms: [.macOS(.v15)],
    dependencies: [.package(url: "@URL@", from: "0.1.0", traits: [])],
    targets: [
        .target(name: "Files"), .target(name: "Terminal"), .target(name: "Secrets"),
        .target(name: "Commands"), .target(name: "Ledger"),
        .executableTarget(
            name: "client",
            dependencies: [
                "Commands", "Files", "Ledger", "Secrets", "Terminal",
                .product(name: "Cryptoki", package: "tokencert"),
                .product(name: "OpenSSLX509", package: "tokencert"),
            ]),
    ],
    swiftLanguageModes: [.v6]
)
