#if canImport(Darwin)
    internal import Darwin
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Glibc
#endif

/// Asks for a secret with GnuPG's `pinentry`, over the Assuan protocol: one line per command and
/// answer.
func readFromPinentry(_ promptText: String) throws(SecretError) -> Secret {
    var process = try ChildProcess.start(["pinentry"], isTalkedTo: true)
    guard case .done = try answer(process.output) else {
        throw SecretError(.unreadable, "pinentry did not start")
    }
    for line in optionLines() {
        // Options are optional: pinentry may not know all of them.
        _ = try ask(line, process)
    }
    let colon = promptText.hasSuffix(":") ? "" : ":"
    for line in [
        "SETTITLE tokencert", "SETDESC \(escaped(promptText + colon))",
        "SETPROMPT \(escaped(fieldName(promptText))):",
    ] {
        if case .refused(_, let reason) = try ask(line, process) {
            throw SecretError(.unreadable, "pinentry rejected the prompt: \(reason)")
        }
    }
    let secret: Secret
    switch try ask("GETPIN", process) {
    case .done: secret = Secret()
    case .data(let data): secret = data
    case .refused(let code, let reason):
        // GPG_ERR_CANCELED, and the code that newer versions return when the window is closed.
        guard code & 0xFFFF == 99 || code & 0xFFFF == 198 else {
            throw SecretError(.unreadable, "pinentry failed: \(reason)")
        }
        throw SecretError(.cancelled, "nothing was typed")
    }
    writeAll(process.input, "BYE\n")
    // The secret has been read, so a failure at the end does not matter.
    try? process.wait(before: Deadline(seconds: 5))
    return secret
}

/// The label of the input field: the prompt up to its first preposition. "Password of anna" becomes
/// "Password".
private func fieldName(_ promptText: String) -> String {
    let words = promptText.split(separator: " ")
    return words.prefix { !["for", "of", "once"].contains($0) }.joined(separator: " ")
}

private enum Answer: ~Copyable {
    case done
    case data(Secret)
    case refused(code: Int, reason: String)
}

private func ask(_ line: String, _ process: borrowing ChildProcess) throws(SecretError) -> Answer {
    writeAll(process.input, line + "\n")
    return try answer(process.output)
}

private func answer(_ output: Int32) throws(SecretError) -> Answer {
    var data: Secret?
    // Bounded, because a program that is not pinentry may never stop.
    for _ in 0..<100 {
        let line = try readLine(
            output, "pinentry", before: Deadline(seconds: TimeLimit.person))
        if line.starts(with: Array("D ".utf8)) {
            data = decoded(line)
        } else if line.starts(with: Array("OK".utf8)) {
            if let data = data.take() { return .data(data) }
            return .done
        } else if line.starts(with: Array("ERR ".utf8)) {
            let text = line.withBytes { bytes in
                String(decoding: bytes.indices.map { bytes[$0] }, as: UTF8.self)
            }
            let words = text.split(separator: " ", maxSplits: 2)
            return .refused(
                code: words.count > 1 ? Int(words[1]) ?? 0 : 0,
                reason: words.count > 2 ? String(words[2]) : "")
        } else if line.isEmpty {
            throw SecretError(.unreadable, "pinentry exited without an answer")
        }
        // Comments and status lines are ignored.
    }
    throw SecretError(.malformed, "cannot understand the answer of pinentry")
}

/// The data of a line `D ...`, with escapes such as `%0A` replaced by bytes.
private func decoded(_ line: borrowing Secret) -> Secret {
    var result = Secret()
    line.withBytes { bytes in
        var index = 2
        while index < bytes.count {
            if bytes[index] == UInt8(ascii: "%"), index + 2 < bytes.count,
                let high = digit(bytes[index + 1]), let low = digit(bytes[index + 2])
            {
                result.append(high << 4 | low)
                index += 3
            } else {
                result.append(bytes[index])
                index += 1
            }
        }
    }
    return result
}

private func digit(_ character: UInt8) -> UInt8? {
    switch character {
    case 48...57: character - 48
    case 65...70: character - 55
    case 97...102: character - 87
    default: nil
    }
}

private func escaped(_ text: String) -> String {
    text.unicodeScalars.map { scalar in
        switch scalar {
        case "%": "%25"
        case "\n": "%0A"
        case "\r": "%0D"
        default: String(scalar)
        }
    }.joined()
}

/// Options that select the terminal for a pinentry that requires one.
private func optionLines() -> [String] {
    var lines: [String] = []
    let terminal = [0, 1, 2].lazy.compactMap { (descriptor: Int32) -> String? in
        unsafe ttyname(descriptor).map { unsafe String(cString: $0) }
    }.first
    lines.append("OPTION ttyname=\(terminal ?? "/dev/tty")")
    if let type = environmentVariable("TERM") { lines.append("OPTION ttytype=\(type)") }
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].lazy.compactMap(environmentVariable).first
    if let locale { lines.append("OPTION lc-ctype=\(locale)") }
    return lines
}
