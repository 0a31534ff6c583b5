import Testing
import TokencertPlatform

@testable import TokencertCAcert

/// The encoding of forms.
@Suite struct FormTests {
    private func text(_ form: borrowing Form) -> String {
        form.body.withBytes { bytes in
            String(decoding: bytes.indices.map { bytes[$0] }, as: UTF8.self)
        }
    }

    // Otherwise the CA receives a different password or name.
    @Test("Every byte except the unreserved ones of RFC 3986 is encoded")
    func everyByte() {
        let unreserved = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
        for byte in UInt8.min...UInt8.max {
            var form = Form()
            form.append("a", [byte])
            let digits = String(byte, radix: 16, uppercase: true)
            let encoded = "%" + (digits.count < 2 ? "0" : "") + digits
            let isPlain = unreserved.utf8.contains(byte)
            let expected = "a=" + (isPlain ? String(UnicodeScalar(byte)) : encoded)
            let sent = text(form)
            #expect(sent == expected)
        }
    }

    @Test("A secret of any length is encoded like text")
    func secrets() {
        for value in ["", "p", "p&=%+ \u{FC}\0", String(repeating: "&", count: 20_000)] {
            var form = Form()
            form.append("password", Secret(copying: Array(value.utf8)))
            var other = Form()
            other.append("password", value)
            let (sent, expected) = (text(form), text(other))
            #expect(sent == expected)
        }
    }

    @Test("Fields keep their order, including empty ones and those with the same name")
    func fields() {
        var form = Form()
        let empty = text(form)
        #expect(empty == "")
        form.append("a", "")
        form.append("email[0]", "x@example.org")
        form.append("a", "1")
        form.append("b=&c", "2")
        form.append("", "3")
        let sent = text(form)
        #expect(sent == "a=&email%5B0%5D=x%40example.org&a=1&b%3D%26c=2&=3")
    }

    @Test("A value cannot add a field")
    func injection() {
        var form = Form()
        form.append("name", "Anna&codesign=1\r\n&email[1]=b@example.org")
        let sent = text(form)
        #expect(sent.split(separator: "&").count == 1)
        #expect(sent.split(separator: "=").count == 2)
    }
}
