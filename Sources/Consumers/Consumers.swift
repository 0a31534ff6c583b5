/// All consumers, in the order in which they are listed.
package enum Consumers {
    package static let all: [any Consumer] = [
        SSH(), TLS(), OpenSSLTool(),
    ]

    package static func named(_ name: String) -> (any Consumer)? {
        all.first { $0.name == name }
    }
}
