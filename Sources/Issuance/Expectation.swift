internal import TokencertCAcert
internal import TokencertLedger

/// What a certificate was asked to say.
struct Expectation {
    let name: String
    let emailAddresses: [String]
    let codeSigning: Bool
    /// Whether it may say something else.
    let acceptsChanges: Bool
}

extension Expectation {
    init(_ plan: Plan) {
        name = plan.name.text
        emailAddresses = plan.emailAddresses
        codeSigning = plan.codeSigning
        acceptsChanges = plan.acceptsChanges
    }

    /// What an order asked for, or nil where nobody asked a CA.
    init?(_ beginning: OrderEvent.Beginning, acceptsChanges: Bool) {
        guard let name = beginning.name else { return nil }
        self.name = name
        emailAddresses = beginning.emailAddresses
        codeSigning = beginning.codeSigning
        self.acceptsChanges = acceptsChanges || beginning.acceptsChanges
    }
}
