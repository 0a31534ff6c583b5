internal import CTokencertOpenSSL

/// Reads the PEM blocks in a text and ignores the text around them (RFC 7468).
struct PEMReader: ~Copyable {
    private let input: MemoryBIO
    private var number = 0

    init(_ text: [UInt8]) throws(X509Error) {
        input = try MemoryBIO(Self.lines(text).flatMap { $0 + [UInt8(ascii: "\n")] })
    }

    /// The next block; nil at the end of the text.
    mutating func next() throws(X509Error) -> PEMBlock? {
        number += 1
        var name: UnsafeMutablePointer<CChar>?
        var header: UnsafeMutablePointer<CChar>?
        var data: UnsafeMutablePointer<UInt8>?
        var length = 0
        ERR_clear_error()
        guard unsafe PEM_read_bio(input.pointer, &name, &header, &data, &length) == 1,
            let name = unsafe name
        else {
            // OpenSSL reports this error at the end of the text. For a block without data it reports
            // none; stopping silently there would lose the certificates after it.
            guard tokencert_is_pem_end(ERR_peek_last_error()) == 1 else {
                throw .fromOpenSSL(.malformed, "PEM block \(number) is broken or truncated")
            }
            ERR_clear_error()
            return nil
        }
        defer {
            unsafe tokencert_OPENSSL_free(name)
            unsafe tokencert_OPENSSL_free(header)
            unsafe tokencert_OPENSSL_free(data)
        }
        let first = unsafe header?.pointee ?? 0
        return unsafe PEMBlock(
            number: number, name: String(cString: name),
            hasHeader: first != 0 && first != CChar(UInt8(ascii: "\n")),
            data: [UInt8](UnsafeBufferPointer(start: data, count: length)))
    }

    /// The lines, without a byte order mark, leading blanks and CR line ends: OpenSSL silently skips
    /// blocks with these. It also skips a block that begins inside another one, so the lines end
    /// there, and the outer block is reported as truncated.
    private static func lines(_ text: [UInt8]) throws(X509Error) -> [ArraySlice<UInt8>] {
        let byteOrderMark: [UInt8] = [0xEF, 0xBB, 0xBF]
        let (beginning, ending) = (Array("-----BEGIN".utf8), Array("-----".utf8))
        var (isInBlock, hasBlock) = (false, false)
        var lines: [ArraySlice<UInt8>] = []
        var rest = text.starts(with: byteOrderMark) ? text.dropFirst(3) : text[...]
        while let end = rest.firstIndex(where: { $0 == 0x0A || $0 == 0x0D }) ?? lastEnd(of: rest) {
            let line = rest[..<end].drop { $0 == 0x20 || $0 == 0x09 }
            let isBeginning = line.starts(with: beginning)
            if isBeginning, isInBlock { break }
            // OpenSSL would skip the block, and the certificate in it would be lost silently.
            let isSpoilt = isLikeBeginning(line) || hasBlock && containsData(line)
            guard isInBlock || isBeginning || !isSpoilt else {
                throw X509Error(
                    .malformed,
                    "line \(lines.count + 1) is not text, or begins a PEM block without the "
                        + "exact form -----BEGIN")
            }
            isInBlock = isBeginning || (isInBlock && !line.starts(with: "-----END".utf8))
            hasBlock = hasBlock || isInBlock
            lines.append(line)
            let isPair = rest[end...].starts(with: [0x0D, 0x0A])
            rest = rest[min(end + (isPair ? 2 : 1), rest.endIndex)...]
            let visible = line.reversed().drop { $0 <= 0x20 }
            guard !isBeginning || visible.starts(with: ending.reversed()) else {
                throw X509Error(
                    .malformed,
                    "line \(lines.count) begins a PEM block but does not end with -----")
            }
        }
        return lines
    }

    /// Whether a line outside a block is meant to begin one: with other dashes or in lower case.
    private static func isLikeBeginning(_ line: ArraySlice<UInt8>) -> Bool {
        guard line.starts(with: "--".utf8) else { return false }
        let words = line.drop { $0 == UInt8(ascii: "-") || $0 == 0x20 }
        return words.prefix(5).map { $0 & 0xDF }.elementsEqual("BEGIN".utf8)
            && words.dropFirst(5).first == 0x20
    }

    /// Whether a line after a block contains data such as DER. Zeros at its end do no harm.
    private static func containsData(_ line: ArraySlice<UInt8>) -> Bool {
        line.reversed().drop { $0 == 0 }.contains(0)
    }

    private static func lastEnd(of rest: ArraySlice<UInt8>) -> Int? {
        rest.isEmpty ? nil : rest.endIndex
    }
}

/// A PEM block.
struct PEMBlock {
    /// Its position in the text, from 1.
    let number: Int
    /// The name after BEGIN in its first line.
    let name: String
    /// Whether header lines precede the data, as in an encrypted block (RFC 1421).
    let hasHeader: Bool
    let data: [UInt8]

    /// The certificate; nil for a block with a key, a request or a revocation list. Any other block
    /// is an error.
    func certificate() throws(X509Error) -> Certificate? {
        do throws(X509Error) {
            switch name {
            case "CERTIFICATE", "X509 CERTIFICATE":
                try requireNoHeader()
                return try Certificate(der: data)
            case "TRUSTED CERTIFICATE":
                try requireNoHeader()
                let certificate = try Certificate(firstIn: data)
                // OpenSSL appends the trusted usages, which are ignored here.
                let settings = Array(data.dropFirst(certificate.der.count))
                guard settings.isEmpty || DER.readWhole(0x30, settings) != nil else {
                    throw X509Error(.malformed, "its trust settings are malformed")
                }
                return certificate
            default:
                guard holdsNoCertificate else {
                    throw X509Error(.malformed, "not a certificate, a key or a request")
                }
                return nil
            }
        } catch {
            throw X509Error(
                error.code, "PEM block \(number) (\(name)): \(error.context)",
                reasons: error.reasons)
        }
    }

    private var holdsNoCertificate: Bool {
        ["PRIVATE KEY", "PUBLIC KEY", "PARAMETERS"].contains { name.hasSuffix($0) }
            || ["CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST", "X509 CRL"].contains(name)
    }

    private func requireNoHeader() throws(X509Error) {
        guard !hasHeader else {
            throw X509Error(.malformed, "it is encrypted or has a header")
        }
    }
}
