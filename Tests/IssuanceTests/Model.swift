import OpenSSLX509
import TokencertLedger
import TokencertPlatform
import TokencertTestAuthority

@testable import Cryptoki
@testable import TokencertIssuance

/// Everything outside the program: the contents of the token and the actions of the CA. A copy
/// is the state that remains if the process ends.
struct World: Sendable {
    /// The keys on the token, by their ids.
    var keys: [[UInt8]: HostPrivateKey] = [:]
    /// The certificates on the token.
    var certificates: [Certificate] = []
    /// The number of generated keys.
    var generations = 0
    /// The requests of the orders that the CA received.
    var orders: [String] = []
    /// The certificates that the CA issued.
    var issued: [Certificate] = []
    /// The certificates that were removed from the token.
    var removed: [Certificate] = []
    /// The keys of the signed requests, by PEM.
    var requests: [String: PublicKey] = [:]
}

/// The earlier results of tokens and CAs, which are returned again: two runs with the same actions
/// end in equal worlds and equal ledgers.
final class ModelMemory {
    /// New keys, by the number of earlier ones.
    fileprivate var keys: [Int: HostPrivateKey] = [:]
    /// Requests, by the message that is signed.
    fileprivate var requests: [[UInt8]: CertificateRequest] = [:]
    /// Certificates, by key, number and name.
    fileprivate var certificates: [[[UInt8]]: Certificate] = [:]
}

/// The world while a process changes it.
final class ActingWorld {
    var world: World
    /// The earlier results, or nil if everything is new.
    let memory: ModelMemory?
    /// Called with the name of each moment at which the process may end.
    var atMoment: (String) -> Void = { _ in }

    init(_ world: World = World(), _ memory: ModelMemory? = nil) {
        self.world = world
        self.memory = memory
    }
}

/// A token in memory.
struct ModelToken: OrderToken {
    let acting: ActingWorld

    private func key(_ id: [UInt8], _ key: HostPrivateKey, isNew: Bool) -> TokenKey {
        TokenKey(
            handle: ObjectHandle(rawValue: 1), publicKey: key.publicKey, id: id,
            labelBytes: Array("mail".utf8), uri: "pkcs11:id=%01", isNew: isNew,
            needsPINForEachUse: false, maySign: true, mayDecrypt: false, tellsPublicKey: true)
    }

    func key(of order: Order, in ledger: Ledger) throws(IssuanceError) -> TokenKey? {
        let id = bytes(hexadecimal: order.beginning.keyID) ?? []
        guard let found = acting.world.keys[id] else {
            guard order.publicKeyHash == nil else {
                throw IssuanceError(.keyGone, at: .generate, "the key is gone")
            }
            return nil
        }
        return key(id, found, isNew: order.beginning.newKeyKind != nil)
    }

    func requireFree(_ id: [UInt8]) throws(IssuanceError) {
        guard acting.world.keys[id] == nil else {
            throw IssuanceError(.idTaken, at: .generate, "the id is taken")
        }
    }

    func makeKey(_ new: NewKey, made: () -> Void) throws(IssuanceError) -> TokenKey {
        acting.atMoment("before the key is made")
        let pair: HostPrivateKey
        do throws(X509Error) {
            pair = try newPair(new.kind)
        } catch {
            throw IssuanceError(.tokenFailed, at: .generate, "\(error)")
        }
        // A key never overwrites another one.
        precondition(acting.world.keys[new.id] == nil)
        acting.world.keys[new.id] = pair
        acting.world.generations += 1
        made()
        acting.atMoment("after the key is made")
        return key(new.id, pair, isNew: true)
    }

    private func newPair(_ kind: KeyKind) throws(X509Error) -> HostPrivateKey {
        let number = acting.world.generations
        if let known = acting.memory?.keys[number] { return known }
        let pair = try HostPrivateKey.generate(kind)
        acting.memory?.keys[number] = pair
        return pair
    }

