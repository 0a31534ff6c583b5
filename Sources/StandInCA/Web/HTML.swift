/// A piece of HTML. An interpolated text is escaped like the server does; other HTML is not.
struct HTML: Sendable, ExpressibleByStringInterpolation {
    let bytes: [UInt8]

    init(stringLiteral value: String) {
        bytes = Array(value.utf8)
    }

    init(stringInterpolation: StringInterpolation) {
        bytes = stringInterpolation.bytes
    }

    init(joining pieces: [HTML]) {
        bytes = pieces.flatMap(\.bytes)
    }

    struct StringInterpolation: StringInterpolationProtocol {
        fileprivate var bytes: [UInt8] = []

        init(literalCapacity: Int, interpolationCount: Int) {}

        mutating func appendLiteral(_ literal: String) {
            bytes.append(contentsOf: literal.utf8)
        }

        mutating func appendInterpolation(_ text: String) {
            bytes.append(contentsOf: Escaping.escape(text))
        }

        mutating func appendInterpolation(_ number: UInt64) {
            bytes.append(contentsOf: String(number).utf8)
        }

        mutating func appendInterpolation(_ html: HTML) {
            bytes.append(contentsOf: html.bytes)
        }
    }

    /// A page of the web site with a content.
    static func page(_ title: String, _ content: HTML) -> HTML {
        """
        <!DOCTYPE html>
        <html><head><title>\(title)</title></head>
        <body><h3>\(title)</h3>
        \(content)
        </body></html>

        """
    }
}
