internal import ArgumentParser

/// Which of several certificates that have one URI.
struct SerialOption: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Only the certificate with this serial number, where several have one URI.",
            valueName: "hex"))
    var serial: String?

    /// The digits as a certificate's content has them, or nil.
    var digits: String? { serial?.lowercased().filter { $0 != ":" } }
}