    func request(
        _ content: IssuanceRequest, _ key: inout TokenKey, _ new: NewKey?
    ) throws(IssuanceError) -> CertificateRequest {
        guard let own = acting.world.keys[key.id] else {
            throw IssuanceError(.keyGone, at: .request, "the key is gone")
        }
        do throws(X509Error) {
            let draft = try CertificateRequestDraft(
                publicKey: key.publicKey,
                subject: [.init(.commonName, content.name ?? "Unnamed")], extensions: [])
            let message = draft.toBeSigned
            let request =
                if let known = acting.memory?.requests[message] {
                    known
                } else {
                    try draft.signed(own.sign(message))
                }
            acting.memory?.requests[message] = request
            acting.world.requests[request.pem] = key.publicKey
            acting.atMoment("after the request is signed")
            return request
        } catch {
            throw IssuanceError(.tokenFailed, at: .request, "\(error)")
        }
    }

    func requireRoom(
        for key: TokenKey, replacing replacement: Replacement?, having certificates: [Certificate],
        at step: Step
    ) throws(IssuanceError) {}

    func write(
        _ certificate: Certificate, for key: TokenKey, label: [UInt8]?, isFresh: Bool
    ) throws(IssuanceError) -> (uri: String, wasThere: Bool) {
        acting.atMoment("before the certificate is written")
        let isOnToken = acting.world.certificates.contains(certificate)
        if !isOnToken { acting.world.certificates.append(certificate) }
        acting.atMoment("after the certificate is written")
        return ("pkcs11:id=%01;type=cert", isOnToken)
    }

    func write(
        issuers: [Certificate], at time: Int64, seen: inout [Certificate],
        written: (Certificate) -> Void
    ) throws(IssuanceError) {}

    func requireProof(of key: TokenKey) throws(IssuanceError) {
        guard acting.world.keys[key.id]?.publicKey == key.publicKey else {
            throw IssuanceError(.notProved, at: .request, "the token has another key")
        }
    }

    func readBack(
        _ certificate: Certificate, for key: TokenKey, acceptingNoProof acceptsNoProof: Bool
    ) throws(IssuanceError) -> ProofOfPossession {
        acting.atMoment("before the certificate is read back")
        guard acting.world.certificates.contains(certificate),
            acting.world.keys[key.id]?.publicKey == certificate.publicKey
        else { throw IssuanceError(.notProved, at: .readBack, "it is not there") }
        return ProofOfPossession(
            possession: .signature, challenge: [1], signature: [2])
    }

    func remove(
        _ old: Certificate, keeping new: Certificate
    ) throws(IssuanceError) -> Bool {
        acting.atMoment("before the old certificate is removed")
        let wasThere = acting.world.certificates.contains(old)
        acting.world.certificates.removeAll { $0 == old }
        if wasThere { acting.world.removed.append(old) }
        acting.atMoment("after the old certificate is removed")
        guard acting.world.certificates.contains(new) else {
            throw IssuanceError(.notProved, at: .retire, "the new certificate is not there")
        }
        return wasThere
    }

    func named(_ key: TokenKey) -> IssuanceError.KeyOnToken {
        .init(
            uri: key.uri, id: key.id, isNew: key.isNew, modulePath: "/m.so",
            moduleName: nil, moduleArguments: nil)
    }
}

/// The time of all actions, in seconds since 1970-01-01 00:00 UTC.
let modelTime: Int64 = 1_800_000_000

/// A CA in memory that issues immediately.
final class ModelCA: CertificateAuthority {
    let acting: ActingWorld
    let root: HostPrivateKey
    let anchor: Certificate
    /// The fault that happens to an order, or nil.
    var fault: Fault?
    /// Whether the user has agreed to a search for late certificates.
    var findsLate = false
    /// The numbers of the orders for which a late certificate was searched; nil for an order without
    /// a number.
    private(set) var searched: [String?] = []
    /// The result of a search, or nil for the certificates for the key that were issued.
    var lateResult: LateResult?
    /// Whether the orders that were received and not signed are signed when a late certificate is
    /// searched for.
    var signsLate = false

    enum Fault: CaseIterable, Sendable {
        case notReached, refused, lost, issuedAndLost, late
    }

    init(_ acting: ActingWorld, _ root: HostPrivateKey, _ anchor: Certificate) {
        self.acting = acting
        self.root = root
        self.anchor = anchor
    }

