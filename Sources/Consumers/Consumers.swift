/// All consumers, in the order in which they are listed.
package enum Consumers {
    package static let all: [any Consumer] = [
        SSH(), NSSProfile.firefox, NSSProfile.thunderbird, TLS(), Mail(), Git(), CodeSigning(),
        Nginx(), OpenSSLTool(),
    ]

    package static func named(_ name: String) -> (any Consumer)? {
        all.first { $0.name == name }
    }

    /// The consumers whose first required program is installed or, if none is required, one of the others.
    /// No program is run, so its version is not checked, and other programs may be missing.
    package static func installed(among consumers: [any Consumer] = all) -> [any Consumer] {
        consumers.filter { consumer in
            let required = consumer.programs.filter { !$0.isOptional }.prefix(1)
            return (required.isEmpty ? consumer.programs : Array(required)).contains {
                $0.path() != nil
            }
        }
    }
}
