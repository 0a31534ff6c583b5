internal import ArgumentParser

/// Which of several certificates that have one URI.
struct SerialOption: ParsableArguments {
    // A negative number begins with a minus sign, as options do.
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Only the certificate with this serial number, where several have one URI.",
            valueName: "hex"))
    var serial: String?

    /// The digits as a certificate's content has them, or nil.
    var digits: String? { serial.flatMap(serialNumber(_:)) }

    func validate() throws {
        guard let serial, digits == nil else { return }
        throw ValidationError(
            "--serial takes hexadecimal digits, such as 0f3a, 0F:3A or 0x0f3a, and not "
                + "\"\(printable(serial))\"")
    }
}

/// A serial number in the form of `Certificate.serialNumber`: hexadecimal, lower case, two digits
/// per byte, no leading zeros, after a minus sign if it is negative.
///
/// - Parameter text: The serial number as programs print it: in either case, with a minus sign, `0x`,
///   colons or blanks.
/// - Returns: nil if the text is anything else.
func serialNumber(_ text: String) -> String? {
    var digits = text.lowercased().filter { $0 != ":" && !$0.isWhitespace }
    let isNegative = digits.hasPrefix("-")
    if isNegative { digits.removeFirst() }
    if digits.hasPrefix("0x") { digits.removeFirst(2) }
    guard !digits.isEmpty,
        digits.utf8.allSatisfy({ (48...57).contains($0) || (97...102).contains($0) })
    else { return nil }
    let significant = String(digits.drop { $0 == "0" })
    if significant.isEmpty { return "00" }
    return (isNegative ? "-" : "")
        + (significant.count.isMultiple(of: 2) ? significant : "0" + significant)
}
