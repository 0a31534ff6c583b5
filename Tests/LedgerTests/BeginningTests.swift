import Testing
import TokencertTestSupport

@testable import TokencertLedger

/// How the ledger stores the beginning of an order.
@Suite struct BeginningTests {
    private static let old = "-----BEGIN CERTIFICATE-----\n"

    private static let issue: String =
        #"{"acceptsChanges":true,"account":"anna@example.org","ca":"https://ca.example","#
        + #""certificateLabel":"Anna’s","codeSigning":true,"emailAddresses":["a@example.org","#
        + #""b@example.org"],"job":"issue","keyID":"01","keyLabel":"mail","#
        + #""moduleArguments":"a=b","moduleName":"card","modulePath":"/m.so","name":"Anna","#
        + #""newKeyKind":"rsa:3072","retiresReplaced":false,"token":"pkcs11:token=work","#
        + #""tokenProfile":"card","writesChain":false}"#
    private static let renewal: String =
        #"{"acceptsChanges":false,"account":"anna@example.org","ca":"https://ca.example","#
        + #""codeSigning":false,"emailAddresses":[],"job":"renew","keyID":"01","#
        + #""keyLabel":"mail","modulePath":"/m.so","name":"Anna","publicKeyHash":"aa","#
        + #""replacedCertificate":"-----BEGIN CERTIFICATE-----\n","retiresReplaced":true,"#
        + #""token":"pkcs11:token=work","writesChain":false}"#
    private static let importing: String =
        #"{"acceptsChanges":true,"certificateLabel":"�m","codeSigning":false,"#
        + #""emailAddresses":[],"job":"import","keyID":"01","keyLabel":"m�","#
        + #""modulePath":"/m.so","publicKeyHash":"aa","rawCertificateLabel":"/20=","#
        + #""rawKeyLabel":"bf8=","retiresReplaced":false,"token":"pkcs11:token=work","#
        + #""writesChain":true}"#
    private static let request: String =
        #"{"acceptsChanges":false,"codeSigning":false,"emailAddresses":[],"job":"request","#
        + #""keyID":"01","keyLabel":"mail","modulePath":"/m.so","newKeyKind":"rsa:3072","#
        + #""retiresReplaced":false,"token":"pkcs11:token=work","writesChain":false}"#

    private static let copy: String =
        #"{"acceptsChanges":false,"account":"anna@example.org","ca":"https://ca.example","#
        + #""codeSigning":false,"copiedCertificate":"-----BEGIN CERTIFICATE-----\n","#
        + #""copiedToken":"pkcs11:token=home","emailAddresses":[],"job":"copy","keyID":"01","#
        + #""keyLabel":"mail","modulePath":"/m.so","name":"Anna","newKeyKind":"rsa:3072","#
        + #""retiresReplaced":false,"token":"pkcs11:token=work","writesChain":false}"#

    /// A beginning of each job, with its text in the ledger.
    private static var stored: [(beginning: OrderEvent.Beginning, text: String)] {
        var full = OrderEvent.Issue.example()
        full.emailAddresses = ["a@example.org", "b@example.org"]
        full.codeSigning = true
        full.acceptsChanges = true
        full.certificateLabel = Array("Anna’s".utf8)
        var imported = OrderEvent.Import(publicKeyHash: "aa")
        imported.certificateLabel = [0xFF, 0x6D]
        imported.writesChain = true
        imported.acceptsAnyUse = true
        let module = OrderEvent.Module(path: "/m.so", name: "card", arguments: "a=b")
        return [
            (
                OrderEvent.Beginning(
                    .issue(full), token: "pkcs11:token=work", module: module,
                    tokenProfile: "card", keyID: "01", keyLabel: Array("mail".utf8)), issue
            ),
            (
                .example(
                    .renew(
                        .example(.existing(publicKeyHash: "aa")), replacing: old, isRetired: true)),
                renewal
            ),
            (
                OrderEvent.Beginning(
                    .import(imported), token: "pkcs11:token=work", module: .init(path: "/m.so"),
                    keyID: "01", keyLabel: [0x6D, 0xFF]), importing
            ),
            (.example(.request(newKeyKind: "rsa:3072")), request),
            (
                .example(
                    .copy(.example(), of: .init(certificate: old, token: "pkcs11:token=home"))),
                copy
            ),
        ]
    }

    // The hashes of the ledger depend on every byte.
    @Test("The beginning of each job is encoded byte for byte as before")
    func encoding() throws {
        for (beginning, text) in Self.stored {
            #expect(try OrderEvent.begun(beginning).encoded() == text)
        }
    }

    @Test("The beginning of each job is decoded unchanged")
    func decoding() throws {
        for (beginning, text) in Self.stored {
            let name = beginning.job.name
            #expect(OrderEvent(kind: "begun", encoded: text) == .begun(beginning), "\(name)")
        }
    }

