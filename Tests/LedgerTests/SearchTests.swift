import Testing
import TokencertTestSupport

@testable import TokencertLedger

/// Searches that decode only the orders that are found.
@Suite struct SearchTests {
    private let folder: TemporaryFolder
    private let ledger: Ledger

    init() throws {
        folder = try TemporaryFolder()
        ledger = try Ledger(path: folder.file("ledger.sqlite")) { 1_800_000_000 }
    }

    private func begin(
        _ job: OrderEvent.Job, id: String, label: String = "mail", _ events: [OrderEvent] = []
    ) throws {
        let order = try ledger.begin(
            OrderEvent.Beginning(
                job, token: "pkcs11:token=\(id)", module: .init(path: "/m.so"), keyID: id,
                keyLabel: Array(label.utf8)))
        for event in events { try order.record(event) }
    }

    private func issue(_ key: String) -> OrderEvent.Job {
        .issue(.example(.existing(publicKeyHash: key)))
    }

    private let closed = OrderEvent.closed(reason: "over")

    // Otherwise a certificate of another order would be taken, or a key would be ordered for twice.
    @Test(
        "Orders are found by key, also by one that was made later, by replaced certificate and by id"
    )
    func keys() throws {
        try begin(issue("aa"), id: "01", [closed])
        try begin(
            .issue(.example()), id: "02", [.made(publicKeyHash: "bb"), closed])
        try begin(
            .renew(
                .example(.existing(publicKeyHash: "cc")), replacing: "PEM of aa", isRetired: false),
            id: "03", [closed])
        try begin(issue("aa"), id: "04", [closed])
        func numbers(
            _ keys: Set<String>, _ replaced: Set<String> = [], _ id: String? = nil
        ) throws -> [Int64] {
            try ledger.orders(forKeys: keys, replacing: replaced, orID: id).map(\.number)
        }
        #expect(try numbers([]) == [])
        #expect(try numbers(["aa"]) == [1, 4])
        #expect(try numbers(["bb", "cc", "dd"]) == [2, 3])
        #expect(try numbers([], ["PEM of aa", "PEM of bb"]) == [3])
        #expect(try numbers(["aa"], ["PEM of aa"], "02") == [1, 2, 3, 4])
        #expect(try numbers([], [], "") == [])
        // More than SQLite takes as parameters.
        let many = Set((0..<40_000).map { "\($0)" } + ["aa"])
        #expect(try numbers(many) == [1, 4])
        #expect(try ledger.orders([3, 1]).map(\.number) == [1, 3])
        #expect(throws: LedgerError.self) { try ledger.orders([5]) }
    }

    @Test("Orders are found by certificate and by any label")
    func certificatesAndLabels() throws {
        func certified(_ pem: String, _ end: Int64?) -> OrderEvent {
            .certified(.init(certificate: pem, others: "", changes: [], notAfter: end))
        }
        let labels = ["mail", #"a "quoted" \ label"#, "Müller, 🔑"]
        for (index, label) in labels.enumerated() {
            try begin(
                issue("a\(index)"), id: "0\(index)", label: label,
                [certified("PEM \(index)", index == 1 ? nil : 1000 + Int64(index)), closed])
        }
        try begin(issue("a9"), id: "09", [closed])
        // Only a certificate without a recorded end is decoded.
        func numbers(_ period: ClosedRange<Int64>, _ end: Int64?) throws -> Set<Int64> {
            try ledger.numbers(ofOrdersWithCertificateEndingIn: period) { pem in
                #expect(pem == "PEM 1")
                return end
            }
        }
        #expect(try numbers(1000...1002, 1002) == [1, 2, 3])
        #expect(try numbers(1001...1002, 1000) == [3])
        #expect(try numbers(0...1001, nil) == [1])
        #expect(try numbers(1003...1004, 1003) == [2])
        for (index, label) in labels.enumerated() {
            let found = try ledger.orders(withLabels: [label, "other"])
            #expect(found.map(\.number) == (index == 0 ? [1, 4] : [Int64(index) + 1]), "\(label)")
            #expect(found[0].token == "pkcs11:token=0\(index)")
        }
    }

    // Otherwise one of two certificates that belong together would be renewed without the other.
    @Test("Copies are expected after an order for one, and after renewals on several tokens")
    func copies() throws {
        #expect(try !ledger.mayHaveCopies())
        func renew(_ pem: String, _ key: String) -> OrderEvent.Job {
            .renew(.example(.existing(publicKeyHash: key)), replacing: pem, isRetired: false)
        }
        try begin(renew("PEM", "aa"), id: "01", [closed])
        try begin(renew("PEM", "bb"), id: "01", [closed])
        try begin(renew("PEM 2", "cc"), id: "02", [closed])
        #expect(try !ledger.mayHaveCopies())
        try begin(renew("PEM", "dd"), id: "03", [closed])
        #expect(try ledger.mayHaveCopies())
        let other = try Ledger(path: folder.file("other.sqlite")) { 1_800_000_000 }
        do {
            _ = try other.begin(
                .example(.copy(.example(), of: .init(certificate: "PEM", token: "pkcs11:token=1"))))
        }
        #expect(try other.mayHaveCopies())
    }
}
