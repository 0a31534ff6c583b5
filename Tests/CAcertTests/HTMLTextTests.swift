import Testing

@testable import TokencertCAcert

/// Decoding names and messages that CAcert's server has escaped.
@Suite struct HTMLTextTests {
    private func decode(_ escaped: String) -> String { decode(Array(escaped.utf8)) }

    private func decode(_ escaped: [UInt8]) -> String { HTMLText.decode(escaped[...]) }

    private func plain(_ markup: String) -> String { HTMLText.plainText(Array(markup.utf8)[...]) }

    // MARK: Entities

    // Otherwise a name is sent back with different bytes, and the CA drops it.
    @Test(
        "A named entity of HTML 4.01 is one byte",
        arguments: [
            ("quot", 34), ("amp", 38), ("lt", 60), ("gt", 62), ("nbsp", 160), ("shy", 173),
            ("sup1", 185), ("frac14", 188), ("Agrave", 192), ("Atilde", 195), ("AElig", 198),
            ("times", 215), ("THORN", 222), ("szlig", 223), ("agrave", 224), ("atilde", 227),
            ("eth", 240), ("divide", 247), ("ouml", 246), ("uuml", 252), ("yuml", 255),
        ] as [(String, UInt8)])
    func named(name: String, byte: UInt8) {
        #expect(HTMLText.unescape(Array("x&\(name);y".utf8)[...]) == [0x78, byte, 0x79])
    }

    @Test("A number below 256 is a byte, and a larger one is a character")
    func numbers() {
        for (entity, bytes) in [
            ("&#0;", [0]), ("&#65;", [65]), ("&#065;", [65]), ("&#x41;", [65]), ("&#X41;", [65]),
            ("&#255;", [255]), ("&#xFF;", [255]), ("&#xff;", [255]),
            ("&#256;", Array("\u{100}".utf8)), ("&#x100;", Array("\u{100}".utf8)),
            ("&#8364;", Array("€".utf8)), ("&#1114111;", Array("\u{10FFFF}".utf8)),
        ] as [(String, [UInt8])] {
            #expect(HTMLText.unescape(Array(entity.utf8)[...]) == bytes, "\(entity)")
        }
    }

    @Test(
        "Text that is not an entity is unchanged",
        arguments: [
            "&", "&;", "&#;", "&#x;", "&#-1;", "&#12a;", "&#xG;", "&#xD800;", "&#x110000;",
            "&#4294967296;", "&#99999999;", "&AUML;", "&auml", "& auml;", "&au ml;", "&&", "&amp",
            "&nosuchname;", "& a long way to the end;", "a;b", ";",
        ])
    func noEntity(text: String) {
        #expect(decode(text) == text)
    }

    @Test("Entities are replaced once, next to each other and within other text")
    func once() {
        #expect(decode("&amp;lt;") == "&lt;")
        #expect(decode("&amp;#38;amp;") == "&#38;amp;")
        #expect(decode("&&lt;;&amp") == "&<;&amp")
        #expect(decode("&lt;&gt;&quot;&#039;") == "<>\"'")
        // A letter may consist of an entity and a byte.
        #expect(decode(Array("M&Atilde;".utf8) + [0xBC]) == "Mü")
        #expect(decode([0x4D, 0xC3] + Array("&frac14;".utf8)) == "Mü")
        #expect(decode("") == "")
    }

    @Test("Bytes that are not valid UTF-8 are decoded as ISO-8859-1")
    func latin1() {
        for (bytes, text) in [
            ([0xC3], "\u{C3}"), ([0xFF, 0xFE], "\u{FF}\u{FE}"), ([0xFC, 0x6D], "\u{FC}m"),
            // UTF-8 forbids overlong forms, surrogates and values beyond U+10FFFF.
            ([0xC0, 0x80], "\u{C0}\u{80}"), ([0xED, 0xA0, 0x80], "\u{ED}\u{A0}\u{80}"),
            ([0xF4, 0x90, 0x80, 0x80], "\u{F4}\u{90}\u{80}\u{80}"),
            // One invalid byte affects the whole text.
            ([0xC3, 0xBC, 0xFF], "\u{C3}\u{BC}\u{FF}"), ([0xC3, 0xBC], "\u{FC}"), ([], ""),
        ] as [([UInt8], String)] {
            #expect(HTMLText.text(bytes).unicodeScalars.elementsEqual(text.unicodeScalars))
        }
    }

    // MARK: Messages

    @Test(
        "Tags are removed, and those that begin a line become a blank",
        arguments: [
            ("a<b>b</b>c", "abc"), ("a<br>b", "a b"), ("a<br />b", "a b"), ("a<BR>b", "a b"),
            ("<p>a</p><p>b</p>", "a b"), ("<div>a</div>b", "a b"), ("x<h1>Error", "x Error"),
            ("<tr><td>a</td></tr><tr><td>b</td></tr>", "a b"), ("<ul><li>a<li>b</ul>", "a b"),
            ("<b><i><u>a</u></i></b>", "a"), ("<>", ""), ("</>", ""), ("<!-- a -->b", "b"),
            ("", ""), ("<b>", ""),
        ] as [(String, String)])
    func tags(markup: String, text: String) {
        #expect(plain(markup) == text)
    }

