internal import FoundationEssentials

extension OrderEvent {
    /// The event's name in the ledger.
    package var kind: String {
        switch self {
        case .begun: "begun"
        case .made: "made"
        case .found: "found"
        case .signed: "signed"
        case .sending: "sending"
        case .notSent: "not sent"
        case .answered: "answered"
        case .fetched: "fetched"
        case .refused: "refused"
        case .unclear: "unclear"
        case .certified: "certified"
        case .chainWritten: "chain written"
        case .requested: "requested"
        case .written: "written"
        case .proved: "proved"
        case .retiring: "retiring"
        case .retired: "retired"
        case .stopped: "stopped"
        case .closed: "closed"
        case .revoked: "revoked"
        }
    }

    /// The event's contents as the ledger stores them: JSON with sorted keys.
    func encoded() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let data =
            switch self {
            case .begun(let content): try encoder.encode(content)
            case .signed(let content): try encoder.encode(content)
            case .sending(let content): try encoder.encode(content)
            case .answered(let content): try encoder.encode(content)
            case .fetched(let content): try encoder.encode(content)
            case .certified(let content): try encoder.encode(content)
            case .proved(let content): try encoder.encode(content)
            case .stopped(let content): try encoder.encode(content)
            case .revoked(let content): try encoder.encode(content)
            case .notSent(let reason), .refused(let reason), .unclear(let reason),
                .closed(let reason):
                try encoder.encode(["reason": reason])
            case .made(let hash), .found(let hash):
                try encoder.encode(["publicKeyHash": hash])
            case .requested(let request):
                try encoder.encode(["request": request])
            case .written(let uri):
                try encoder.encode(["uri": uri])
            case .retiring(let certificate), .retired(let certificate),
                .chainWritten(let certificate):
                try encoder.encode(["certificate": certificate])
            }
        return String(decoding: data, as: UTF8.self)
    }

    /// Decodes an event; nil for a kind or contents that this version does not know.
    package init?(kind: String, encoded text: String) {
        let data = Data(text.utf8)
        func content<Content: Decodable>(_ type: Content.Type) -> Content? {
            try? JSONDecoder().decode(type, from: data)
        }
        func value(_ name: String) -> String? { content([String: String].self)?[name] }
        let event: OrderEvent? =
            switch kind {
            case "begun": content(Beginning.self).map { .begun($0) }
            case "sending": content(Sending.self).map { .sending($0) }
            case "answered": content(Answer.self).map { .answered($0) }
            case "fetched": content(Fetched.self).map { .fetched($0) }
            case "certified": content(Certified.self).map { .certified($0) }
            case "proved": content(Proof.self).map { .proved($0) }
            case "stopped": content(Stop.self).map { .stopped($0) }
            case "revoked": content(Revocation.self).map { .revoked($0) }
            case "made": value("publicKeyHash").map { .made(publicKeyHash: $0) }
            case "found": value("publicKeyHash").map { .found(publicKeyHash: $0) }
            case "signed": content(Signed.self).map { .signed($0) }
            case "not sent": value("reason").map { .notSent(reason: $0) }
            case "refused": value("reason").map { .refused(reason: $0) }
            case "unclear": value("reason").map { .unclear(reason: $0) }
            case "closed": value("reason").map { .closed(reason: $0) }
            case "requested": value("request").map { .requested(request: $0) }
            case "written": value("uri").map { .written(uri: $0) }
            case "chain written": value("certificate").map { .chainWritten(certificate: $0) }
            case "retiring": value("certificate").map { .retiring(certificate: $0) }
            case "retired": value("certificate").map { .retired(certificate: $0) }
            default: nil
            }
        guard let event else { return nil }
        self = event
    }
}
