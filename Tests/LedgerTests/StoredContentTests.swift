import Foundation
import Testing
import TokencertTestSupport

@testable import TokencertLedger
@testable import TokencertSQLite

/// The contents of events are stored without repetition, and read as they were recorded. If one is read
/// differently, a certificate is lost.
@Suite struct StoredContentTests {
    private static func pem(_ what: String, _ letter: Character, lines: Int) -> String {
        "-----BEGIN \(what)-----\n"
            + String(repeating: String(repeating: letter, count: 64) + "\n", count: lines)
            + "-----END \(what)-----\n"
    }

    private static let request = pem("CERTIFICATE REQUEST", "R", lines: 7)
    private static let certificate = pem("CERTIFICATE", "C", lines: 17)
    private static let intermediate = pem("CERTIFICATE", "I", lines: 20)
    private static let old = pem("CERTIFICATE", "O", lines: 16)
    private static let uri =
        "pkcs11:model=SoftHSM%20v2;manufacturer=SoftHSM%20project;serial=c7729be18a0bc932;token=work"
        + ";id=%8C%D9%C0%88%9E%52%95%1F;object=mail;type=cert"
    private static let keyURI = uri.replacingOccurrences(of: "type=cert", with: "type=private")

    private static func answered(_ body: [UInt8]) -> OrderEvent {
        .answered(.init(status: 200, body: body, interruption: nil))
    }

    private static func certified(_ certificate: String, _ others: String = "") -> OrderEvent {
        .certified(
            .init(certificate: certificate, others: others, changes: ["a name"], notAfter: 1))
    }

    private static let sending = OrderEvent.sending(
        .init(
            keyURI: keyURI, publicKeyHash: String(repeating: "a", count: 64),
            request: request, isRepeated: false))

    /// An order with each event that may repeat a text.
    private static let events: [OrderEvent] = [
        .begun(
            .example(
                .renew(.example(.new(kind: "ec:p256")), replacing: old, isRetired: true), id: "01")),
        .made(publicKeyHash: String(repeating: "a", count: 64)),
        .signed(.init(publicKeyHash: String(repeating: "a", count: 64), request: request)),
        sending, .notSent(reason: "no route"), sending,
        answered(Array("200,Authentication Ok\n\(certificate)".utf8)),
        certified(certificate, intermediate), .chainWritten(certificate: intermediate),
        .requested(request: request), .written(uri: uri),
        .proved(.init(uri: uri, sha256Fingerprint: "f", challenge: [1], signature: [2])),
        .retiring(certificate: old), .stopped(.init(step: "retire", reason: uri)),
        .retired(certificate: old),
        .revoked(.init(sha256Fingerprint: "f", serialNumber: "0a", ca: uri)),
    ]

    /// The contents of the events as they are stored, with numbers from 10.
    private static func stored(_ events: [OrderEvent]) throws -> [StoredContent] {
        var earlier: [StoredContent] = []
        for (sequence, event) in zip(Int64(10)..., events) {
            let text = StoredContent.shortened(
                try event.encoded(), after: StoredContent.mayRepeat(event) ? earlier : [])
            earlier.append(StoredContent(sequence: sequence, text: text))
        }
        return earlier
    }

    private static func text(_ stored: StoredContent) -> String {
        String(decoding: stored.bytes, as: UTF8.self)
    }

    @Test("Each request and each certificate is stored once, and is read as it was recorded")
    func once() throws {
        let stored = try Self.stored(Self.events)
        for (index, event) in Self.events.enumerated() {
            let text = Self.text(stored[index])
            let whole = StoredContent.whole(text, after: Array(stored[..<index]))
            #expect(whole.map { Array($0.utf8) } == Array(try event.encoded().utf8), "\(text)")
            // Searches by SQL read the stored contents.
            #expect((try? JSONSerialization.jsonObject(with: Data(text.utf8))) != nil, "\(text)")
            let isAlone = OrderEvent(kind: event.kind, encoded: text) == event
            let repeats = StoredContent.mayRepeat(event) && event.kind != "written"
            #expect(isAlone == !(repeats || event.kind == "answered"), "\(text)")
        }
        let all = stored.map(Self.text).joined()
        for letter in "RCIO" {
            let line = String(repeating: letter, count: 64)
            let lines = [Self.request, Self.certificate, Self.intermediate, Self.old]
                .joined().components(separatedBy: line).count
            #expect(all.components(separatedBy: line).count == lines, "\(letter)")
        }
    }

    @Test("Every answer is read as it was received, and as text if it is UTF-8")
    func answers() throws {
        let texts = [
            "200,ok\r\n\t\u{0}\u{1F}\"\\/\\n ä é e\u{301} 🔑 \u{2028}", "\u{FEFF}a",
            #"","status":1,"body":"YQ==","x":{"text":"y"}}"#,
            #"{"count":1,"event":10,"start":0}:{"count":1,"event":9,"#,
        ]
        let long = Array(String(repeating: "certificate ", count: 50).utf8)
        var bodies = texts.map { (Array($0.utf8) + long, isText: true) }
        // The text would be longer than base64.
        bodies += [([], false), (Array(repeating: UInt8(ascii: "\""), count: 500), false)]
        bodies += [[0xC3], [0xED, 0xA0, 0x80], [0, 255, 10]].map { ($0 + long, false) }
        for (body, isText) in bodies {
            let event = Self.answered(body)
            let stored = StoredContent.shortened(try event.encoded(), after: [])
            #expect(stored.contains(#""body":{"text":""#) == isText, "\(stored)")
            let whole = try #require(StoredContent.whole(stored, after: []), "\(stored)")
            #expect(OrderEvent(kind: "answered", encoded: whole) == event)
        }
    }

