package import TokencertLedger

extension OrderEvent.Beginning {
    /// An order for a key with the id 01 and the label `mail`.
    package static func example(
        _ job: OrderEvent.Job = .issue(.example()), on token: String = "pkcs11:token=work",
        id: String = "01"
    ) -> OrderEvent.Beginning {
        OrderEvent.Beginning(
            job, token: token, module: .init(path: "/m.so"), keyID: id,
            keyLabel: Array("mail".utf8))
    }
}

extension OrderEvent.Issue {
    /// A certificate with the name Anna.
    package static func example(_ key: OrderEvent.Key = .new(kind: "rsa:3072")) -> OrderEvent.Issue
    {
        OrderEvent.Issue(
            ca: "https://ca.example", account: "anna@example.org", name: "Anna", key: key)
    }
}
