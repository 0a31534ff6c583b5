import Foundation
import Testing

@testable import TokencertStandInCA

@Suite struct FormFieldsTests {
    @Test("Forms are decoded like those of PHP")
    func decoding() {
        var fields = FormFields()
        fields.add("a=1+2%2B3&email%5B0%5D=x&email[2]=z&email[]=w&email[0]=y&b&a=last&%zz=1".utf8)
        // A sign is not a digit.
        fields.add("sign=%2D%-1".utf8)
        #expect(fields["sign"] == "-%-1")
        #expect(fields["a"] == "last")
        #expect(fields["b"] == "")
        #expect(fields.list("email") == ["y", "z", "w"])
        #expect(fields["email"] == nil)
        #expect(fields["%zz"] == "1")
    }

    @Test("Text is escaped byte by byte, as the server does")
    func escaping() {
        #expect(
            String(decoding: Escaping.escape("Anna Müller"), as: UTF8.self)
                == "Anna M&Atilde;&frac14;ller")
        #expect(
            String(decoding: Escaping.escape("D'Arc & <Co>"), as: UTF8.self)
                == "D&#039;Arc &amp; &lt;Co&gt;")
        // There is no named entity below 160, so the byte is unchanged.
        #expect(Escaping.escape("\u{80}") == Array("&Acirc;".utf8) + [0x80])
    }

    @Test(
        "The language is that of the field, then the header's best match, then English",
        arguments: [
            (nil, nil, .english), (nil, "fr, de-DE;q=0.8, en;q=0.2", .german),
            (nil, "en-US,en;q=0.9,de;q=0.8", .english), ("de_DE", "en", .german),
            ("", "DE", .german), ("xx", nil, .english), (nil, ";;q=,", .english),
        ] as [(String?, String?, KeyText.Language)])
    func languages(field: String?, header: String?, language: KeyText.Language) {
        #expect(KeyText.Language(field: field, acceptLanguage: header) == language)
    }

    @Test("Separators and other letters stay in the values of a subject")
    func subjects() throws {
        let key = try Key.generate(.p256)
        let content = CertificateContent(
            subject: [("CN", "a/b+c\\d=e, Müller"), ("OU", ""), ("emailAddress", "x@y.z")],
            serialNumber: "0A", notBefore: 0, notAfter: 86400, extensions: [])
        let description = try content.signed(by: nil, for: key).description()
        #expect(
            description.contains(
                #"Subject: CN=a\/b\+c\d=e, M\xC3\xBCller/emailAddress=x@y.z"#),
            "\(description)")
    }
}