    var url: String { "https://ca.example.org" }
    var account: String { "anna@example.org" }

    func grant(_ request: IssuanceRequest) throws(IssuanceError) -> CertificateGrant {
        CertificateGrant(
            name: request.name ?? "Anna", emailAddresses: request.emailAddresses,
            codeSigning: false)
    }

    func place(_ order: CertificateOrder) -> PlacedOrder {
        acting.atMoment("before the order is received")
        if fault == .notReached { return .notSent("no route") }
        acting.world.orders.append(order.request)
        acting.atMoment("after the order is received")
        switch fault {
        case .refused: return answer("403,no\n")
        case .lost: return .unanswered("reset")
        case .late: return answer("404,later\n")
        case .issuedAndLost:
            issue(order)
            return .unanswered("reset")
        case .notReached, nil: break
        }
        let certificate = issue(order)
        acting.atMoment("after the certificate is issued")
        return answer("200,OK\n" + certificate)
    }

    func findLate(_ order: SentOrder) -> LateResult {
        searched.append(order.number)
        acting.atMoment("before the certificate is fetched")
        if let lateResult { return lateResult }
        if signsLate, acting.world.issued.isEmpty, let request = acting.world.orders.last {
            issue(
                CertificateOrder(
                    grant: CertificateGrant(name: "Anna", emailAddresses: [], codeSigning: false),
                    request: request))
        }
        let found = acting.world.issued.filter {
            hexadecimal($0.publicKey.sha256Fingerprint) == order.publicKeyHash
        }
        acting.atMoment("after the certificate is fetched")
        guard !found.isEmpty else { return .notYet("not issued") }
        return .found(
            found.map { LateCertificate(number: "7", certificate: $0, isRevoked: false) })
    }

    static func address(ofCertificate number: String, at url: String) -> String? {
        "\(url)/certificate/\(number)"
    }

    private func answer(_ text: String) -> PlacedOrder {
        .answered(.init(status: 200, body: Array(text.utf8), interruption: nil))
    }

    @discardableResult
    private func issue(_ order: CertificateOrder) -> String {
        guard let key = acting.world.requests[order.request],
            let certificate = try? issue(
                for: key, number: UInt8(acting.world.issued.count + 2), name: order.grant.name)
        else { return "" }
        acting.world.issued.append(certificate)
        return certificate.pem
    }

    func issue(for key: PublicKey, number: UInt8, name: String) throws -> Certificate {
        let content = [key.subjectPublicKeyInfo, [number], Array(name.utf8)]
        if let known = acting.memory?.certificates[content] { return known }
        let certificate = try root.issue(
            CertificateContent(
                subject: [.init(.commonName, name)], publicKey: key, serialNumber: [number],
                notBefore: modelTime + Int64(number), notAfter: modelTime + 86_400 + Int64(number),
                extensions: [
                    .basicConstraints(isAuthority: false),
                    .authorityKeyIdentifier(root.publicKey),
                    .extendedKeyUsage([.emailProtection, .clientAuth]),
                    try .subjectAlternativeName(emailAddresses: ["anna@example.org"]),
                ]), issuer: anchor)
        acting.memory?.certificates[content] = certificate
        return certificate
    }

    static func meaning(of answer: OrderEvent.Answer) -> AnswerMeaning {
        let text = Array(answer.body)
        switch text.prefix(3) {
        case ArraySlice("200".utf8): return .issued(text)
        case ArraySlice("403".utf8): return .refused("no", concernsCredentials: false)
        case ArraySlice("404".utf8): return .pending("7")
        default: return .unclear("not understood")
        }
    }
}

/// Records the progress of an order.
struct ModelObserver: OrderObserver {
    let heard: @Sendable (String) -> Void

    func stepBegins(_ step: Step) { heard("before the step \(step.rawValue)") }
    func orderBegan(_ order: Int64) { heard("after the order is started") }
    func keyIsReady(_ key: TokenKey, of order: Int64) {}
    func orderIsSent(_ order: Int64) { heard("after the order is recorded as sent") }
}
