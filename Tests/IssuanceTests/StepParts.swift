import Foundation
import OpenSSLX509
import Synchronization
import TokencertLedger
import TokencertTestAuthority
import TokencertTestSupport

@testable import Cryptoki
@testable import TokencertIssuance

/// The deviations from ``ModelToken`` that a test sets, and the calls to the token.
final class TokenScript {
    /// The errors of failing calls, by name.
    var failures: [String: IssuanceError] = [:]
    /// The calls in order.
    var calls: [String] = []
    /// The key that is read while a request is signed, or nil for the same one.
    var keyWhenSigning: HostPrivateKey?
    /// For each request, whether it included how this process made the key.
    var knowsNewKey: [Bool] = []
    /// How the token proves possession of the key of a certificate.
    var possession = Possession.signature
    /// For each certificate that was read back, whether a missing proof was acceptable.
    var acceptsNoProof: [Bool] = []
    /// The label of each certificate written, and whether its id was known to be free.
    var written: [(label: [UInt8]?, isFresh: Bool)] = []
    /// The chain certificates that are written before the call fails.
    var chain: [Certificate] = []
    /// The chain certificates that the token shows although it refused them.
    var seen: [Certificate] = []
}

/// A token in memory that fails in the calls a test chooses.
struct ScriptedToken: OrderToken {
    let model: ModelToken
    let script: TokenScript

    private func call(_ name: String) throws(IssuanceError) {
        script.calls.append(name)
        if let failure = script.failures[name] { throw failure }
    }

    func key(of order: Order, in ledger: Ledger) throws(IssuanceError) -> TokenKey? {
        try call("key")
        return try model.key(of: order, in: ledger)
    }

    func requireFree(_ id: [UInt8]) throws(IssuanceError) {
        try call("requireFree")
        try model.requireFree(id)
    }

    func makeKey(_ new: NewKey, made: () -> Void) throws(IssuanceError) -> TokenKey {
        try call("makeKey")
        let key = try model.makeKey(new, made: made)
        try call("readNewKey")
        return key
    }

    func request(
        _ content: IssuanceRequest, _ key: inout TokenKey, _ new: NewKey?
    ) throws(IssuanceError) -> CertificateRequest {
        script.knowsNewKey.append(new != nil)
        if let other = script.keyWhenSigning {
            model.acting.world.keys[key.id] = other
            key = TokenKey(
                handle: key.handle, publicKey: other.publicKey, id: key.id,
                labelBytes: key.labelBytes, uri: key.uri, isNew: key.isNew,
                needsPINForEachUse: false, maySign: true, mayDecrypt: false, tellsPublicKey: true)
        }
        try call("request")
        return try model.request(content, &key, new)
    }

    func requireProof(of key: TokenKey) throws(IssuanceError) {
        try call("requireProof")
        try model.requireProof(of: key)
    }

    func requireRoom(
        for key: TokenKey, replacing replacement: Replacement?, having certificates: [Certificate],
        at step: Step
    ) throws(IssuanceError) {
        try call("requireRoom")
    }

    func write(
        _ certificate: Certificate, for key: TokenKey, label: [UInt8]?, isFresh: Bool
    ) throws(IssuanceError) -> (uri: String, wasThere: Bool) {
        script.written.append((label, isFresh))
        try call("write")
        return try model.write(certificate, for: key, label: label, isFresh: isFresh)
    }

    func write(
        issuers: [Certificate], at time: Int64, seen: inout [Certificate],
        written: (Certificate) -> Void
    ) throws(IssuanceError) {
        for issuer in script.chain { written(issuer) }
        seen += script.seen
        try call("writeChain")
    }

    func readBack(
        _ certificate: Certificate, for key: TokenKey, acceptingNoProof acceptsNoProof: Bool
    ) throws(IssuanceError) -> ProofOfPossession {
        script.acceptsNoProof.append(acceptsNoProof)
        try call("readBack")
        return ProofOfPossession(
            possession: script.possession, challenge: script.possession == .none ? [] : [1],
            signature: script.possession == .signature ? [2] : [])
    }

    func remove(_ old: Certificate, keeping new: Certificate) throws(IssuanceError) -> Bool {
        try call("remove")
        return try model.remove(old, keeping: new)
    }

    func named(_ key: TokenKey) -> IssuanceError.KeyOnToken { model.named(key) }
}

