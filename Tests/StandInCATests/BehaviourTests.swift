import Foundation
import Testing

@testable import StandInCA

@Suite struct FormFieldsTests {
    @Test("The stand-in reads forms otherwise than the real server")
    func decoding() {
        var fields = FormFields()
        fields.add("a=1+2%2B3&email%5B0%5D=x&email[2]=z&email[]=w&email[0]=y&b&a=last&%zz=1".utf8)
        #expect(fields["a"] == "last")
        #expect(fields["b"] == "")
        #expect(fields.list("email") == ["y", "z", "w"])
        #expect(fields["email"] == nil)
        #expect(fields["%zz"] == "1")
    }

    @Test("The stand-in escapes otherwise than the real server")
    func escaping() {
        #expect(
            String(decoding: Escaping.escape("Anna Müller"), as: UTF8.self)
                == "Anna M&Atilde;&frac14;ller")
        #expect(
            String(decoding: Escaping.escape("D'Arc & <Co>"), as: UTF8.self)
                == "D&#039;Arc &amp; &lt;Co&gt;")
        // No named entity below 160: the byte itself.
        #expect(Escaping.escape("\u{80}") == Array("&Acirc;".utf8) + [0x80])
    }
}