    @Test("Angle brackets that are not part of a tag are kept")
    func signs() {
        for text in ["1 < 2", "2 > 1", "a > b < c", "<", ">", "<<", ">>", "<a href='x'", "a <"] {
            #expect(plain(text) == text)
        }
    }

    // Otherwise the user does not get the address of the CA's explanation, or gets a wrong one.
    @Test(
        "A link becomes its text and its address",
        arguments: [
            ("<a href='//w.org/x'>t</a>", "t (https://w.org/x)"),
            ("<a href=\"http://w.org\">t</a>", "t (http://w.org)"),
            ("<a href=//w.org title=x>t</a>", "t (https://w.org)"),
            ("<a class='b' href='/x'>t</a>", "t (/x)"),
            ("<a href='mailto:s@w.org?subject=a'>t</a>", "t (mailto:s@w.org?subject=a)"),
            ("<a href='//w/?a=1&amp;b=2'>t</a>", "t (https://w/?a=1&b=2)"),
            ("<a href='u'>a <b>b</b></a>", "a b (u)"),
            ("<a href='u'>a</a> <a href='v'>b</a>", "a (u) b (v)"),
            ("<a name='x'>t</a>", "t"), ("t</a>", "t"), ("<a href='u'>t", "t"),
            ("<abbr href='u'>t</abbr></a>", "t"), ("<a href='u'>a</a>b</a>", "a (u)b"),
            ("<a href='u>t</a>", "t (u)"), ("<a href=>t</a>", "t"),
        ] as [(String, String)])
    func links(markup: String, text: String) {
        #expect(plain(markup) == text)
    }

    // An escaped tag is part of the text.
    @Test("Escaped angle brackets are not tags")
    func escapedTags() {
        #expect(plain("&lt;b&gt;x&lt;/b&gt;") == "<b>x</b>")
        #expect(plain("&#60;a href='u'&#62;x") == "<a href='u'>x")
        #expect(plain("&amp;lt;") == "&lt;")
    }

    // Otherwise a message can hide or overwrite text on the terminal.
    @Test(
        "Control and format characters become blanks, however they are written",
        arguments: [
            ("a\u{1B}[2Jb", "a [2Jb"), ("a&#27;[2Jb", "a [2Jb"), ("a&#x1b;b", "a b"),
            ("a\u{7F}b", "a b"), ("a\u{85}b", "a b"), ("a\u{9B}b", "a b"), ("a&#155;b", "a b"),
            ("a\u{202E}b", "a b"), ("a&#x202e;b", "a b"), ("a\u{2028}b", "a b"),
            ("a\u{2066}b", "a b"), ("a\u{FEFF}b", "a b"), ("a\u{E000}b", "a b"),
            ("a\0b", "a b"), ("a\r\nb\tc", "a b c"),
        ] as [(String, String)])
    func controls(markup: String, text: String) {
        #expect(plain(markup) == text)
    }

    @Test("Blanks between words become one blank, and blanks at the ends are removed")
    func blanks() {
        #expect(plain("  a \t b\n\n c \u{A0}d ") == "a b c d")
        #expect(plain(" \n ") == "")
        #expect(plain("a<br><br> b") == "a b")
    }

    @Test("Only the first 4096 bytes of a message are shown and parsed")
    func length() {
        let whole = String(repeating: "x", count: 4096)
        #expect(plain(whole) == whole)
        #expect(plain(whole + "y") == whole)
        #expect(plain(whole + "<b>") == whole)
        // A truncated tag is text: its end is not searched after the part that is shown.
        let cut = String(repeating: "x", count: 4094) + "<b>z"
        #expect(plain(cut) == String(repeating: "x", count: 4094) + "<b")
        let nested = String(repeating: "<b>", count: 2000) + "z"
        #expect(plain(nested) == "<")
    }

    @Test(
        "Headings and breaks in any spelling separate words, and a link may have no address")
    func divisions() {
        for (markup, text) in [
            ("a<br/>b", "a b"), ("a<BR />b", "a b"), ("<h1>A</h1>b", "A b"),
            ("a<h2>b</h2>c", "a b c"),
            ("<li>a</li><li>b</li>", "a b"), ("a<b>b</b>c", "abc"), ("<a href=''>x</a>", "x"),
        ] as [(String, String)] {
            #expect(plain(markup) == text, "\(markup)")
        }
    }

    @Test("A number with a sign is not an entity")
    func signedNumbers() {
        for text in ["&#+65;", "&#-65;", "&#x+41;", "&#;", "&#x;"] {
            #expect(HTMLText.decode(ArraySlice(text.utf8)) == text)
        }
        #expect(HTMLText.decode(ArraySlice("&#65;&#x41;&#X41;".utf8)) == "AAA")
    }

    // Otherwise the letter before it is lost.
    @Test("A character that is not shown does not remove the one before it")
    func joiners() {
        let persian = "\u{646}\u{645}\u{6CC}\u{200C}\u{62F}\u{627}\u{646}\u{645}"
        #expect(plain(persian) == persian)
        #expect(plain("a\u{200B}b\u{202E}c") == "a b c")
    }
}
