internal import ArgumentParser
internal import FoundationEssentials
internal import TokencertStandInCA

#if canImport(Darwin)
    internal import Darwin
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Glibc
#endif

@main
struct CACertStandIn: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cacert-standin",
        abstract: "Run a local CA for tests that behaves like CAcert's API and web account.",
        discussion: """
            Keys, certificates and accounts are in DIR; missing files are created. Issued \
            certificates are written to DIR/issued, and orders to DIR/orders. Do not trust its \
            certificates.
            """)

    @Argument(help: ArgumentHelp("Folder for roots, keys and accounts.", valueName: "DIR"))
    var directory: String

    @Option(help: "Listen on this port of 127.0.0.1; 0 selects a free port.")
    var port = 0

    @Option(help: "Delay each order by this number of seconds; CAcert waits 10.")
    var delay = 0.0

    @Option(help: "Seconds that the signer needs; if more than --delay, orders are late.")
    var signingTime = 0.0

    @Option(help: "Issuer of certificates: class1 or class3.")
    var signer = StandInConfiguration.Signer.class1

    @Option(help: "Encoding in which the signer reads names: utf8 or latin1.")
    var names = StandInConfiguration.Names.utf8

    @Option(help: "Form of the answer with a certificate: plain or messy.")
    var answerForm = StandInConfiguration.AnswerForm.plain

    @Flag(help: "Accept elliptic-curve keys, which CAcert refuses.")
    var acceptEllipticCurves = false

    @Option(
        help: ArgumentHelp(
            "Fault in orders: \(Self.faults).", valueName: "name"))
    var fault: Fault?

    @Option(
        help: ArgumentHelp(
            "Fault in the account page: \(Self.accountFaults).", valueName: "name"))
    var accountFault: Fault?

    @Option(
        help: ArgumentHelp(
            "Fault in the web account: \(Self.webFaults).", valueName: "name"))
    var webFault: Fault?

    @Flag(help: "Answer the login of the web account without the fault of --web-fault.")
    var webFaultAfterLogin = false

    private static let faults = list(\.isOfOrders)
    private static let accountFaults = list(\.isOfAnswers)
    private static let webFaults = list(\.isOfWebAccount)

    private static func list(_ isIncluded: (Fault) -> Bool) -> String {
        Fault.allCases.filter(isIncluded).map(\.rawValue).joined(separator: ", ")
    }

    @Option(help: ArgumentHelp("List of Debian weak keys.", valueName: "file"))
    var weakKeys: String?

    @Option(
        help: ArgumentHelp(
            "Address of the OCSP responder in certificates.", valueName: "url"))
    var ocsp: String?

    @Option(
        help: ArgumentHelp(
            "Address of the revocation list in certificates.", valueName: "url"))
    var crl: String?

    @Option(help: ArgumentHelp("Append a line for each request to a file.", valueName: "file"))
    var requestLog: String?

    func validate() throws {
        guard fault?.isOfOrders ?? true else {
            throw ValidationError("--fault must be one of \(Self.faults)")
        }
        guard accountFault?.isOfAnswers ?? true else {
            throw ValidationError("--account-fault must be one of \(Self.accountFaults)")
        }
        guard webFault?.isOfWebAccount ?? true else {
            throw ValidationError("--web-fault must be one of \(Self.webFaults)")
        }
    }

    func run() async throws {
        // The paths that are printed must work in every folder.
        let here = FileManager.default.currentDirectoryPath + "/"
        // Bytes that are not UTF-8 are read as U+FFFD, which names another folder.
        guard
            !([here] + CommandLine.arguments.dropFirst()).contains(where: {
                $0.contains("\u{FFFD}")
            })
        else { throw ValidationError("the arguments and the current folder must be in UTF-8") }
        var configuration = StandInConfiguration(
            directory: directory.hasPrefix("/") ? directory : here + directory)
        configuration.port = port
        configuration.delay = delay
        configuration.signingTime = signingTime
        configuration.signer = signer
        configuration.names = names
        configuration.answerForm = answerForm
        configuration.acceptsEllipticCurves = acceptEllipticCurves
        configuration.fault = fault
        configuration.accountFault = accountFault
        configuration.webFault = webFault
        configuration.webFaultAfterLogin = webFaultAfterLogin
        configuration.weakKeysFile = weakKeys
        configuration.requestLog = requestLog
        if let ocsp { configuration.ocspAddress = ocsp }
        configuration.listAddress = crl
        let standIn = try StandInCA(configuration)
        try await standIn.run { port in
            print(usage(of: standIn, port: port))
            // Otherwise the text stays in the buffer if the output is a pipe.
            fflush(nil)
        }
    }
}

extension StandInConfiguration.Signer: ExpressibleByArgument {}
extension StandInConfiguration.Names: ExpressibleByArgument {}
extension StandInConfiguration.AnswerForm: ExpressibleByArgument {}
extension Fault: ExpressibleByArgument {}

private func usage(of standIn: StandInCA, port: Int) -> String {
    let username = standIn.exampleAccount?.username ?? "USERNAME"
    return """
        The stand-in CA is at https://localhost:\(port), its accounts in \(standIn.accountsFile).
        To use it, run:

          export TOKENCERT_CA_URL=https://localhost:\(port)
          export TOKENCERT_CA_FILE=\(standIn.rootFile)
          export TOKENCERT_USERNAME=\(username)
          export TOKENCERT_PASSWORD_SOURCE=\(standIn.passwordFile.map { "file:\($0)" } ?? "prompt")
          tokencert account

        Press Ctrl-C to stop the CA.
        """
}
