internal import TokencertLedger

func readLedger(_ bytes: [UInt8]) {
    let text = String(decoding: bytes, as: UTF8.self)
    for kind in ["begun", "sending", "answered", "certified", "proved", "stopped", "closed"] {
        if let event = OrderEvent(kind: kind, encoded: text) { precondition(event.kind == kind) }
    }
}