    @Test("A certificate that the answer does not have in the same form is stored as it is")
    func otherForm() throws {
        let lines = Self.certificate.replacingOccurrences(of: "\n", with: "\r\n")
        let events = [Self.answered(Array(lines.utf8)), Self.certified(Self.certificate)]
        #expect(Self.text(try Self.stored(events)[1]) == (try events[1].encoded()))
    }

    @Test("Texts that look like references are read as they were recorded")
    func looks() throws {
        let reference = #"{"count":200,"event":10,"start":0}"#
        for text in [
            reference, "\":" + reference, "\",\"request\":" + reference, "\\\":" + reference,
            #""request":"x""#, String(repeating: "\\", count: 201),
            String(repeating: "\"", count: 201), String(repeating: "\\\"", count: 201),
        ] {
            let long = text + String(repeating: " ", count: 200)
            let events: [OrderEvent] = [
                .signed(.init(publicKeyHash: text, request: long)),
                .requested(request: long), .retired(certificate: long), .written(uri: text),
                Self.certified(long, text), .closed(reason: text),
            ]
            let stored = try Self.stored(events)
            for (index, event) in events.enumerated() {
                let whole = StoredContent.whole(
                    Self.text(stored[index]), after: Array(stored[..<index]))
                #expect(whole.map { Array($0.utf8) } == Array(try event.encoded().utf8), "\(text)")
                let json = try? JSONSerialization.jsonObject(with: Data(stored[index].bytes))
                #expect(json != nil, "\(Self.text(stored[index]))")
            }
        }
    }

    @Test("An object in an event of a later version is left as it is")
    func later() {
        let text = #"{"later":{"count":3,"unit":"x"},"uri":"pkcs11:"}"#
        #expect(StoredContent.whole(text, after: []) == text)
    }

    @Test(
        "A reference to missing content is detected",
        arguments: [
            #"{"count":1,"event":9,"start":0}"#, #"{"count":1,"event":11,"start":0}"#,
            #"{"count":5,"event":10,"start":0}"#, #"{"count":99,"event":10,"start":12}"#,
            #"{"count":0,"event":10,"start":99}"#, #"{"count":1,"event":10}"#,
            #"{"count":1,"event":10,"start":12,"x":0}"#, #"{"count":-1,"event":10,"start":12}"#,
            #"{"count":99999999999999999999,"event":10,"start":0}"#, #"{"count":1"#,
            #"{"count":9223372036854775807,"event":10,"start":9223372036854775807}"#,
        ])
    func absent(reference: String) {
        let earlier = [StoredContent(sequence: 10, text: #"{"request":"abcdef"}"#)]
        func whole(_ reference: String) -> String? {
            StoredContent.whole("{\"request\":\(reference)}", after: earlier)
        }
        #expect(whole(#"{"count":6,"event":10,"start":12}"#) == #"{"request":"abcdef"}"#)
        #expect(whole(reference) == nil)
    }

    // Otherwise one damaged event hides all orders, or an order goes on without it.
    @Test("A ledger has each text once, and a damaged reference makes only its event unreadable")
    func ledger() throws {
        let folder = try TemporaryFolder()
        let path = folder.file("ledger.sqlite")
        let ledger = try Ledger(path: path) { 1 }
        guard case .begun(let beginning) = Self.events[0] else { return }
        var numbers: [Int64] = []
        for id in ["01", "02"] {
            var other = OrderEvent.Beginning.example(beginning.job, id: id)
            if id == "02" { other = .example(.issue(.example(.new(kind: "ec:p256"))), id: id) }
            let order = try ledger.begin(other)
            // The second sending would need the user's decision.
            for event in Self.events.dropFirst() where event.kind != "not sent" {
                if event == Self.sending, try order.order().sending != nil { continue }
                try order.record(event)
            }
            numbers.append(order.number)
        }
        for number in numbers {
            let order = try ledger.order(number)
            #expect(order.signedRequest == Self.request)
            #expect(order.certified?.certificate == Self.certificate)
            #expect(order.unknownEvent == nil)
        }
        #expect(try ledger.verify() == [])
        let database = try Database(writing: path)
        let contents = try database.values("SELECT content FROM events", as: String.self).joined()
        #expect(contents.components(separatedBy: "BEGIN CERTIFICATE REQUEST").count == 3)
        try database.execute(
            """
            DROP TRIGGER eventsAreNotChanged;
            UPDATE events SET content = replace(content, '"event":', '"event":9')
            WHERE orderNumber = \(numbers[0]) AND kind = 'certified'
            """)
        let order = try ledger.order(numbers[0])
        #expect(order.unknownEvent == "certified")
        #expect(order.signedRequest == Self.request)
        #expect(order.events.count == Self.events.count - 2)
        let error = #expect(throws: LedgerError.self) { _ = try ledger.open(numbers[0]) }
        #expect(error?.code == .newer)
        #expect(try ledger.orders().count == 2)
        #expect(try ledger.order(numbers[1]).certified?.certificate == Self.certificate)
        #expect(try ledger.verify().contains { $0.contains("was changed") })
    }
}
