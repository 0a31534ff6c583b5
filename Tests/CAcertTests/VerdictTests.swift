import Testing

@testable import TokencertCAcert

/// Reading the first line of an answer.
@Suite struct VerdictTests {
    private func verdict(_ body: String) -> Verdict? { Verdict(Array(body.utf8)[...]) }

    // Otherwise a page of another server is accepted as an answer of the CA.
    @Test(
        "An answer that does not begin with three digits and a comma has no verdict",
        arguments: [
            "", "\n", "2", "20", "200", "200 OK", "200;x", "2000,x", "20,x", " 200,x", "\n200,x",
            "20x,Ok", "x00,Ok", "-20,Ok", "+20,Ok", "２００,x", "\u{FEFF}200,x", "200\n,x",
            "<html>200,x", "HTTP/1.1 200,",
        ])
    func none(body: String) {
        #expect(verdict(body)?.number == nil)
    }

    @Test("A verdict has a number, a text and the lines after it")
    func parts() throws {
        for (body, number, text, rest) in [
            ("200,", 200, "", ""), ("000,x", 0, "x", ""), ("999,x\n", 999, "x", ""),
            ("200,Ok\nCS=1\n", 200, "Ok", "CS=1\n"), ("200,Ok\r\nCS=1", 200, "Ok", "CS=1"),
            ("200,Ok\n\nx", 200, "Ok", "\nx"), ("403, a,b", 403, "a,b", ""),
            ("403,\n403,no", 403, "", "403,no"), ("404,<b>a</b>&amp;", 404, "a&", ""),
        ] as [(String, Int, String, String)] {
            let read = try #require(verdict(body), "\(body)")
            #expect(read.number == number && read.text == text, "\(body)")
            #expect(Array(read.rest) == Array(rest.utf8), "\(body)")
        }
    }

    @Test("A verdict is read from the beginning of a slice of the body")
    func slice() throws {
        let body = Array("warning\n200,Ok\nCS=1\n".utf8)
        let read = try #require(Verdict(body[8...]))
        #expect(read.number == 200 && read.text == "Ok")
        #expect(Array(read.rest) == Array("CS=1\n".utf8))
        #expect(Verdict(body[9...])?.number == nil)
        #expect(Verdict(body[body.count...])?.number == nil)
    }
}
