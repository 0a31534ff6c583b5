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
        abstract: "A CA on this machine that behaves as CAcert's API does, for tests.",
        discussion: """
            Keys, certificates and accounts are in DIR; what is missing there is made. Issued \
            certificates are kept in DIR/issued. Everything it issues is worthless.
            """)

    @Argument(help: ArgumentHelp("Folder for roots, keys and accounts.", valueName: "DIR"))
    var directory: String

    @Option(help: "Port on 127.0.0.1; 0 takes any that is free.")
    var port = 0

    @Option(help: "Seconds that every order waits; CAcert waits 10.")
    var delay = 0.0

    @Option(help: "Seconds that the signer takes; more than the delay makes orders late.")
    var signingTime = 0.0

    @Option(help: "Who signs: class1 or class3.")
    var signer = StandInConfiguration.Signer.class1

    @Option(help: "How the signer reads names: utf8 or latin1.")
    var names = StandInConfiguration.Names.utf8

    @Option(help: "Form of certificates: plain or messy.")
    var answerForm = StandInConfiguration.AnswerForm.plain

    @Flag(help: "Sign elliptic-curve keys too, which CAcert does not do.")
    var acceptEllipticCurves = false

    @Option(
        help: ArgumentHelp(
            "What to do wrong: \(Fault.allCases.map(\.rawValue).joined(separator: ", ")).",
            valueName: "name"))
    var fault: Fault?

    @Option(
        help: ArgumentHelp(
            "What to do wrong with the account page: \(Self.accountFaults).", valueName: "name"))
    var accountFault: Fault?

    private static let accountFaults =
        Fault.allCases.filter(\.isOfAnswers).map(\.rawValue).joined(separator: ", ")

    @Option(help: ArgumentHelp("List of Debian weak keys.", valueName: "file"))
    var weakKeys: String?

    @Option(
        help: ArgumentHelp(
            "Where certificates say that their status can be asked.", valueName: "url"))
    var ocsp: String?

    @Option(help: ArgumentHelp("Add a line for each request to a file.", valueName: "file"))
    var requestLog: String?

    func validate() throws {
        guard accountFault?.isOfAnswers ?? true else {
            throw ValidationError("--account-fault takes one of \(Self.accountFaults)")
        }
    }

    func run() async throws {
        // The variables that are printed hold in every folder: tokencert takes no relative path there.
        let here = FileManager.default.currentDirectoryPath + "/"
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
        configuration.weakKeysFile = weakKeys
        configuration.requestLog = requestLog
        if let ocsp { configuration.ocspAddress = ocsp }
        let standIn = try StandInCA(configuration)
        try await standIn.run { port in
            print(usage(of: standIn, port: port))
            // A pipe would keep the text back until the server ends.
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
        Stand-in CA at https://localhost:\(port), accounts in \(standIn.accountsFile). To use it:

          export TOKENCERT_CA_URL=https://localhost:\(port)
          export TOKENCERT_CA_FILE=\(standIn.rootFile)
          export TOKENCERT_USERNAME=\(username)
          export TOKENCERT_PASSWORD_SOURCE=\(standIn.passwordFile.map { "file:\($0)" } ?? "prompt")
          tokencert account

        Ctrl-C ends it.
        """
}
