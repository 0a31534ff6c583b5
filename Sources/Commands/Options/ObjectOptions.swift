internal import ArgumentParser
internal import TokencertTokens

extension ArgumentHelp {
    /// The help of the argument that names one key or certificate.
    static let objectName = ArgumentHelp(
        "The key or the certificate: label, id, serial number or URI.", valueName: "name")
    /// The help of the argument that limits a command to some objects.
    static let objectNames = ArgumentHelp(
        "Only objects with this label, id, serial number or URI.", valueName: "name")
}

/// The serial number of the certificate that is meant, if several fit a name.
struct SerialOption: ParsableArguments {
    // `.unconditional` because a negative number begins with a minus sign, like an option.
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Use only the certificate with this serial number.", valueName: "hex"))
    var serial: String?

    /// The digits in the form of `Certificate.serialNumber`, or nil.
    var digits: String? { serial.flatMap(serialNumber(_:)) }

    func validate() throws {
        guard let serial, digits == nil else { return }
        throw ValidationError(
            "--serial must be hexadecimal digits, such as 0f3a, 0F:3A or 0x0f3a, not "
                + "\"\(printable(serial))\"")
    }
}
