package import ArgumentParser

/// The root command.
package struct Tokencert: ParsableCommand {
    static let version = programVersion

    /// The name, the help text and the subcommands.
    package static let configuration = CommandConfiguration(
        commandName: "tokencert", abstract: "Put a CAcert certificate onto a hardware token.",
        discussion: """
            The key pair is generated inside a smartcard, USB token or HSM through PKCS#11. The \
            token signs the request, CAcert issues the certificate, and tokencert verifies it and \
            writes it to the token.

            You can also set options in the environment (--ca-url as TOKENCERT_CA_URL) and in a \
            configuration file: see tokencert help config.

            More help: tokencert help exit-status, tokencert help environment, tokencert help uris.

            To get started:

              tokencert doctor
              tokencert trust fetch
              tokencert token init --label work
              tokencert issue --username anna@example.org
            """,
        version: version,
        groupedSubcommands: [
            CommandGroup(
                name: "Get started",
                subcommands: [
                    DoctorCommand.self, TrustCommand.self, TokenCommand.self, AccountCommand.self,
                ]),
            CommandGroup(
                name: "Certificates",
                subcommands: [
                    IssueCommand.self, RenewCommand.self, ResumeCommand.self, RequestCommand.self,
                    ImportCommand.self, DeleteCommand.self, RevokeCommand.self, UseCommand.self,
                ]),
            CommandGroup(
                name: "Look",
                subcommands: [
                    ListCommand.self, ShowCommand.self, TokensCommand.self, HealthCommand.self,
                    ExpiringCommand.self, CertificatesCommand.self, HistoryCommand.self,
                ]),
            CommandGroup(
                name: "Advanced",
                subcommands: [
                    ConfigCommand.self, EvidenceCommand.self, ProbeCommand.self,
                    CompletionsCommand.self,
                ]),
        ])

    /// Called by argument-parser.
    package init() {}

    /// Shows what to do next at a terminal, and the help elsewhere.
    package func run() throws {
        guard Output.standardOutput.isTerminal else { throw CleanExit.helpRequest(self) }
        try Guide.show()
    }
}