    @Test("The common properties of an order come from its job")
    func anyJob() throws {
        let all = Self.stored.map(\.beginning)
        #expect(all.map(\.job.name) == ["issue", "renew", "import", "request", "copy"])
        #expect(all.map(\.newKeyKind) == ["rsa:3072", nil, nil, "rsa:3072", "rsa:3072"])
        #expect(all.map(\.publicKeyHash) == [nil, "aa", "aa", nil, nil])
        #expect(all.map(\.acceptsChanges) == [true, false, true, false, false])
        #expect(all.map { $0.issue != nil } == [true, true, false, false, true])
        #expect(all.map { $0.imported != nil } == [false, false, true, false, false])
        #expect(all.map { $0.replaced?.certificate } == [nil, Self.old, nil, nil, nil])
        #expect(all.map { $0.original?.certificate } == [nil, nil, nil, nil, Self.old])
        #expect(all[4].original?.token == "pkcs11:token=home")
        #expect(all[2].certificateLabelBytes == [0xFF, 0x6D])
        #expect(all[2].keyLabelBytes == [0x6D, 0xFF])
    }

    /// Changes to a beginning that make it invalid, with the reason.
    private static let impossible: [(text: String, change: (String, String), reason: String)] = [
        (issue, (#""job":"issue""#, #""job":"renew""#), "a renewal of nothing"),
        (issue, (#""job":"issue""#, #""job":"import""#), "an import with a new key"),
        (issue, (#""job":"issue""#, #""job":"request""#), "a request with a CA"),
        (issue, (#""job":"issue""#, #""job":"revoke""#), "a job that is not known"),
        (issue, (#""newKeyKind":"rsa:3072","#, ""), "no key"),
        (issue, (#""newKeyKind""#, #""publicKeyHash":"aa","newKeyKind""#), "two keys"),
        (issue, (#""name":"Anna","#, ""), "a CA that is asked for no name"),
        (issue, (#""ca":"https://ca.example","#, ""), "no CA"),
        (issue, (#""account":"anna@example.org","#, ""), "no account"),
        (issue, (#""retiresReplaced":false"#, #""retiresReplaced":true"#), "nothing to retire"),
        (issue, (#""writesChain":false"#, #""writesChain":true"#), "a chain of a CA's answer"),
        (renewal, (#""job":"renew""#, #""job":"issue""#), "a replaced certificate"),
        (importing, (#""publicKeyHash":"aa","#, ""), "an import without a key"),
        (importing, (#""codeSigning":false"#, #""codeSigning":true"#), "asked for nowhere"),
        (importing, (#""certificateLabel":"�m","#, ""), "a label in bytes only"),
        (request, (#""emailAddresses":[]"#, #""emailAddresses":["a"]"#), "asked for nowhere"),
        (request, (#""keyID""#, #""certificateLabel":"a","keyID""#), "no certificate"),
        (request, (#""newKeyKind":"rsa:3072""#, #""publicKeyHash":"aa""#), "an existing key"),
        (issue, (#""job":"issue""#, #""job":"copy""#), "a copy of nothing"),
        (
            copy, (#""copiedCertificate":"-----BEGIN CERTIFICATE-----\n","#, ""),
            "a copy of no certificate"
        ),
        (copy, (#""copiedToken":"pkcs11:token=home","#, ""), "a copy from no token"),
        (copy, (#""job":"copy""#, #""job":"issue""#), "a copied certificate"),
        (copy, (#""job":"copy""#, #""job":"renew""#), "a renewal of a copied certificate"),
        (copy, (#""job":"copy""#, #""job":"request""#), "a request for a copy"),
        (
            copy, (#""retiresReplaced""#, #""replacedCertificate":"a","retiresReplaced""#),
            "a copy that replaces"
        ),
        (copy, (#""retiresReplaced":false"#, #""retiresReplaced":true"#), "nothing to retire"),
    ]

    @Test("A beginning with missing or extra properties for its job is refused")
    func combinations() throws {
        for (text, change, reason) in Self.impossible {
            let changed = text.replacing(change.0, with: change.1)
            try #require(changed != text, "\(reason)")
            let event = RecordedEvent(sequence: 1, time: 0, kind: "begun", text: changed)
            #expect(event.event == nil, "\(reason)")
            #expect(Order(number: 1, events: [event])?.number == nil, "\(reason)")
        }
    }

    // A later version may store additional properties.
    @Test("A beginning with an additional property is accepted")
    func unknownKey() throws {
        let text = Self.request.replacing("{", with: #"{"a":1,"#)
        #expect(OrderEvent(kind: "begun", encoded: text) == .begun(Self.stored[3].beginning))
    }
}
