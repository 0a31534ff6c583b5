internal import OpenSSLX509
package import TokencertPlatform

/// A program that can use a certificate on a token, and how it is set up and tried.
///
/// Each kind is one file in `Kinds`: what it needs of the certificate and the token, what it writes, and
/// how it is proved. Nothing here ever writes a PIN.
package protocol Consumer: Sendable {
    /// The name on the command line: lower-case letters.
    var name: String { get }
    /// What it is used for, in a few words.
    var summary: String { get }
    /// The programs that it consists of. It counts as installed if all that are not optional are.
    var programs: [RequiredProgram] { get }
    /// The options for its place that it takes; others are refused.
    var placeOptions: [PlaceOption] { get }
    /// The option without which it cannot be set up for the first time, or nil.
    var requiredOption: PlaceOption? { get }
    /// Whether it uses the certificate, which must not have expired, or the key alone.
    var usesCertificate: Bool { get }
    /// Whether one of the programs loads the PKCS#11 module in daily use.
    var loadsModule: Bool { get }

    /// Checks that the certificate and the token are fit for it, before anything is written.
    ///
    /// - Throws: ``ConsumerError`` that names what is missing and how to get it.
    func requireFit(_ used: UsedCertificate) throws

    /// What is written and what the user types.
    ///
    /// - Throws: ``ConsumerError`` if it cannot be set up here, such as because of several profiles.
    func setUp(_ used: UsedCertificate, _ place: Place) throws -> SetUp

    /// Tests it once with the files of the set-up, which have been written, in a temporary folder.
    ///
    /// - Parameter pin: The PIN of the token, which the token has just accepted; empty if it needs none.
    /// - Returns: What was proved, one line each.
    /// - Throws: ``ConsumerError`` with code ``ConsumerError/Code/checkFailed`` if it does not work.
    func check(_ used: UsedCertificate, _ place: Place, pin: borrowing Secret) throws -> [String]

    /// Checks that files of a set-up can be taken back now.
    ///
    /// - Throws: ``ConsumerError`` with code ``ConsumerError/Code/consumerRuns`` if the program runs and
    ///   would overwrite them.
    func requireIdle(_ paths: [String]) throws
}

extension Consumer {
    package var placeOptions: [PlaceOption] { [] }
    package var requiredOption: PlaceOption? { nil }
    package var usesCertificate: Bool { true }
    package var loadsModule: Bool { true }

    /// Checks what all programs require of the module, then ``requireFit(_:)``.
    package func requireUsable(_ used: UsedCertificate) throws {
        guard !loadsModule || !used.token.needsModuleArguments else {
            throw ConsumerError(
                .tokenUnfit,
                "the module requires arguments (TOKENCERT_MODULE_ARGUMENTS), which \(name) cannot pass to it",
                advice: [
                    "choose another token: tokencert use \(name) --token TOKEN --module MODULE"
                ])
        }
        try requireFit(used)
    }

    /// The error if a check shows that the program does not work as it is set up.
    func failedCheck(_ message: String) -> ConsumerError {
        ConsumerError(
            .checkFailed, message, advice: ["to see the set-up: tokencert use \(name)"])
    }

    /// The error if a check shows that the files of the set-up are not those that were written.
    func outdated(_ message: String) -> ConsumerError {
        ConsumerError(
            .checkFailed, message, advice: ["write it again: tokencert use \(name) --write"])
    }

    /// Most programs only read their files.
    package func requireIdle(_: [String]) throws {}
}

/// What is written for a consumer, and what the user does with it.
package struct SetUp: Sendable {
    package var files: [SetUpFile] = []
    /// Commands to use it, each one line to type.
    package var commands: [String] = []
    /// Sentences for the user. A note without a full stop at its end ends with a text to copy, which begins
    /// after the first colon.
    package var notes: [String] = []

    package init() {}
}

/// An option that names a place, without its hyphens.
package enum PlaceOption: String, Sendable, CaseIterable {
    case host
    case profileFolder = "profile-folder"
    case file
}

/// Where a consumer is set up.
package struct Place: Sendable, Hashable, Codable {
    /// The user's home folder, an absolute path.
    package let home: String
    /// `$XDG_CONFIG_HOME`, or `.config` in the home folder.
    package let configuration: String
    /// The folder of the files that belong to tokencert alone, without the name of the consumer.
    package let own: String
    /// `--host`: the hosts for which ssh uses the key, as patterns.
    package var hosts: [String] = []
    /// `--profile-folder`: the folder of the profile of a browser or a mail program.
    package var profile: String?
    /// `--file`: the file of a server's configuration.
    package var file: String?

    package init(home: String, configuration: String, own: String) {
        self.home = home
        self.configuration = configuration
        self.own = own
    }

    /// A file of tokencert's own for a consumer.
    package func ownFile(_ consumer: some Consumer, _ name: String) -> String {
        "\(own)/\(consumer.name)/\(name)"
    }
}
