internal import ArgumentParser
internal import TokencertTokens

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