/// The notifications of the observer and the orders at the CA, in order of time.
final class Heard: Sendable {
    private let all = Mutex<[String]>([])

    var texts: [String] { all.withLock { $0 } }

    func append(_ text: String) { all.withLock { $0.append(text) } }
}

/// A folder that is deleted with this object.
final class ThrowawayFolder: Sendable {
    let path: String

    init() {
        // In memory, because the tests write many ledgers.
        let parent =
            FileManager.default.fileExists(atPath: "/dev/shm")
            ? "/dev/shm/" : NSTemporaryDirectory()
        path = parent + "tokencert-\(UUID().uuidString)"
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}

/// A temporary ledger, CA and token for the steps of an order.
final class StepParts {
    let root: HostPrivateKey
    let anchor: Certificate
    let acting = ActingWorld()
    let script = TokenScript()
    let heard = Heard()
    let ca: ModelCA
    let ledger: Ledger
    private let folder = ThrowawayFolder()

    init() throws {
        root = try HostPrivateKey.generate(.ec(.p256))
        anchor = try root.issue(
            CertificateContent(
                subject: [.init(.commonName, "Root")], publicKey: root.publicKey,
                serialNumber: [1], notBefore: modelTime - 100, notAfter: modelTime + 900_000,
                extensions: [
                    .basicConstraints(isAuthority: true), .keyUsage([.keyCertSign, .cRLSign]),
                    .subjectKeyIdentifier(root.publicKey), .authorityKeyIdentifier(root.publicKey),
                ]), issuer: nil)
        ca = ModelCA(acting, root, anchor)
        ledger = try Ledger(path: folder.path + "/ledger.sqlite") { modelTime }
    }

    var token: ScriptedToken { ScriptedToken(model: ModelToken(acting: acting), script: script) }

    var settings: IssuanceSettings {
        // An open order needs the folder of its ledger.
        let observer = ModelObserver { [heard, folder] text in
            withExtendedLifetime(folder) { heard.append(text) }
        }
        return IssuanceSettings(
            anchors: TrustAnchors([anchor]), acceptance: .anything, allowsLastTry: false,
            clock: { modelTime + 50 }, observer: observer, authority: ModelCA.self)
    }

    /// A key on the token, with the id of all orders here.
    func addKey() throws -> HostPrivateKey {
        let key = try HostPrivateKey.generate(.ec(.p256))
        acting.world.keys[[1]] = key
        return key
    }

    /// An order for the name Anna with one address.
    func issue(_ key: OrderEvent.Key) -> OrderEvent.Issue {
        var issue = OrderEvent.Issue.example(key)
        issue.emailAddresses = ["anna@example.org"]
        return issue
    }

    /// An order that this process or an earlier one started, with its later events.
    func work(
        _ job: OrderEvent.Job, _ events: [OrderEvent] = [], isResumed: Bool = false,
        hasAuthority: Bool = true
    ) throws -> OrderWork {
        let beginning = OrderEvent.Beginning.example(job, on: "pkcs11:serial=1")
        let authority: (any CertificateAuthority)? = hasAuthority ? ca : nil
        guard isResumed else {
            let journal = try Journal(beginning, in: ledger)
            for event in events { try journal.recordIntent(event, at: .plan) }
            return OrderWork(journal, settings, authority)
        }
        let number = try begun(beginning, events)
        return OrderWork(try Journal(try ledger.open(number)), settings, authority)
    }

    private func begun(
        _ beginning: OrderEvent.Beginning, _ events: [OrderEvent]
    ) throws -> Int64 {
        let order = try ledger.begin(beginning)
        for event in events { try order.record(event) }
        return order.number
    }
}

/// A key in the ledger.
func publicKeyHash(_ key: HostPrivateKey) -> String {
    hexadecimal(key.publicKey.sha256Fingerprint)
}

extension OrderEvent {
    /// A sent order for a key.
    static func sentFor(_ key: HostPrivateKey) -> OrderEvent {
        .sending(
            .init(
                keyURI: "pkcs11:id=%01",
                publicKeyHash: hexadecimal(key.publicKey.sha256Fingerprint), request: "PEM",
                isRepeated: false))
    }

    /// A certificate that passed every check.
    static func accepted(_ certificate: Certificate, changes: [String] = []) -> OrderEvent {
        .certified(
            .init(
                certificate: certificate.pem, others: "", changes: changes,
                notAfter: certificate.notAfter))
    }
}
