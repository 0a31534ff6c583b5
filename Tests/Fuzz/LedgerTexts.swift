internal import TokencertLedger

func readLedger(_ bytes: [UInt8]) {
    let text = String(decoding: bytes, as: UTF8.self)
    for kind in ["begun", "sending", "answered", "certified", "proved", "stopped", "closed"] {
        if let event = OrderEvent(kind: kind, encoded: text) { precondition(event.kind == kind) }
    }
    let earlier = [StoredContent(sequence: 1, text: text)]
    _ = StoredContent.whole(text, after: earlier)
    let stored = StoredContent.shortened(text, after: earlier)
    guard !stored.utf8.elementsEqual(text.utf8) else { return }
    let whole = StoredContent.whole(stored, after: earlier)
    precondition(whole?.utf8.elementsEqual(text.utf8) == true)
}
